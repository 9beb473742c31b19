import { accessSync, closeSync, constants as fsConstants, readSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { ReadStream } from 'node:tty';
import { getSystemErrorMessage } from 'node:util';
import { type ExitStatus, RuntimeError, type TerminalSize } from '../runtime.ts';
import { SystemError } from '#netlink/system-error.ts';
import { parseStageFailure, stageProgram } from '../stage/stage-program.ts';
import type { SystemCall } from '../stage/system-call.ts';
import { commandCandidates, type ContainerCommand } from './container-command.ts';
import { openPipe, openProgram, openTerminal, resizeTerminal } from './descriptor-sync.ts';
import { inRoot } from './open-in-root-sync.ts';
import { resolveInRoot } from './rooted-path-sync.ts';
import { type Child, spawnChild } from './spawn-sync.ts';

export interface Stdio {
  readonly tty: boolean;
  readonly stdin: boolean;
  readonly size?: TerminalSize | undefined;
}

/** A process in a container and its three streams, of which a terminal makes one. */
export interface ContainerProcess {
  readonly pid: number;
  /** False once it has ended and its number may be another's. */
  readonly running: boolean;
  readonly stdin: Writable | undefined;
  readonly stdout: Readable;
  readonly stderr: Readable | undefined;
  readonly exited: Promise<ExitStatus>;
  resize(size: TerminalSize): void;
  kill(signal: NodeJS.Signals): void;
}

/**
 * Starts a process that makes `calls`, in all the namespaces that the calling thread is in now, and waits until it has
 * become the program that the last of them names. `devpts` is where terminals come from, `fds` are its descriptors from
 * 4 on.
 */
export function startProcess(
  calls: readonly SystemCall[],
  stdio: Stdio,
  devpts: string,
  fds: readonly number[] = [],
): ContainerProcess {
  const ends = stdio.tty ? openTerminalEnds(stdio, devpts) : openPipeEnds(stdio);
  let child: Child;
  try {
    child = startStage(calls, [...ends.theirs], fds);
  } catch (error) {
    for (const fd of ends.ours) closeSync(fd);
    throw error;
  } finally {
    for (const fd of new Set(ends.theirs)) if (typeof fd === 'number') closeSync(fd);
  }
  const terminal = ends.terminal;
  return {
    pid: child.pid,
    get running() {
      return child.running;
    },
    ...ends.streams(),
    exited: child.exited,
    resize: (size) => {
      // The terminal goes with the last process that holds it.
      if (terminal !== undefined && child.running) resizeTerminal(terminal, size);
    },
    kill: (signal) => child.kill(signal),
  };
}

/** Throws what the kernel said to the first call that failed. */
export function startStage(
  calls: readonly SystemCall[],
  stdio: readonly (number | 'ignore')[],
  fds: readonly number[] = [],
): Child {
  const program = openProgram(stageProgram(calls, architecture()));
  const report = openPipe();
  let child: Child;
  try {
    child = spawnChild(`/proc/${process.pid}/fd/${program}`, [...stdio, report.write, ...fds]);
  } catch (error) {
    closeSync(report.read);
    throw error;
  } finally {
    closeSync(program);
    closeSync(report.write);
  }
  try {
    const failure = parseStageFailure(readReport(report.read));
    if (failure === undefined) return child;
    throw stageError(calls[failure.index], failure);
  } finally {
    closeSync(report.read);
  }
}

function stageError(
  call: SystemCall | undefined,
  { index, errno }: { readonly index: number; readonly errno: number },
): Error {
  // Another machine's program, a script whose interpreter is missing: no failure of ours, but of the command.
  if (call?.name === 'execve' && typeof call.args[0] === 'string') {
    return commandError(call.args[0], getSystemErrorMessage(-errno));
  }
  return new SystemError(call?.action ?? `make call ${index} of a new process`, errno);
}

/** In the words of a container runtime, which users search for. */
function commandError(name: string, why: string): RuntimeError {
  return new RuntimeError('ERR_COMMAND_NOT_FOUND', `exec: ${JSON.stringify(name)}: ${why}`);
}

/** Blocks until the process has become another program, or has said something; the one follows the other in no time. */
function readReport(fd: number): Uint8Array {
  const bytes = Buffer.alloc(64);
  return bytes.subarray(0, readSync(fd, bytes));
}

function architecture(): 'x64' | 'arm64' {
  if (process.arch === 'x64' || process.arch === 'arm64') return process.arch;
  throw new RuntimeError('ERR_SANDBOX_FAILED', `Cannot start a process: not made for ${process.arch}`);
}

interface Ends {
  readonly theirs: readonly [number | 'ignore', number, number];
  readonly ours: readonly number[];
  readonly terminal: number | undefined;
  /** Only called once the process has started: streams close their descriptors by themselves. */
  streams(): Pick<ContainerProcess, 'stdin' | 'stdout' | 'stderr'>;
}

function openPipeEnds(stdio: Stdio): Ends {
  const stdin = stdio.stdin ? openPipe() : undefined;
  const stdout = openPipe();
  const stderr = openPipe();
  return {
    theirs: [stdin?.read ?? 'ignore', stdout.write, stderr.write],
    ours: [...(stdin === undefined ? [] : [stdin.write]), stdout.read, stderr.read],
    terminal: undefined,
    streams: () => ({
      stdin: stdin === undefined ? undefined : quiet(new Socket({ fd: stdin.write, readable: false, writable: true })),
      stdout: quiet(new Socket({ fd: stdout.read, readable: true, writable: false })),
      stderr: quiet(new Socket({ fd: stderr.read, readable: true, writable: false })),
    }),
  };
}

function openTerminalEnds(stdio: Stdio, devpts: string): Ends {
  const { master, slave } = openTerminal(devpts);
  if (stdio.size !== undefined) resizeTerminal(master, stdio.size);
  return {
    theirs: [slave, slave, slave],
    ours: [master],
    terminal: master,
    streams: () => {
      // Reads of a terminal fail with EIO when its other end is closed: that is how it ends.
      const stream = quiet(new ReadStream(master));
      return { stdin: stdio.stdin ? stream : undefined, stdout: stream, stderr: undefined };
    },
  };
}

/** A stream of a dead process is no error of ours: readers see its end, writers lose what nobody reads. */
function quiet<S extends Socket>(stream: S): S {
  stream.on('error', () => {
    stream.destroy();
  });
  return stream;
}

/** Where the command lies, as the container sees it. */
export function findCommand(root: string, command: ContainerCommand): string {
  const name = command.argv[0] ?? '';
  let why = name.includes('/') ? `stat ${name}: no such file or directory` : 'executable file not found in $PATH';
  for (const candidate of commandCandidates(command)) {
    const { path, stat } = resolveInRoot(root, candidate);
    if (stat === undefined) continue;
    if (stat.isDirectory()) {
      // One of that name in the PATH is passed over.
      if (name.includes('/')) why = 'is a directory';
      continue;
    }
    try {
      accessSync(path, fsConstants.X_OK);
      return candidate;
    } catch {
      why = 'permission denied';
    }
  }
  throw commandError(name, why);
}

/** As container runtimes do it: a working directory that is missing is made. */
export function makeWorkingDir(root: string, workingDir: string | undefined): void {
  if (workingDir === undefined) return;
  inRoot(root, workingDir, 'directory', () => {});
}
