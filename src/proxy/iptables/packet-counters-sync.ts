import type { NfacctSocket } from '#netlink/nfacct-socket.ts';
import type { PacketCounts } from '../sync-observer.ts';
import type { IptablesCommands } from './commands-sync.ts';
import { counted, INVALID_DROPPED, LOCALHOST_ACCEPTED } from './rule.ts';

const CHAIN = 'CLUSTERIP-PROBE';

/** The kernel's counters that rules of kube-proxy count with, where it has any: nfnetlink_acct, xt_nfacct. */
export class PacketCounters {
  readonly #socket: NfacctSocket;
  #isUsable: boolean | undefined;

  constructor(socket: NfacctSocket) {
    this.#socket = socket;
  }

  /** Makes them, and finds out whether rules can use them. */
  async prepare(commands: IptablesCommands): Promise<boolean> {
    if (this.#isUsable === false) return false;
    try {
      for (const name of [INVALID_DROPPED, LOCALHOST_ACCEPTED]) this.#socket.ensure(name);
      if (this.#isUsable === undefined) await tryRule(commands);
      this.#isUsable = true;
    } catch {
      // Nobody needs them for Services to work.
      this.#isUsable = false;
    }
    return this.#isUsable;
  }

  read(): PacketCounts | undefined {
    if (this.#isUsable !== true) return undefined;
    try {
      const invalidDropped = this.#socket.packets(INVALID_DROPPED);
      return { invalidDropped, localhostAccepted: this.#socket.packets(LOCALHOST_ACCEPTED) };
    } catch {
      return undefined;
    }
  }
}

async function tryRule(commands: IptablesCommands): Promise<void> {
  const input = (...lines: readonly string[]): string =>
    ['*filter', `:${CHAIN} - [0:0]`, ...lines, 'COMMIT', ''].join('\n');
  await commands.restore(input(`-A ${CHAIN} ${counted(INVALID_DROPPED)}`));
  await commands.restore(input(`-X ${CHAIN}`));
}
