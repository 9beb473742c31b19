import { readFileSync, stat } from 'node:fs';
import { makeMountsPrivate } from '#netlink/mount.ts';
import { captureHome, CLONE_FS, CLONE_NEWNS, settleInOwnNetns, unshare } from '#netlink/namespace.ts';
import type { Home } from '#netlink/namespace.ts';
import { type IdMaps, parseIdMap } from '../stage/id-map.ts';

/**
 * The thread that makes sandboxes by going into their namespaces itself, so that what it spawns there is in them from
 * the start. It has namespaces of its own to come back to. One for each Worker.
 *
 * While it is away only synchronous work may happen: other turns of the event loop, and file system calls with a
 * callback, take place at home.
 */
export class SandboxThread {
  /** In a user namespace that maps only some users: what belongs to the others is out of reach. */
  readonly rootless: boolean;
  /** Whom its processes may become. */
  readonly ids: IdMaps;
  readonly #home: Home;

  private constructor(home: Home) {
    this.#home = home;
    this.rootless = !/^\s*0\s+0\s+4294967295\s*$/.test(readFileSync('/proc/self/uid_map', 'utf8'));
    this.ids = {
      users: parseIdMap(readFileSync('/proc/self/uid_map', 'utf8')),
      groups: parseIdMap(readFileSync('/proc/self/gid_map', 'utf8')),
      setgroups: readFileSync('/proc/self/setgroups', 'utf8').trim() === 'allow',
    };
  }

  /** Moves the calling thread, for good. */
  static settle(): SandboxThread {
    // A thread shares its root and working directory with the threads that it starts, and may then enter no mount
    // namespace (EINVAL). The pool starts with its first work: now, while nothing is lost by it.
    stat('/', () => {});
    unshare(CLONE_FS | CLONE_NEWNS);
    makeMountsPrivate();
    settleInOwnNetns();
    return new SandboxThread(captureHome(['mnt', 'net', 'pid', 'uts', 'ipc']));
  }

  /** Runs `fn`, which may enter any namespaces, and comes home whatever happens. */
  away<T>(fn: () => T): T {
    try {
      return fn();
    } finally {
      this.#home.comeBack();
    }
  }
}
