import { once } from 'node:events';
import { errorMessage } from '#base/errors.ts';
import { type AttemptContext, destroyOn, hostPort, onAbort, ProbeTimeout, type ProbeResult } from './attempt.ts';
import { dialWords } from './dial-words.ts';
import { probeGrpc } from './grpc-attempt-agent.ts';
import { probeHttp } from './http-attempt-agent.ts';
import type { ProbeTarget } from './probe-spec.ts';

const MAX_OUTPUT = 10 * 1024;

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

async function probeTcp(
  context: AttemptContext,
  { host, port }: Extract<ProbeTarget, { kind: 'tcp' }>,
  signal: AbortSignal,
): Promise<ProbeResult> {
  const socket = context.dial(host, port);
  using _ = destroyOn(signal, socket);
  try {
    await once(socket, 'connect');
  } catch (error) {
    const timedOut = `dial tcp ${hostPort(host, port)}: i/o timeout`;
    return { ok: false, message: signal.aborted ? timedOut : dialWords(error, host, port) };
  }
  return { ok: true };
}

async function probeExec(
  context: AttemptContext,
  command: readonly string[],
  signal: AbortSignal,
): Promise<ProbeResult> {
  let output = '';
  let code: number;
  try {
    const process = context.exec(command);
    for (const stream of [process.stdout, process.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        if (output.length < MAX_OUTPUT) output += chunk.toString();
      });
    }
    using _ = onAbort(signal, () => process.kill('SIGKILL'));
    ({ code } = await process.wait());
  } catch (error) {
    return { ok: false, errored: true, message: errorMessage(error) };
  }
  if (signal.reason instanceof ProbeTimeout) {
    const message = `command timed out: ${JSON.stringify(command.join(' '))} ${signal.reason.message}`;
    return { ok: false, message };
  }
  signal.throwIfAborted();
  return code === 0 ? { ok: true } : { ok: false, message: output.slice(0, MAX_OUTPUT) };
}
