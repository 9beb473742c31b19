import type { Clock } from '#base/clock.ts';
import { errorMessage } from '#base/errors.ts';
import type { Log } from '#base/log.ts';
import type { NetlinkEvent } from '#netlink/event-socket.ts';
import type { Message } from '#netlink/message.ts';
import { changedChain } from '#nftables/table-event.ts';
import type { Guardian } from '../dataplane.ts';
import { CANARY_CHAIN, jumps, MARK_CHAIN, type TableName } from './base-rules.ts';
import { isServiceChain } from './chain-name.ts';
import type { IptablesCommands } from './commands-sync.ts';

export interface IptablesGuardianOptions {
  readonly commands: readonly IptablesCommands[];
  /** Changes in nf_tables, where the one implementation keeps its rules; the other one tells nobody. */
  readonly watch?: ((signal: AbortSignal) => AsyncIterable<NetlinkEvent>) | undefined;
  readonly clock: Clock;
  readonly log: Log;
  /** Compares the tables with the kernel's, now. */
  readonly repair: () => void;
}

/** As kube-proxy looks at its canaries. */
const PERIOD_MS = 30_000;
/** Where somebody changes our chains again and again, we do not answer faster than this. */
const PAUSE_MS = 1000;

/**
 * Notices that somebody else changed our chains: by a look at a few that never change, twice a minute, and at once where the
 * kernel tells of changes.
 */
export class IptablesGuardian implements Guardian {
  readonly #options: IptablesGuardianOptions;
  readonly #abort = new AbortController();
  #timer: Disposable | undefined;
  #lastLook = Number.NEGATIVE_INFINITY;
  #isStarted = false;
  /** A chain of a Service was changed: there is nothing to look for. */
  #isDamaged = false;

  constructor(options: IptablesGuardianOptions) {
    this.#options = options;
  }

  remember(): void {
    this.#isDamaged = false;
  }

  start(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    const { watch, log } = this.#options;
    this.#lookIn(PERIOD_MS);
    if (watch === undefined) return;
    this.#follow(watch(this.#abort.signal)).catch((error: unknown) => {
      log.error('changes of others are noticed late from now on', { error: errorMessage(error) });
    });
  }

  [Symbol.dispose](): void {
    this.#abort.abort();
    this.#timer?.[Symbol.dispose]();
  }

  async #follow(events: AsyncIterable<NetlinkEvent>): Promise<void> {
    for await (const event of events) {
      if (event.kind === 'lost') this.#isDamaged = true;
      const isForeign = event.kind === 'messages' && event.messages.some((message) => this.#isForeign(message));
      if (event.kind === 'lost' || isForeign) this.#lookSoon();
    }
  }

  #isForeign(message: Message): boolean {
    for (const commands of this.#options.commands) {
      const changed = changedChain(message, commands.family === 4 ? 'ip' : 'ip6');
      if (changed === undefined || !['filter', 'nat', 'mangle'].includes(changed.table)) continue;
      if (commands.isOwn(message.portId)) return false;
      if (changed.chain !== undefined && isServiceChain(changed.chain)) this.#isDamaged = true;
      return true;
    }
    return false;
  }

  #lookSoon(): void {
    this.#lookIn(Math.max(0, this.#lastLook + PAUSE_MS - this.#options.clock.monotonic()));
  }

  #lookIn(ms: number): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = this.#options.clock.after(ms, () => void this.#look());
  }

  async #look(): Promise<void> {
    const { clock, log, repair, commands } = this.#options;
    this.#lastLook = clock.monotonic();
    // Before anything is awaited: what happens from here on is another look's business.
    this.#lookIn(PERIOD_MS);
    try {
      const isWhole = !this.#isDamaged && !(await Promise.all(commands.map(isInPlace))).includes(false);
      if (!isWhole && !this.#abort.signal.aborted) repair();
    } catch (error) {
      log.warn('the rules could not be looked at', { error: errorMessage(error) });
    }
  }
}

/** What leads to our chains is there, and a rule of ours in each table that was not emptied. */
async function isInPlace(commands: IptablesCommands): Promise<boolean> {
  const chains = new Map(jumps.map(({ table, from }) => [`${table} ${from}`, { table, chain: from }]));
  const looks = [...chains.values()].map(async ({ table, chain }) => {
    const rules = await commands.list(table, chain);
    const wanted = jumps.filter((jump) => jump.table === table && jump.from === chain);
    return wanted.every(({ rule }) => rules?.includes(`-A ${chain} ${rule}`) === true);
  });
  const hasRules = async (table: TableName, chain: string, count: number): Promise<boolean> => {
    // The first line is the chain itself.
    const lines = await commands.list(table, chain);
    return lines !== undefined && lines.length > count;
  };
  const own = [
    hasRules('nat', MARK_CHAIN, 1),
    hasRules('filter', 'KUBE-FORWARD', 1),
    hasRules('mangle', CANARY_CHAIN, 0),
  ];
  return !(await Promise.all([...looks, ...own])).includes(false);
}
