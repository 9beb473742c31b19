import { closeSync } from 'node:fs';
import { constants } from 'node:os';
import process from 'node:process';
import { type CLibrary, cLibrary } from '#netlink/c-library.ts';
import { SystemError } from '#netlink/system-error.ts';
import { watchReadable } from '#netlink/readable.ts';
import type { ExitStatus } from '../runtime.ts';

/** A process that the calling thread started, in all the namespaces that the thread was in then. */
export interface Child {
  readonly pid: number;
  readonly exited: Promise<ExitStatus>;
  /** False once it has ended and its number may be another's. */
  readonly running: boolean;
  kill(signal: NodeJS.Signals): void;
}

/**
 * Node's own `spawn` copies all of the process's page tables first, which takes longer than all else about a container and
 * makes every later write of every thread a page fault. posix_spawn(3) lends the memory to the child until it has
 * become its program, as vfork(2) does.
 */
interface Calls extends CLibrary {
  readonly spawn: (
    pid: Int32Array,
    path: string,
    actions: Uint8Array,
    attributes: Uint8Array,
    argv: readonly (string | null)[],
    env: readonly (string | null)[],
  ) => number;
  readonly initActions: (actions: Uint8Array) => number;
  readonly freeActions: (actions: Uint8Array) => number;
  readonly addDup2: (actions: Uint8Array, from: number, to: number) => number;
  readonly addClose: (actions: Uint8Array, fd: number) => number;
  readonly addOpen: (actions: Uint8Array, fd: number, path: string, flags: number, mode: number) => number;
  readonly initAttributes: (attributes: Uint8Array) => number;
  readonly setFlags: (attributes: Uint8Array, flags: number) => number;
  readonly setDefault: (attributes: Uint8Array, signals: Uint8Array) => number;
  readonly setMask: (attributes: Uint8Array, signals: Uint8Array) => number;
  readonly waitpid: (pid: number, status: Int32Array, flags: number) => number;
  readonly syscall: (number: number, a: number, b: number) => number;
}

const calls = cLibrary<Calls>({
  spawn: 'int posix_spawn(void *, const char *, void *, void *, const char **, const char **)',
  initActions: 'int posix_spawn_file_actions_init(void *)',
  freeActions: 'int posix_spawn_file_actions_destroy(void *)',
  addDup2: 'int posix_spawn_file_actions_adddup2(void *, int, int)',
  addClose: 'int posix_spawn_file_actions_addclose(void *, int)',
  addOpen: 'int posix_spawn_file_actions_addopen(void *, int, const char *, int, unsigned int)',
  initAttributes: 'int posix_spawnattr_init(void *)',
  setFlags: 'int posix_spawnattr_setflags(void *, short)',
  setDefault: 'int posix_spawnattr_setsigdefault(void *, void *)',
  setMask: 'int posix_spawnattr_setsigmask(void *, void *)',
  waitpid: 'int waitpid(int, void *, int)',
  // Variadic in C; both ABIs that we run on pass integers as they do here.
  syscall: 'long syscall(long, long, long)',
});

/** More than posix_spawn_file_actions_t, posix_spawnattr_t and sigset_t take in any C library. */
const STRUCT_BYTES = 1024;
const SIGSET_BYTES = 128;
const POSIX_SPAWN_SETSIGDEF = 4;
const POSIX_SPAWN_SETSIGMASK = 8;
const O_RDONLY = 0;
const O_RDWR = 2;
const WNOHANG = 1;
/** The same on all architectures. */
const NR_PIDFD_OPEN = 434;

/** Runs `file` without arguments and variables; `fds` become its descriptors from 0 on. */
export function spawnChild(file: string, fds: readonly (number | 'ignore')[]): Child {
  const c = calls();
  const actions = new Uint8Array(STRUCT_BYTES);
  const attributes = new Uint8Array(STRUCT_BYTES);
  const pid = new Int32Array(1);
  check(c.initActions(actions));
  try {
    addDescriptors(c, actions, fds);
    check(c.initAttributes(attributes));
    check(c.setFlags(attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK));
    // What we ignore (SIGPIPE) the program would ignore as well.
    check(c.setDefault(attributes, new Uint8Array(SIGSET_BYTES).fill(0xff)));
    check(c.setMask(attributes, new Uint8Array(SIGSET_BYTES)));
    check(c.spawn(pid, file, actions, attributes, [file, null], [null]));
  } finally {
    c.freeActions(actions);
  }
  return childOf(pid[0] ?? 0);
}

/** The numbers that are asked for may be those of others of the same descriptors, so all go elsewhere first. */
function addDescriptors(c: Calls, actions: Uint8Array, fds: readonly (number | 'ignore')[]): void {
  const spare = Math.max(...fds.map((fd) => (fd === 'ignore' ? 0 : fd)), fds.length) + 1;
  fds.forEach((fd, i) => {
    if (fd !== 'ignore') check(c.addDup2(actions, fd, spare + i));
  });
  fds.forEach((fd, to) => {
    if (fd === 'ignore') {
      check(c.addOpen(actions, to, '/dev/null', to === 0 ? O_RDONLY : O_RDWR, 0));
      return;
    }
    check(c.addDup2(actions, spare + to, to));
    check(c.addClose(actions, spare + to));
  });
}

function childOf(pid: number): Child {
  const c = calls();
  const pidFd = c.syscall(NR_PIDFD_OPEN, pid, 0);
  if (pidFd < 0) {
    const error = new SystemError('watch a process', c.errno());
    process.kill(pid, 'SIGKILL');
    c.waitpid(pid, new Int32Array(1), 0);
    throw error;
  }
  let running = true;
  const { promise: exited, resolve, reject } = Promise.withResolvers<ExitStatus>();
  const status = new Int32Array(1);
  const reap = (watch: Disposable): void => {
    const found = c.waitpid(pid, status, WNOHANG);
    if (found === 0) return;
    running = false;
    watch[Symbol.dispose]();
    closeSync(pidFd);
    if (found < 0) reject(new SystemError('learn how a process ended', c.errno()));
    else resolve(statusOf(status[0] ?? 0));
  };
  // The thread is in namespaces of the child now; the socket that it waits with belongs at home.
  queueMicrotask(() => {
    try {
      const watch = watchReadable(pidFd, () => reap(watch));
    } catch (error) {
      // No descriptors are left. One whose end nobody hears of must not go on.
      process.kill(pid, 'SIGKILL');
      reject(error);
    }
  });
  // Not everybody asks.
  exited.catch(() => {});
  return {
    pid,
    exited,
    get running() {
      return running;
    },
    kill(signal) {
      // Until it is waited for, its number is nobody else's.
      if (running) process.kill(pid, signal);
    },
  };
}

/** WIFSIGNALED, WTERMSIG, WEXITSTATUS. */
function statusOf(status: number): ExitStatus {
  const number = status & 0x7f;
  if (number === 0) return { code: (status >> 8) & 0xff, signal: undefined };
  const signal = Object.entries(constants.signals).find(([, value]) => value === number)?.[0];
  return { code: 128 + number, signal: signal as NodeJS.Signals | undefined };
}

function check(errno: number): void {
  if (errno !== 0) throw new SystemError('start a process', errno);
}
