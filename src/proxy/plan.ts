import { type Transaction } from '#nftables/transaction.ts';
import {
  parseFrontendId,
  type Backend,
  type Frontend,
  type FrontendAddress,
  type FrontendChange,
  type FrontendId,
} from './frontend.ts';
import { Presence } from './presence.ts';
import { type Ruleset } from './ruleset.ts';
import { planSlots } from './slots.ts';
import { StepWriter } from './step-writer.ts';

/** UDP flows to a backend that is gone: the kernel would send them there for as long as the client goes on. */
export interface StaleFlows extends FrontendAddress {
  readonly backends: readonly Backend[];
}

export interface Step {
  readonly transaction: Transaction;
  readonly staleFlows: readonly StaleFlows[];
}

/** What was read from the kernel. */
export interface AdoptedState {
  readonly frontends: ReadonlyMap<FrontendId, readonly Backend[]>;
  /** The N of the chains `pick-N`. */
  readonly picks: readonly number[];
  readonly addresses: readonly string[];
  readonly hairpin: readonly string[];
}

interface Programmed {
  readonly slots: readonly Backend[];
  /** Local backends' addresses that this frontend was counted for; undefined while it is only known from the kernel. */
  readonly local: readonly string[] | undefined;
}

const NONE: readonly string[] = Object.freeze([]);

/**
 * What one family's table holds, and the transaction that brings it to new frontends: a few elements a change, whatever
 * else there is. Pure bookkeeping: when a transaction fails, the plan is wrong and must be made anew from the kernel.
 */
export class Plan {
  readonly rules: Ruleset;
  readonly #frontends = new Map<FrontendId, Programmed>();
  readonly #picks = new Set<number>();
  readonly #addresses = new Presence();
  readonly #hairpin = new Presence();

  constructor(rules: Ruleset) {
    this.rules = rules;
  }

  /** The frontends that the table knows of. */
  ids(): Iterable<FrontendId> {
    return this.#frontends.keys();
  }

  /** The N of the chains `pick-N` that exist. */
  get picks(): readonly number[] {
    return [...this.#picks].sort((a, b) => a - b);
  }

  get addresses(): Iterable<string> {
    return this.#addresses.programmed;
  }

  get hairpin(): Iterable<string> {
    return this.#hairpin.programmed;
  }

  slotsOf(id: FrontendId): readonly Backend[] {
    return this.#frontends.get(id)?.slots ?? [];
  }

  /** Takes over what the kernel has. The first `apply` of each frontend then only writes what differs. */
  adopt(state: AdoptedState): void {
    for (const [id, slots] of state.frontends) this.#frontends.set(id, { slots, local: undefined });
    for (const backends of state.picks) this.#picks.add(backends);
    for (const address of state.addresses) this.#addresses.adopt(address);
    for (const address of state.hairpin) this.#hairpin.adopt(address);
  }

  apply(changes: readonly FrontendChange[]): Step {
    const writer = new StepWriter(this.rules);
    const staleFlows: StaleFlows[] = [];
    for (const { id, frontend } of changes) {
      const removed = this.#applyOne(id, frontend, writer);
      if (removed.length === 0) continue;
      const at = parseFrontendId(id);
      if (at.protocol === 'udp') staleFlows.push({ ...at, backends: removed });
    }
    return { transaction: this.#finish(writer), staleFlows };
  }

  /** Once every frontend was applied: deletes the addresses that only the kernel knew of. */
  dropUnclaimed(): Transaction {
    this.#addresses.touchAll();
    this.#hairpin.touchAll();
    return this.#finish(new StepWriter(this.rules));
  }

  #finish(writer: StepWriter): Transaction {
    this.#addresses.settle((address, isAdded) => writer.changeAddress(address, isAdded));
    this.#hairpin.settle((address, isAdded) => writer.changeHairpin(address, isAdded));
    return writer.finish();
  }

  /** Returns the backends that left. */
  #applyOne(id: FrontendId, frontend: Frontend | undefined, writer: StepWriter): readonly Backend[] {
    const known = this.#frontends.get(id);
    const before = known?.slots ?? [];
    const at = frontend ?? parseFrontendId(id);
    const { slots, changes, removed } = planSlots(before, frontend?.backends ?? []);
    if (slots.length !== before.length) {
      this.#needPick(slots.length, writer);
      writer.changeCount(at, before.length, slots.length);
    }
    for (const change of changes) writer.changeSlot(at, change);
    this.#count(known, frontend, at.address);
    if (frontend === undefined) this.#frontends.delete(id);
    else this.#frontends.set(id, { slots, local: localAddresses(frontend) });
    return removed;
  }

  #needPick(backends: number, writer: StepWriter): void {
    if (backends === 0 || this.#picks.has(backends)) return;
    // Chains stay when nobody needs them any more: a packet on its way may still hold their number.
    this.#picks.add(backends);
    writer.addPick(backends);
  }

  #count(known: Programmed | undefined, frontend: Frontend | undefined, address: string): void {
    const counted = known?.local;
    if (frontend !== undefined && counted === undefined) this.#addresses.add(address);
    if (frontend === undefined && counted !== undefined) this.#addresses.remove(address);
    for (const local of frontend === undefined ? NONE : localAddresses(frontend)) this.#hairpin.add(local);
    for (const local of counted ?? NONE) this.#hairpin.remove(local);
  }
}

function localAddresses(frontend: Frontend): readonly string[] {
  const local = frontend.backends.filter((backend) => backend.isLocal);
  return local.length === 0 ? NONE : local.map((backend) => backend.address);
}
