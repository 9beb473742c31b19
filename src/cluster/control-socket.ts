import { closeSync, openSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { text as readText } from 'node:stream/consumers';
import { CodedError, errorCode, errorMessage } from '#base/errors.ts';
import type { ControlAnswer, ControlFailure, ControlReply, ControlRequest } from './control.ts';
import type { StateDir } from './state-dir.ts';

const NAME = 'control.sock';

/** A socket's path has at most 107 bytes; through a descriptor of its directory it is short however deep that is. */
function socketPath(directoryFd: number): string {
  return `/proc/self/fd/${directoryFd}/${NAME}`;
}

/** Answers requests of who may read the state directory, one a connection: JSON, ended by the end of the stream. */
export async function serveControl(
  dir: StateDir,
  handle: (request: ControlRequest) => Promise<unknown>,
): Promise<Server> {
  rmSync(join(dir.path, NAME), { force: true });
  const server = createServer({ allowHalfOpen: true }, (socket) => void answer(socket, handle));
  const fd = openSync(dir.path, 'r');
  server.once('close', () => closeSync(fd));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(socketPath(fd), resolve);
  });
  return server;
}

async function answer(socket: Socket, handle: (request: ControlRequest) => Promise<unknown>): Promise<void> {
  socket.on('error', () => socket.destroy());
  let reply: ControlReply;
  try {
    reply = { kind: 'done', value: await handle(JSON.parse(await readText(socket)) as ControlRequest) };
  } catch (error) {
    reply = { kind: 'failed', error: controlFailure(error) };
  }
  socket.end(JSON.stringify(reply));
}

export function controlFailure(error: unknown): ControlFailure {
  const hint = error instanceof CodedError ? error.hint : undefined;
  return { code: errorCode(error) ?? 'EFAILED', message: errorMessage(error), hint };
}

export function errorOfFailure({ code, message, hint }: ControlFailure): CodedError {
  return new CodedError(code, message, hint === undefined ? {} : { hint });
}

/** @throws {CodedError} what the cluster said, or that it does not answer. */
export async function askCluster<R extends ControlRequest>(
  dir: StateDir,
  request: R,
): Promise<ControlAnswer<R['kind']>> {
  const fd = openSync(dir.path, 'r');
  try {
    const socket = connect({ path: socketPath(fd), allowHalfOpen: true });
    socket.end(JSON.stringify(request));
    const reply = JSON.parse(await readText(socket)) as ControlReply;
    if (reply.kind === 'failed') throw errorOfFailure(reply.error);
    return reply.value as ControlAnswer<R['kind']>;
  } catch (error) {
    if (error instanceof CodedError) throw error;
    throw new CodedError('ENOANSWER', `Cannot ask the cluster: ${errorMessage(error)}`, {
      cause: error,
      hint: `see ${dir.logFile}`,
    });
  } finally {
    closeSync(fd);
  }
}
