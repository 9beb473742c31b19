import { spawn } from 'node:child_process';
import { appendFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { PassThrough, type Readable } from 'node:stream';
import {
  type ContainerHandle,
  type ExecRequest,
  type ExitStatus,
  type OutputListener,
  type Runtime,
  RuntimeError,
} from '../../runtime.ts';

/** The one container of the tests: `default/web`, container `main`. It is what the test makes of it. */
export interface HostContainer {
  readonly runtime: Runtime;
  /** What was written to the container's own stdin. */
  readonly stdin: Readable;
  /** Lets the container write a line, as its log and its listeners see it. */
  print(stream: 'stdout' | 'stderr', text: string): void;
  exit(status: ExitStatus): void;
}

/** A runtime whose Pods are this machine: for tests of the streams alone. Terminals come from `script`. */
export function hostContainer(logPath: string, previousLogPath?: string): HostContainer {
  const listeners = new Set<OutputListener>();
  const exited = Promise.withResolvers<ExitStatus>();
  const stdin = new PassThrough();
  let running = true;
  let second = 0;
  writeFileSync(logPath, '');
  const find = (): ContainerHandle => ({
    podUid: 'uid',
    container: 'main',
    namespace: 'default',
    pod: 'web',
    containerId: 'id',
    running,
    logPath,
    previousLogPath,
    tty: false,
    stdin: true,
  });
  return {
    stdin,
    print(stream, text) {
      const time = new Date(Date.UTC(2026, 0, 1, 0, 0, second++)).toISOString().replace('Z', '000000Z');
      appendFileSync(logPath, `${time} ${stream} F ${text}\n`);
      for (const listener of listeners) listener(stream, Buffer.from(`${text}\n`));
    },
    exit(status) {
      running = false;
      exited.resolve(status);
    },
    runtime: {
      find: ({ namespace, pod, container }) =>
        namespace === 'default' && pod === 'web' && (container ?? 'main') === 'main' ? find() : undefined,
      exec: (request) => execOnHost(request),
      attach: (_ref, listener) => {
        listeners.add(listener);
        return {
          stdin,
          tty: false,
          stdinOnce: true,
          wait: () => exited.promise,
          resize: () => {},
          [Symbol.dispose]: () => void listeners.delete(listener),
        };
      },
      dial: (_podUid, port) => connect(port, '127.0.0.1'),
    },
  };
}

function execOnHost(request: ExecRequest): ReturnType<Runtime['exec']> {
  const [file = '', ...args] = request.command;
  if (file === 'missing') {
    throw new RuntimeError('ERR_COMMAND_NOT_FOUND', 'exec: "missing": executable file not found in $PATH');
  }
  const tty = request.tty === true;
  const child = tty
    ? spawn('script', ['-qec', request.command.map((word) => `'${word}'`).join(' '), '/dev/null'])
    : spawn(file, args);
  if (request.stdin !== true && !tty) child.stdin.end();
  const exited = new Promise<ExitStatus>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve({ code: code ?? 128, signal: signal ?? undefined }));
  });
  return {
    stdin: request.stdin === true ? child.stdin : undefined,
    stdout: child.stdout,
    stderr: tty ? undefined : child.stderr,
    wait: () => exited,
    resize: () => {},
    kill: (signal) => void child.kill(signal),
  };
}
