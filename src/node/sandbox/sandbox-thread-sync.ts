import { accessSync, constants, readFileSync, stat } from 'node:fs';
import { makeMountsPrivate } from '#netlink/mount.ts';
import { captureHome, CLONE_FS, CLONE_NEWNS, settleInOwnNetns, unshare } from '#netlink/namespace.ts';
import { type Home } from '#netlink/namespace.ts';
import { RuntimeError } from '../runtime.ts';

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
  readonly unshareCommand: string;
  readonly setsidCommand: string;
  readonly #home: Home;

  private constructor(home: Home) {
    this.#home = home;
    this.rootless = !/^\s*0\s+0\s+4294967295\s*$/.test(readFileSync('/proc/self/uid_map', 'utf8'));
    this.unshareCommand = findProgram('unshare');
    this.setsidCommand = findProgram('setsid');
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

/** Of util-linux, on the machine: PATH may be the user's, where anything may lie. */
function findProgram(name: string): string {
  for (const directory of ['/usr/bin', '/bin', '/usr/local/bin', '/run/current-system/sw/bin']) {
    try {
      accessSync(`${directory}/${name}`, constants.X_OK);
      return `${directory}/${name}`;
    } catch {
      // Look on.
    }
  }
  throw new RuntimeError('ERR_SANDBOX_FAILED', `Cannot make sandboxes: "${name}" of util-linux is not installed`);
}
