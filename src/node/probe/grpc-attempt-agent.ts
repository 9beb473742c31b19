import { once } from 'node:events';
import { connect, type IncomingHttpHeaders } from 'node:http2';
import { type AttemptContext, destroyOn, hostPort, ProbeTimeout, type ProbeResult } from './attempt.ts';
import { dialWords } from './dial-words.ts';
import type { ProbeTarget } from './probe-spec.ts';

type GrpcTarget = Extract<ProbeTarget, { kind: 'grpc' }>;

interface Answer {
  /** The message behind its flag and length; empty when the call failed. */
  readonly message: Buffer;
  readonly code: number;
  readonly description: string;
}

const SERVING = 1;
/** HealthCheckResponse.ServingStatus. */
const STATUSES = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'];
/** google.golang.org/grpc/codes, by number. */
const CODES =
  'OK Canceled Unknown InvalidArgument DeadlineExceeded NotFound AlreadyExists PermissionDenied ResourceExhausted FailedPrecondition Aborted OutOfRange Unimplemented Internal Unavailable DataLoss Unauthenticated'.split(
    ' ',
  );
const UNIMPLEMENTED = 12;

/**
 * grpc.health.v1.Health/Check over cleartext HTTP/2, its one-field messages written by hand. The words are those of
 * pkg/probe/grpc of v1.34.
 */
export async function probeGrpc(
  context: AttemptContext,
  target: GrpcTarget,
  signal: AbortSignal,
): Promise<ProbeResult> {
  const address = hostPort(target.host, target.port);
  const socket = context.dial(target.host, target.port);
  using _ = destroyOn(signal, socket);
  const within = (): string => (signal.reason instanceof ProbeTimeout ? ` within ${signal.reason.after}` : '');
  try {
    await once(socket, 'connect');
  } catch (error) {
    const service = JSON.stringify(address);
    return failure(
      signal.aborted
        ? `timeout: failed to connect service ${service}${within()}: context deadline exceeded`
        : `error: failed to connect service at ${service}: ${dialWords(error, target.host, target.port)}`,
    );
  }
  const session = connect(`http://${address}`, { createConnection: () => socket });
  try {
    const { message, code, description } = await call(session, target.service);
    if (code === UNIMPLEMENTED) {
      return failure(
        `error: this server does not implement the grpc health protocol (grpc.health.v1.Health): ${description}`,
      );
    }
    if (code !== 0) {
      const name = CODES[code] ?? `Code(${code})`;
      return failure(`error: health rpc probe failed: rpc error: code = ${name} desc = ${description}`);
    }
    // HealthCheckResponse { ServingStatus status = 1; }
    const status = message[5] === 0x08 ? (message[6] ?? 0) : 0;
    if (status === SERVING) return { ok: true };
    return failure(`service unhealthy (responded with ${JSON.stringify(STATUSES[status] ?? String(status))})`);
  } catch (error) {
    const why = dialWords(error, target.host, target.port);
    return failure(
      signal.aborted
        ? `timeout: health rpc did not complete${within()}`
        : `error: health rpc probe failed: rpc error: code = Unavailable desc = ${why}`,
    );
  } finally {
    session.destroy();
  }
}

function call(session: ReturnType<typeof connect>, service: string): Promise<Answer> {
  const name = Buffer.from(service);
  // HealthCheckRequest { string service = 1; }, behind the flag and length that gRPC puts before each message.
  const message = name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a, name.length]), name]);
  const frame = Buffer.alloc(5 + message.length);
  frame.writeUInt32BE(message.length, 1);
  message.copy(frame, 5);
  return new Promise((resolve, reject) => {
    session.once('error', reject);
    session.once('close', () => reject(new Error('connection closed')));
    const stream = session.request({
      ':method': 'POST',
      ':path': '/grpc.health.v1.Health/Check',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    const chunks: Buffer[] = [];
    const status: IncomingHttpHeaders = {};
    // A call that fails at once has its trailers in the place of headers.
    for (const event of ['response', 'trailers'] as const) {
      stream.on(event, (headers: IncomingHttpHeaders) => Object.assign(status, headers));
    }
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.once('error', reject);
    stream.once('end', () => {
      const { 'grpc-status': code = '0', 'grpc-message': description = '' } = status;
      resolve({
        message: Buffer.concat(chunks),
        code: Number(code),
        description: decodeURIComponent(String(description)),
      });
    });
    stream.end(frame);
  });
}

function failure(message: string): ProbeResult {
  return { ok: false, message };
}
