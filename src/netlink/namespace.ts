import { closeSync, openSync } from 'node:fs';
import { CodedError } from '#base/errors.ts';
import * as native from './native.ts';

/** #define CLONE_FS 0x200, and its neighbours in <linux/sched.h>. */
export const CLONE_FS = 0x200;
export const CLONE_NEWNS = 0x20000;
export const CLONE_NEWCGROUP = 0x2000000;
export const CLONE_NEWUTS = 0x4000000;
export const CLONE_NEWIPC = 0x8000000;
export const CLONE_NEWUSER = 0x10000000;
export const CLONE_NEWPID = 0x20000000;
export const CLONE_NEWNET = 0x40000000;

/** As in the names of /proc/thread-self/ns. */
export type NamespaceKind = 'net' | 'mnt' | 'pid' | 'uts' | 'ipc' | 'cgroup' | 'user';

const cloneFlags: Readonly<Record<NamespaceKind, number>> = {
  net: CLONE_NEWNET,
  mnt: CLONE_NEWNS,
  pid: CLONE_NEWPID,
  uts: CLONE_NEWUTS,
  ipc: CLONE_NEWIPC,
  cgroup: CLONE_NEWCGROUP,
  user: CLONE_NEWUSER,
};

/** Moves the calling thread into new namespaces (CLONE_NEW*). */
export function unshare(flags: number): void {
  native.unshare(flags);
}

/** Moves the calling thread into the namespace that `fd` stands for. */
export function setns(fd: number, kind: NamespaceKind): void {
  native.setns(fd, cloneFlags[kind]);
}

/** A descriptor of a namespace of the calling thread, or of the process `pid`; it keeps the namespace alive. */
export function openNamespace(kind: NamespaceKind, pid?: number): number {
  return openSync(`/proc/${pid ?? 'thread-self'}/ns/${kind}`, 'r');
}

/** Of the uts namespace that the calling thread is in. */
export function sethostname(name: string): void {
  native.sethostname(name);
}

/** A point to come back to: the namespaces that the calling thread was in. Only this thread may use it. */
export interface Home {
  readonly fds: ReadonlyMap<NamespaceKind, number>;
  /** Enters all of them again. */
  comeBack(): void;
}

/** The order of `kinds` is the order of coming back. */
export function captureHome(kinds: readonly NamespaceKind[]): Home {
  const fds = new Map(kinds.map((kind) => [kind, openNamespace(kind)]));
  return {
    fds,
    comeBack: () => {
      for (const [kind, fd] of fds) setns(fd, kind);
    },
  };
}

/** Whether this thread may enter again the namespace that it is in. A module is per thread. */
let mayReturn = false;

/**
 * Gives the calling thread a network namespace of its own as its home. In a user namespace this must come before
 * `createNetns` and `inNetns`, because the host's namespace can be left there but not entered again.
 */
export function settleInOwnNetns(): void {
  unshare(CLONE_NEWNET);
  mayReturn = true;
}

/** Makes a network namespace, its loopback still down, and returns its descriptor. It lives as long as that is open. */
export function createNetns(): number {
  return andBack(() => {
    unshare(CLONE_NEWNET);
    return openNamespace('net');
  });
}

/**
 * Runs `fn` with the calling thread inside of a network namespace and always comes back. What `fn` opens stays inside.
 * Only synchronous work: other turns of the event loop, and file system calls with a callback, run outside.
 */
export function inNetns<T>(fd: number, fn: () => T): T {
  const result = andBack(() => {
    setns(fd, 'net');
    return fn();
  });
  if (result instanceof Promise) {
    throw new TypeError('Cannot run an asynchronous function inside of a network namespace');
  }
  return result;
}

function andBack<T>(fn: () => T): T {
  // Opened anew each time, because the thread may have moved by other means since.
  const before = openNamespace('net');
  try {
    if (!mayReturn) ensureReturn(before);
    try {
      return fn();
    } finally {
      setns(before, 'net');
    }
  } finally {
    closeSync(before);
  }
}

function ensureReturn(here: number): void {
  try {
    // Entering where we are changes nothing, and shows before we leave whether we may come back.
    setns(here, 'net');
  } catch (error) {
    throw new CodedError(
      'ERR_NETNS_NO_RETURN',
      'Cannot leave the network namespace of this thread: it may not be entered again',
      { cause: error, hint: 'Call settleInOwnNetns() on this thread first' },
    );
  }
  mayReturn = true;
}
