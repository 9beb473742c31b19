import type { Clock } from '#base/clock.ts';
import { errorMessage } from '#base/errors.ts';
import type { IpFamily } from '#base/ip.ts';
import type { Log } from '#base/log.ts';
import type { NetlinkEvent } from '#netlink/event-socket.ts';
import type { Generation, NftablesSocket } from '#nftables/nftables-socket.ts';
import { concernsTable } from '#nftables/table-event.ts';
import { TABLE_NAME } from './ruleset.ts';

export interface GuardianOptions {
  readonly socket: NftablesSocket;
  readonly families: readonly IpFamily[];
  readonly watch?: ((signal: AbortSignal) => AsyncIterable<NetlinkEvent>) | undefined;
  readonly clock: Clock;
  readonly log: Log;
  /** Compares the tables with the kernel's, now. */
  readonly repair: () => void;
  /** Tables that a restart took for granted, to be looked at bit by bit. */
  readonly audited?: readonly Audited[] | undefined;
}

export interface Audited {
  readonly isAudited: boolean;
  /** Looks at some of it, and returns what is not as it should be. */
  audit(): string | undefined;
}

/** Where somebody changes our table again and again, we do not answer faster than this. */
const PAUSE_MS = 1000;
/** Between two looks of an audit: a table of a million slots is through in a few minutes, at a few percent of a core. */
const AUDIT_MS = 100;

/** Notices that somebody else changed one of our tables. */
export class TableGuardian implements Disposable {
  readonly #options: GuardianOptions;
  readonly #abort = new AbortController();
  /** As it was before the tables were last read. */
  #seen: Generation | undefined;
  #isWatching = false;
  #lastRepair = Number.NEGATIVE_INFINITY;
  #pause: Disposable | undefined;
  #audit: Disposable | undefined;

  constructor(options: GuardianOptions) {
    this.#options = options;
  }

  /** To be called before the tables are read: what happens from here on is news. */
  remember(): void {
    if (this.#options.watch !== undefined) this.#seen = this.#options.socket.generation();
  }

  /** Our first load is over: its notifications would only run over the queue. */
  start(): void {
    this.#auditLater();
    const { watch, log } = this.#options;
    if (watch === undefined || this.#isWatching) return;
    this.#isWatching = true;
    const events = watch(this.#abort.signal);
    // Between the reading of the tables and now nobody listened.
    if (this.#hasForeignChanges()) this.#repair();
    this.#follow(events).catch((error: unknown) => {
      log.error('changes of others are not noticed any more', { error: errorMessage(error) });
    });
  }

  [Symbol.dispose](): void {
    this.#audit?.[Symbol.dispose]();
    this.#abort.abort();
    this.#pause?.[Symbol.dispose]();
  }

  #auditLater(): void {
    const { audited = [], clock, log, repair } = this.#options;
    const next = audited.find(({ isAudited }) => !isAudited);
    if (next === undefined) return;
    this.#audit = clock.after(AUDIT_MS, () => {
      try {
        const damaged = next.audit();
        if (damaged !== undefined) {
          log.warn('rules were changed while no proxy ran', { frontend: damaged });
          repair();
        }
      } catch (error) {
        log.warn('rules not looked at', { error: errorMessage(error) });
      }
      this.#auditLater();
    });
  }

  async #follow(events: AsyncIterable<NetlinkEvent>): Promise<void> {
    for await (const event of events) {
      if (this.#isForeign(event)) this.#repair();
    }
  }

  /**
   * One change of somebody makes many notifications, and what was lost may have been all our own: the count of
   * transactions tells whether anything happened since the tables were read.
   */
  #isForeign(event: NetlinkEvent): boolean {
    if (event.kind === 'lost') return this.#hasForeignChanges();
    const concernsUs = event.messages.some(
      (message) =>
        message.portId !== this.#seen?.portId &&
        this.#options.families.some((family) => concernsTable(message, family === 4 ? 'ip' : 'ip6', TABLE_NAME)),
    );
    return concernsUs && this.#hasForeignChanges();
  }

  #hasForeignChanges(): boolean {
    return this.#options.socket.generation().foreign !== this.#seen?.foreign;
  }

  #repair(): void {
    if (this.#pause !== undefined) return;
    const { clock, repair } = this.#options;
    const wait = this.#lastRepair + PAUSE_MS - clock.monotonic();
    const run = (): void => {
      this.#pause = undefined;
      this.#lastRepair = clock.monotonic();
      repair();
    };
    if (wait <= 0) run();
    else this.#pause = clock.after(wait, run);
  }
}
