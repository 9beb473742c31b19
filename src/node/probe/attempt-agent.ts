import { request as httpRequest } from 'node:http';
import { connect as http2Connect } from 'node:http2';
import { once } from 'node:events';
import { type Socket } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import { type ExecProcess } from '../runtime.ts';
import { dialWords } from './dial-words.ts';
import { type ProbeResult } from './probe-agent.ts';
import { type ProbeTarget } from './probe-spec.ts';

export interface AttemptContext {
  /** A connection from the node's network, as a kubelet probes. */
  readonly dial: (host: string, port: number) => Socket;
  readonly exec: (command: readonly string[]) => ExecProcess;
}

const MAX_BODY = 10 * 1024;

/** Probes once. The message of a failure is what `kubectl describe` shows. */
export function attemptProbe(context: AttemptContext, target: ProbeTarget, signal: AbortSignal): Promise<ProbeResult> {
  switch (target.kind) {
    case 'http':
      return probeHttp(context, target, signal);
    case 'tcp':
      return probeTcp(context, target, signal);
    case 'grpc':
      return probeGrpc(context, target, signal);
    case 'exec':
      return probeExec(context, target.command, signal);
  }
}

type Target<K extends ProbeTarget['kind']> = Extract<ProbeTarget, { kind: K }>;

async function probeHttp(context: AttemptContext, target: Target<'http'>, signal: AbortSignal): Promise<ProbeResult> {
  const socket = context.dial(target.host, target.port);
  using _ = destroyOn(signal, socket);
  const host = target.headers.find(([name]) => name.toLowerCase() === 'host')?.[1] ?? `${target.host}:${target.port}`;
  const given = Object.fromEntries(target.headers.filter(([name]) => name.toLowerCase() !== 'host'));
  const headers = { 'user-agent': 'kube-probe/1.34', accept: '*/*', connection: 'close', ...given, host };
  // Not an `agent` as well: it would make a connection of its own. The certificate of a probed server is not checked.
  const createConnection = (): Socket => (target.tls ? tlsConnect({ socket, rejectUnauthorized: false }) : socket);
  const request = httpRequest({ method: 'GET', path: target.path, headers, createConnection });
  const status = await new Promise<number>((resolve, reject) => {
    request.once('response', (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    request.once('error', (error) => reject(failureOf(signal, target, error)));
    request.end();
  });
  if (status >= 200 && status < 400) return { ok: true };
  return { ok: false, message: `HTTP probe failed with statuscode: ${status}` };
}

function failureOf(signal: AbortSignal, target: Target<'http'>, error: Error): Error {
  const url = `${target.tls ? 'https' : 'http'}://${target.host}:${target.port}${target.path}`;
  const why = signal.aborted
    ? 'context deadline exceeded (Client.Timeout exceeded while awaiting headers)'
    : dialWords(error, target.host, target.port);
  return new Error(`Get ${JSON.stringify(url)}: ${why}`);
}

async function probeTcp(context: AttemptContext, target: Target<'tcp'>, signal: AbortSignal): Promise<ProbeResult> {
  const socket = context.dial(target.host, target.port);
  using _ = destroyOn(signal, socket);
  try {
    await once(socket, 'connect');
  } catch (error) {
    const timedOut = `dial tcp ${target.host}:${target.port}: i/o timeout`;
    return { ok: false, message: signal.aborted ? timedOut : dialWords(error, target.host, target.port) };
  }
  socket.destroy();
  return { ok: true };
}

async function probeExec(
  context: AttemptContext,
  command: readonly string[],
  signal: AbortSignal,
): Promise<ProbeResult> {
  const process = context.exec(command);
  const kill = (): void => process.kill('SIGKILL');
  signal.addEventListener('abort', kill, { once: true });
  let output = '';
  for (const stream of [process.stdout, process.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      if (output.length < MAX_BODY) output += chunk.toString();
    });
  }
  const { code } = await process.wait();
  signal.removeEventListener('abort', kill);
  if (signal.aborted) throw signal.reason;
  return code === 0 ? { ok: true } : { ok: false, message: output.slice(0, MAX_BODY) };
}

const SERVING = 1;

/** grpc.health.v1.Health/Check over cleartext HTTP/2, its one-field messages written by hand. */
async function probeGrpc(context: AttemptContext, target: Target<'grpc'>, signal: AbortSignal): Promise<ProbeResult> {
  const socket = context.dial(target.host, target.port);
  using _ = destroyOn(signal, socket);
  const session = http2Connect(`http://${target.host}:${target.port}`, { createConnection: () => socket });
  const name = Buffer.from(target.service);
  // HealthCheckRequest { string service = 1; }, behind the flag and length that gRPC puts before each message.
  const message = name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a, name.length]), name]);
  const frame = Buffer.alloc(5 + message.length);
  frame.writeUInt32BE(message.length, 1);
  message.copy(frame, 5);
  try {
    const answer = await new Promise<Buffer>((resolve, reject) => {
      session.once('error', reject);
      const stream = session.request({
        ':method': 'POST',
        ':path': '/grpc.health.v1.Health/Check',
        'content-type': 'application/grpc',
        te: 'trailers',
      });
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.once('error', reject);
      stream.once('end', () => resolve(Buffer.concat(chunks)));
      stream.end(frame);
    });
    // HealthCheckResponse { ServingStatus status = 1; }
    const status = answer[5] === 0x08 ? (answer[6] ?? 0) : 0;
    if (status === SERVING) return { ok: true };
    return {
      ok: false,
      message: `service unhealthy (responded with ${JSON.stringify(STATUSES[status] ?? 'UNKNOWN')})`,
    };
  } catch (error) {
    const service = JSON.stringify(`${target.host}:${target.port}`);
    const why = dialWords(error, target.host, target.port);
    const message = signal.aborted
      ? `timeout: failed to connect service ${service}`
      : `error: failed to connect service at ${service}: ${why}`;
    return { ok: false, message };
  } finally {
    session.destroy();
  }
}

const STATUSES = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'];

function destroyOn(signal: AbortSignal, socket: Socket): Disposable {
  const destroy = (): void => {
    socket.destroy(signal.reason as Error);
  };
  signal.addEventListener('abort', destroy, { once: true });
  // Nobody may be listening any more when a late error comes.
  socket.on('error', () => {});
  return {
    [Symbol.dispose]: () => {
      signal.removeEventListener('abort', destroy);
      socket.destroy();
    },
  };
}
