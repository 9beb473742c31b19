import type { SetDeclaration } from '#nftables/table.ts';
import type { Transaction } from '#nftables/transaction.ts';
import { writeBackends } from './backend-writer.ts';
import {
  isNodePort,
  parseFrontendId,
  placeOf,
  type Backend,
  type Frontend,
  type FrontendChange,
  type FrontendId,
  type FrontendKind,
  type FrontendPlace,
} from './frontend.ts';
import { staleFlows, type StaleFlows } from './flows.ts';
import { guardOf } from './guard.ts';
import { isNoteOf, noteOf } from './note.ts';
import { NO_BACKEND, priorityOf, timeoutNumberOf, type Pick } from './pick.ts';
import { Presence } from './presence.ts';
import type { Ruleset } from './ruleset.ts';
import { planSlots, type SlotPlan } from './slots.ts';
import { StepWriter } from './step-writer.ts';

export interface Step {
  readonly transaction: Transaction;
  readonly staleFlows: readonly StaleFlows[];
}

/** What the kernel has of one frontend. */
export interface ProgrammedFrontend {
  readonly kind: FrontendKind;
  /** What its count map says; undefined when it is not in it. */
  readonly priority: number | undefined;
  readonly isRefused: boolean;
  readonly slots: readonly Backend[];
  /** With session affinity, the id of each backend by its key. */
  readonly ids: ReadonlyMap<string, number> | undefined;
  readonly guard: string | undefined;
  /** What its count map says besides the count, as it was read; absent where it follows from `noted`: texts take memory. */
  readonly note: string | undefined;
  /** What the note is of; absent where that was not looked at. */
  readonly noted: string | undefined;
  /** Local backends' addresses that this frontend was counted for; undefined while it is only known from the kernel. */
  readonly local: readonly string[] | undefined;
}

/** What was read from the kernel. */
export interface AdoptedState {
  /** Handed over. */
  readonly frontends: Map<FrontendId, ProgrammedFrontend>;
  readonly picks: readonly Pick[];
  readonly addresses: Presence;
  readonly externalAddresses: Presence;
  readonly hairpin: Presence;
  readonly guards: readonly string[];
}

/**
 * How many elements one transaction may come to. Each is applied at once and whole; more than this is cut between
 * frontends, so that a batch fits the send buffer that a socket without privilege has.
 */
const ELEMENTS_PER_STEP = 3600;
const MAX_TIMEOUTS = 9000;
const NONE: readonly string[] = Object.freeze([]);
const NO_BACKENDS: readonly Backend[] = Object.freeze([]);

/**
 * What one family's table holds, and the transaction that brings it to new frontends: a few elements a change, whatever
 * else there is. Pure bookkeeping: when a transaction fails, the plan is wrong and must be made anew from the kernel.
 */
export class Plan {
  readonly rules: Ruleset;
  readonly #nodeAddresses: readonly string[];
  #frontends = new Map<FrontendId, ProgrammedFrontend>();
  readonly #picks = new Map<number, Pick>();
  /** Affinity timeouts; a priority holds the position of one. */
  readonly #timeouts: number[] = [0];
  #addresses = new Presence();
  #externalAddresses = new Presence();
  #hairpin = new Presence();
  /** How many frontends each guard is for. */
  readonly #guards = new Map<string, number>();

  /** @param nodeAddresses the node's primary addresses */
  constructor(rules: Ruleset, nodeAddresses: readonly string[] = NONE) {
    this.rules = rules;
    this.#nodeAddresses = nodeAddresses;
  }

  /** The frontends that the table knows of. */
  *frontends(): Iterable<[FrontendId, ProgrammedFrontend]> {
    for (const [id, known] of this.#frontends) yield [id, { ...known, note: noteTextOf(known) }];
  }

  frontend(id: FrontendId): ProgrammedFrontend | undefined {
    return this.#frontends.get(id);
  }

  ids(): Iterable<FrontendId> {
    return this.#frontends.keys();
  }

  get picks(): readonly Pick[] {
    return [...this.#picks.values()].sort((a, b) => a.priority - b.priority);
  }

  /** Single addresses in sets of their own. */
  get addresses(): readonly (readonly [SetDeclaration, Iterable<string>])[] {
    const { addresses, externalAddresses, hairpin } = this.rules.sets;
    return [
      [addresses, this.#addresses.programmed],
      [externalAddresses, this.#externalAddresses.programmed],
      [hairpin, this.#hairpin.programmed],
    ];
  }

  slotsOf(id: FrontendId): readonly Backend[] {
    return this.#frontends.get(id)?.slots ?? [];
  }

  /** Takes over what the kernel has. The first `apply` of each frontend then only writes what differs. */
  adopt(state: AdoptedState): void {
    for (const pick of state.picks) {
      this.#picks.set(pick.priority, pick);
      this.#timeouts[timeoutNumberOf(pick.priority)] = pick.timeout;
    }
    this.#frontends = state.frontends;
    for (const { guard } of state.frontends.values()) if (guard !== undefined) this.#countGuard(guard, 1);
    for (const name of state.guards) this.#countGuard(name, 0);
    this.#addresses = state.addresses;
    this.#externalAddresses = state.externalAddresses;
    this.#hairpin = state.hairpin;
  }

  /** Each is to be committed before the next is asked for. */
  *steps(changes: Iterable<FrontendChange>): Generator<Step> {
    let writer = new StepWriter(this.rules);
    let staleFlows: StaleFlows[] = [];
    for (const { id, frontend } of changes) {
      const stale = this.#applyOne(id, frontend, writer);
      if (stale !== undefined) staleFlows.push(stale);
      if (writer.count < ELEMENTS_PER_STEP) continue;
      yield { transaction: this.#finish(writer), staleFlows };
      writer = new StepWriter(this.rules);
      staleFlows = [];
    }
    yield { transaction: this.#finish(writer), staleFlows };
  }

  /** The same where `changes` are all that is wanted: whatever else the kernel has goes. */
  *stepsToAll(changes: Iterable<FrontendChange>): Generator<Step> {
    yield* this.steps(changes);
    yield* this.steps(this.#unclaimed());
    for (const addresses of [this.#addresses, this.#externalAddresses, this.#hairpin]) addresses.touchUnclaimed();
    yield* this.steps([]);
  }

  *#unclaimed(): Generator<FrontendChange> {
    for (const [id, { local }] of this.#frontends) if (local === undefined) yield { id, frontend: undefined };
  }

  /** Guards that no frontend has any more; the plan forgets them. */
  takeUnusedGuards(): readonly string[] {
    const unused = [...this.#guards].filter(([, count]) => count === 0).map(([name]) => name);
    for (const name of unused) this.#guards.delete(name);
    return unused;
  }

  #finish(writer: StepWriter): Transaction {
    const { addresses, externalAddresses } = this.rules.sets;
    this.#addresses.settle((address, isAdded) => writer.changeAddress(addresses, address, isAdded));
    this.#externalAddresses.settle((address, isAdded) => writer.changeAddress(externalAddresses, address, isAdded));
    this.#hairpin.settle((address, isAdded) => writer.changeHairpin(address, isAdded));
    return writer.finish();
  }

  #applyOne(id: FrontendId, frontend: Frontend | undefined, writer: StepWriter): StaleFlows | undefined {
    const known = this.#frontends.get(id);
    const place = frontend === undefined ? parseFrontendId(id) : placeOf(frontend);
    const plan = planSlots(known?.slots ?? NO_BACKENDS, frontend?.backends ?? NO_BACKENDS);
    const next = frontend === undefined ? undefined : this.#put(place, known, frontend, plan, writer);
    if (next === undefined) this.#remove(id, place, known, plan, writer);
    else this.#frontends.set(id, next);
    this.#count(known, next, place);
    // Flows to the address itself may be older than the Service. There are none to cluster addresses: nobody has those.
    const hadNone = known === undefined || known.slots.length === 0;
    const isNew = hadNone && frontend !== undefined && frontend.kind !== 'cluster' && plan.slots.length > 0;
    return staleFlows(place, isNew, plan.removed);
  }

  #remove(
    id: FrontendId,
    place: FrontendPlace,
    known: ProgrammedFrontend | undefined,
    plan: SlotPlan,
    writer: StepWriter,
  ): void {
    if (known === undefined) return;
    writeBackends(writer, place, known, plan, known.ids !== undefined);
    if (known.priority !== undefined) writer.changeCount(place, known.kind, known.priority, undefined);
    if (known.isRefused) writer.changeRefused(place, false);
    this.#guard(place, known, undefined, writer);
    this.#frontends.delete(id);
  }

  #put(
    place: FrontendPlace,
    known: ProgrammedFrontend | undefined,
    frontend: Frontend,
    plan: SlotPlan,
    writer: StepWriter,
  ): ProgrammedFrontend {
    const { kind } = frontend;
    const ids = writeBackends(writer, place, known, plan, frontend.affinitySeconds > 0);
    const priority = this.#priority(place, frontend, plan.slots.length, writer);
    const isNoted = priority === undefined || hasNote(known, frontend.service, plan.slots, ids);
    const isMoved = known !== undefined && known.kind !== kind;
    if (isMoved) writer.changeCount(place, known.kind, known.priority, undefined);
    if (isMoved || known?.priority !== priority || !isNoted) {
      const note = priority === undefined ? '' : noteOf(frontend.service, plan.slots, ids);
      writer.changeCount(place, kind, isMoved ? undefined : known?.priority, priority, note);
    }
    const isRefused = isRefusedAlone(frontend);
    if ((known?.isRefused ?? false) !== isRefused) writer.changeRefused(place, isRefused);
    const guard = this.#guard(place, known, frontend, writer);
    const noted = priority === undefined ? undefined : frontend.service;
    const local = localAddresses(frontend);
    return { kind, priority, isRefused, slots: plan.slots, ids, guard, note: undefined, noted, local };
  }

  #priority(place: FrontendPlace, frontend: Frontend, backends: number, writer: StepWriter): number | undefined {
    if (backends === 0) return frontend.whenEmpty === 'drop' ? NO_BACKEND : undefined;
    const plane = isNodePort(place.address) ? 'port' : 'address';
    const number = this.#timeoutNumber(frontend.affinitySeconds);
    const timeout = this.#timeouts[number] ?? 0;
    const priority = priorityOf(plane, place.list, backends, number);
    if (this.#picks.has(priority)) return priority;
    // Chains stay when nobody needs them any more: a packet on its way may still hold their number.
    const pick = { plane, list: place.list, backends, timeout, priority } as const;
    this.#picks.set(priority, pick);
    writer.addPick(pick);
    return priority;
  }

  #timeoutNumber(timeout: number): number {
    const at = this.#timeouts.indexOf(timeout);
    if (at >= 0) return at;
    // A priority has no room for more: better a wrong time than no Service.
    return this.#timeouts.length < MAX_TIMEOUTS ? this.#timeouts.push(timeout) - 1 : MAX_TIMEOUTS - 1;
  }

  #guard(
    place: FrontendPlace,
    known: ProgrammedFrontend | undefined,
    frontend: Frontend | undefined,
    writer: StepWriter,
  ): string | undefined {
    const sources = frontend?.sources;
    const guard = sources === undefined ? undefined : guardOf(sources, this.rules, this.#nodeAddresses);
    if (guard?.name === known?.guard) return known?.guard;
    if (known?.guard !== undefined) this.#countGuard(known.guard, -1);
    if (guard !== undefined && !this.#guards.has(guard.name)) writer.addGuard(guard);
    if (guard !== undefined) this.#countGuard(guard.name, 1);
    writer.changeGuard(place, known?.guard, guard?.name);
    return guard?.name;
  }

  #countGuard(name: string, change: number): void {
    this.#guards.set(name, (this.#guards.get(name) ?? 0) + change);
  }

  #count(known: ProgrammedFrontend | undefined, next: ProgrammedFrontend | undefined, place: FrontendPlace): void {
    const before = known?.local === undefined ? undefined : this.#presenceOf(known.kind, place);
    const after = next === undefined ? undefined : this.#presenceOf(next.kind, place);
    if (before !== after) {
      after?.add(place.address);
      before?.remove(place.address);
    }
    for (const local of next?.local ?? NONE) this.#hairpin.add(local);
    for (const local of known?.local ?? NONE) this.#hairpin.remove(local);
  }

  #presenceOf(kind: FrontendKind, place: FrontendPlace): Presence | undefined {
    if (isNodePort(place.address) || kind === 'local') return undefined;
    return kind === 'cluster' ? this.#addresses : this.#externalAddresses;
  }
}

function noteTextOf({ note, noted, slots, ids }: ProgrammedFrontend): string | undefined {
  return noted === undefined ? note : noteOf(noted, slots, ids);
}

function hasNote(
  known: ProgrammedFrontend | undefined,
  service: string,
  slots: ProgrammedFrontend['slots'],
  ids: ProgrammedFrontend['ids'],
): boolean {
  if (known === undefined) return false;
  const { note, noted } = known;
  const isSame = known.slots === slots && known.ids === ids;
  if (noted !== undefined) return isSame && noted === service;
  // What was read has no ids where nothing is in them yet.
  return note !== undefined && (isSame ? isNoteOf(note, service) : note === noteOf(service, slots, ids));
}

/** Cluster addresses are refused by their address already; `local` frontends come with an `inside` one. */
function isRefusedAlone(frontend: Frontend): boolean {
  const { kind, backends, whenEmpty } = frontend;
  return backends.length === 0 && whenEmpty === 'reject' && (kind === 'external' || kind === 'inside');
}

function localAddresses(frontend: Frontend): readonly string[] {
  const local = frontend.backends.filter((backend) => backend.isLocal);
  return local.length === 0 ? NONE : local.map((backend) => backend.address);
}
