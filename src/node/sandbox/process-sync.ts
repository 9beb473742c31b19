import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, closeSync, constants as fsConstants, mkdirSync } from 'node:fs';
import { Socket } from 'node:net';
import { constants } from 'node:os';
import { type Readable, type Writable } from 'node:stream';
import { ReadStream } from 'node:tty';
import { type ExitStatus, RuntimeError, type TerminalSize } from '../runtime.ts';
import { commandCandidates, type ContainerCommand } from './container-command.ts';
import { openPipe, openTerminal, resizeTerminal } from './descriptor-sync.ts';
import { resolveInRoot } from './rooted-path-sync.ts';

export interface Stdio {
  readonly tty: boolean;
  readonly stdin: boolean;
  readonly size?: TerminalSize | undefined;
}

/** A process in a container and its three streams, of which a terminal makes one. */
export interface ContainerProcess {
  readonly pid: number;
  readonly stdin: Writable | undefined;
  readonly stdout: Readable;
  readonly stderr: Readable | undefined;
  readonly exited: Promise<ExitStatus>;
  resize(size: TerminalSize): void;
  kill(signal: NodeJS.Signals): void;
}

/** Starts `line` in all the namespaces that the calling thread is in now. `devpts` is where terminals come from. */
export function startProcess(
  line: readonly string[],
  env: Readonly<Record<string, string>>,
  stdio: Stdio,
  devpts: string,
): ContainerProcess {
  const ends = stdio.tty ? openTerminalEnds(stdio, devpts) : openPipeEnds(stdio);
  let child: ChildProcess;
  try {
    const [file = '', ...args] = line;
    child = spawn(file, args, { cwd: '/', env: { ...env }, stdio: [...ends.theirs] });
  } catch (error) {
    for (const fd of ends.ours) closeSync(fd);
    throw error;
  } finally {
    for (const fd of new Set(ends.theirs)) if (typeof fd === 'number') closeSync(fd);
  }
  const exited = exitOf(child);
  if (child.pid === undefined) {
    for (const fd of ends.ours) closeSync(fd);
    exited.catch(() => {});
    throw new RuntimeError('ERR_SANDBOX_FAILED', `Cannot start ${JSON.stringify(line[0])}: no process was made`);
  }
  const terminal = ends.terminal;
  return {
    pid: child.pid,
    ...ends.streams(),
    exited,
    resize: (size) => {
      // The terminal goes with the last process that holds it.
      if (terminal !== undefined && child.exitCode === null && child.signalCode === null)
        resizeTerminal(terminal, size);
    },
    kill: (signal) => void child.kill(signal),
  };
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

function exitOf(child: ChildProcess): Promise<ExitStatus> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(exitStatus(code, signal)));
  });
}

export function exitStatus(code: number | null, signal: NodeJS.Signals | null): ExitStatus {
  if (signal === null) return { code: code ?? 0, signal: undefined };
  return { code: 128 + (constants.signals[signal] ?? 0), signal };
}

/** Throws in the words of a container runtime when the command is not in the container: users search for them. */
export function checkCommand(root: string, command: ContainerCommand): void {
  const name = command.argv[0] ?? '';
  let denied = false;
  for (const candidate of commandCandidates(command)) {
    const { path, stat } = resolveInRoot(root, candidate);
    if (stat === undefined || stat.isDirectory()) continue;
    try {
      accessSync(path, fsConstants.X_OK);
      return;
    } catch {
      denied = true;
    }
  }
  const reason = name.includes('/') ? `stat ${name}: no such file or directory` : 'executable file not found in $PATH';
  const why = denied ? 'permission denied' : reason;
  throw new RuntimeError('ERR_COMMAND_NOT_FOUND', `exec: ${JSON.stringify(name)}: ${why}`);
}

/** As container runtimes do it: a working directory that is missing is made. */
export function makeWorkingDir(root: string, workingDir: string | undefined): void {
  if (workingDir === undefined) return;
  const { path, stat } = resolveInRoot(root, workingDir);
  if (stat === undefined) mkdirSync(path, { recursive: true });
}
