import { formatAddress } from '#nftables/address.ts';
import { type Element, type SetDeclaration } from '#nftables/table.ts';
import { type Transaction } from '#nftables/transaction.ts';
import {
  ANY_ADDRESS,
  frontendId,
  listOf,
  parseFrontendId,
  type Backend,
  type FrontendId,
  type FrontendKind,
  type ListName,
  type Protocol,
} from './frontend.ts';
import { LOCAL_SLOTS, NO_BACKEND, readWord, type Pick } from './pick.ts';
import { type AdoptedState, type ProgrammedFrontend } from './plan.ts';
import { type Plane, type Ruleset } from './ruleset.ts';
import { backendKey } from './slots.ts';
import { protocolNumbers, StepWriter } from './step-writer.ts';

/** How the kernel's table is read. */
export interface TableReader {
  /** Lends each element of a set to `visit`, which returns false for what it saw before. */
  visit(set: string, visit: (key: Uint8Array, data: Uint8Array) => boolean): void;
  elements(set: SetDeclaration): readonly Element[];
}

export interface Adoption {
  readonly state: AdoptedState;
  /** Deletes what does not fit together. Only somebody else's hands in our table leave such things. */
  readonly repair: Transaction;
}

/** What the sets say of one frontend, before it is known whether that makes sense. */
interface Draft {
  readonly counts: Map<FrontendKind, number>;
  readonly slots: Backend[];
  readonly slotIds: number[];
  readonly byId: Map<number, Backend>;
  isRefused: boolean;
  guard: string | undefined;
}

/** Reads back what a plan of an earlier process, or of this one, left in the kernel. */
export function readAdoption(
  rules: Ruleset,
  picks: readonly Pick[],
  guards: readonly string[],
  reader: TableReader,
): Adoption {
  const { sets } = rules;
  const drafts = new Drafts(rules);
  for (const plane of Object.values(rules.planes)) readPlane(rules, plane, drafts, reader);
  for (const { key, verdict } of reader.elements(sets.firewall)) {
    const draft = drafts.of(rules.planes.address, key, 'all');
    if (draft !== undefined && verdict !== undefined && 'chain' in verdict) draft.guard = verdict.chain;
  }
  const addresses = (set: SetDeclaration): string[] => readAddresses(set.name, rules.addressLength, reader);
  const known = new Map(picks.map((pick) => [pick.priority, pick]));
  const { frontends, repair } = judge(rules, drafts.byFrontend, known);
  const state = {
    frontends,
    picks,
    guards,
    addresses: addresses(sets.addresses),
    externalAddresses: addresses(sets.externalAddresses),
    hairpin: addresses(sets.hairpin),
  };
  return { state, repair };
}

class Drafts {
  readonly byFrontend = new Map<FrontendId, Draft>();
  /** By a number made of the key: text is only made once a frontend, not once an element. */
  readonly #byKey = new Map<number, Draft>();
  readonly #rules: Ruleset;

  constructor(rules: Ruleset) {
    this.#rules = rules;
  }

  /** The draft of the frontend at the start of a key; undefined where no frontend of ours is. */
  of(plane: Plane, key: Uint8Array, list: ListName): Draft | undefined {
    const number = keyNumber(plane, key, list);
    const known = number === undefined ? undefined : this.#byKey.get(number);
    if (known !== undefined) return known;
    const draft = this.#find(plane, key, list);
    if (number !== undefined && draft !== undefined) this.#byKey.set(number, draft);
    return draft;
  }

  #find(plane: Plane, key: Uint8Array, list: ListName): Draft | undefined {
    const id = readFrontend(this.#rules, plane, key, list);
    if (id === undefined) return undefined;
    let draft = this.byFrontend.get(id);
    if (draft === undefined) {
      draft = { counts: new Map(), slots: [], slotIds: [], byId: new Map(), isRefused: false, guard: undefined };
      this.byFrontend.set(id, draft);
    }
    return draft;
  }
}

/** Address, protocol, port and list in 52 bits; undefined for what does not fit. A NodePort is at address 0.0.0.0. */
function keyNumber(plane: Plane, key: Uint8Array, list: ListName): number | undefined {
  if (plane.frontendLength > 12) return undefined;
  const isPort = plane.name === 'port';
  const at = isPort ? 0 : 4;
  const protocol = protocolOrder.indexOf(key[at] ?? 0);
  if (protocol < 0) return undefined;
  const address = isPort ? 0 : readWord(key);
  const variant = protocol * 2 + (list === 'local' ? 1 : 0);
  return (address * 0x10000 + readPort(key, at + 4)) * 8 + variant;
}

function readPlane(rules: Ruleset, plane: Plane, drafts: Drafts, reader: TableReader): void {
  const { sets, frontendLength } = plane;
  const kinds = Object.keys(sets.counts) as FrontendKind[];
  for (const kind of plane.name === 'port' ? kinds.filter((one) => one !== 'cluster') : kinds) {
    reader.visit(sets.counts[kind].name, (key, data) => {
      const draft = drafts.of(plane, key, listOf(kind));
      if (draft === undefined) return true;
      const isNew = !draft.counts.has(kind);
      draft.counts.set(kind, readWord(data));
      return isNew;
    });
  }
  const visitSlots = (set: SetDeclaration, take: (draft: Draft, slot: number, data: Uint8Array) => boolean): void =>
    reader.visit(set.name, (key, data) => {
      const slot = readWord(key, frontendLength);
      const draft = drafts.of(plane, key, slot < LOCAL_SLOTS ? 'all' : 'local');
      return draft === undefined || take(draft, slot % LOCAL_SLOTS, data);
    });
  visitSlots(sets.endpoints, ({ slots }, slot, data) => put(slots, slot, readBackend(rules, data)));
  visitSlots(sets.slots, ({ slotIds }, slot, data) => put(slotIds, slot, readWord(data)));
  for (const [set, list] of [[sets.byId, 'all'] as const, [sets.localById, 'local'] as const]) {
    reader.visit(set.name, (key, data) => {
      const draft = drafts.of(plane, key, list);
      const id = readWord(key, frontendLength);
      if (draft === undefined) return true;
      const isNew = !draft.byId.has(id);
      draft.byId.set(id, readBackend(rules, data));
      return isNew;
    });
  }
  reader.visit(sets.refused.name, (key) => {
    const draft = drafts.of(plane, key, 'all');
    const isNew = draft?.isRefused !== true;
    if (draft !== undefined) draft.isRefused = true;
    return isNew;
  });
}

function put<T>(list: T[], slot: number, item: T): boolean {
  const isNew = list[slot] === undefined;
  list[slot] = item;
  return isNew;
}

interface Judged {
  readonly frontends: Map<FrontendId, ProgrammedFrontend>;
  readonly repair: Transaction;
}

function judge(rules: Ruleset, drafts: ReadonlyMap<FrontendId, Draft>, picks: ReadonlyMap<number, Pick>): Judged {
  const writer = new StepWriter(rules);
  const frontends = new Map<FrontendId, ProgrammedFrontend>();
  for (const [id, draft] of drafts) {
    const frontend = accept(draft, picks);
    if (frontend === undefined) discard(id, draft, writer);
    else frontends.set(id, frontend);
  }
  return { frontends, repair: writer.finish() };
}

/** undefined for one that has a gap, or another number of backends than its count says. */
function accept(draft: Draft, picks: ReadonlyMap<number, Pick>): ProgrammedFrontend | undefined {
  const [[kind, priority] = ['external' as const, undefined]] = draft.counts;
  const pick = priority === undefined ? undefined : picks.get(priority);
  const isKnown = priority === undefined || priority === NO_BACKEND || pick !== undefined;
  if (draft.counts.size > 1 || !isKnown) return undefined;
  const isSticky = pick !== undefined && pick.timeout > 0;
  const slots = slotsOf(draft, isSticky, pick === undefined ? 0 : pick.backends);
  if (slots === undefined) return undefined;
  const ids = isSticky ? new Map([...draft.byId].map(([id, backend]) => [backendKey(backend), id])) : undefined;
  const { isRefused, guard } = draft;
  return { kind, priority, isRefused, slots, ids, guard };
}

function slotsOf(draft: Draft, isSticky: boolean, backends: number): readonly Backend[] | undefined {
  const slots = isSticky ? draft.slotIds.map((id) => draft.byId.get(id)) : draft.slots;
  const [others, ids] = isSticky ? [draft.slots, backends] : [draft.slotIds, 0];
  if (slots.length !== backends || others.length > 0 || draft.byId.size !== ids) return undefined;
  // `includes` sees the gaps of a sparse array, `every` does not.
  return (slots as unknown[]).includes(undefined) ? undefined : (slots as Backend[]);
}

function discard(id: FrontendId, draft: Draft, writer: StepWriter): void {
  const place = parseFrontendId(id);
  for (const [kind, priority] of draft.counts) writer.changeCount(place, kind, priority, undefined);
  // `forEach` leaves the gaps out.
  draft.slots.forEach((_, slot) => writer.changeSlot(place, place.list, slot, true, undefined));
  draft.slotIds.forEach((_, slot) => writer.changeSlotId(place, place.list, slot, true, undefined));
  for (const byId of draft.byId.keys()) writer.changeId(place, place.list, byId, undefined);
  if (draft.isRefused) writer.changeRefused(place, false);
  if (draft.guard !== undefined) writer.changeGuard(place, draft.guard, undefined);
}

/** The first address of each key. */
function readAddresses(set: string, addressLength: number, reader: TableReader): string[] {
  const addresses = new Set<string>();
  reader.visit(set, (key) => {
    const { size } = addresses;
    return addresses.add(formatAddress(key.subarray(0, addressLength))).size > size;
  });
  return [...addresses];
}

const protocolOrder = Object.values(protocolNumbers);
const protocolNames = new Map(Object.entries(protocolNumbers).map(([name, number]) => [number, name as Protocol]));

function readFrontend(rules: Ruleset, plane: Plane, key: Uint8Array, list: ListName): FrontendId | undefined {
  const at = plane.name === 'address' ? rules.addressLength : 0;
  const protocol = protocolNames.get(key[at] ?? 0);
  if (protocol === undefined) return undefined;
  const any = ANY_ADDRESS[rules.family === 'ip' ? 4 : 6];
  const address = at === 0 ? any : formatAddress(key.subarray(0, at));
  return frontendId(address, protocol, readPort(key, at + 4), list);
}

function readBackend(rules: Ruleset, data: Uint8Array): Backend {
  const { addressLength } = rules;
  const address = formatAddress(data.subarray(0, addressLength));
  return { address, port: readPort(data, addressLength), isLocal: false };
}

function readPort(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}
