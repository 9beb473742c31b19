import type { Element, SetDeclaration } from '#nftables/table.ts';
import type { Transaction } from '#nftables/transaction.ts';
import {
  countsOf,
  Drafts,
  noteCount,
  readBackend,
  slotsIn,
  type Count,
  type Draft,
  type DraftSlots,
  type SlotList,
} from './draft.ts';
import {
  listOf,
  parseFrontendId,
  type Backend,
  type FrontendChange,
  type FrontendId,
  type FrontendKind,
} from './frontend.ts';
import { lookUpSlots } from './look-up-slots.ts';
import { LOCAL_SLOTS, NO_BACKEND, readWord, type Pick } from './pick.ts';
import type { AdoptedState, ProgrammedFrontend } from './plan.ts';
import { Presence } from './presence.ts';
import type { Plane, Ruleset } from './ruleset.ts';
import { backendKey } from './slots.ts';
import { StepWriter } from './step-writer.ts';

/** How the kernel's table is read. */
export interface TableReader {
  /** Lends each element of a set to `visit`, which returns false for what it saw before. */
  visit(set: string, visit: (key: Uint8Array, data: Uint8Array, userdata: Uint8Array) => boolean): void;
  /** The data under each key, undefined where there is none. */
  lookUp(set: string, keys: readonly Uint8Array[]): readonly (Uint8Array | undefined)[];
  elements(set: SetDeclaration): readonly Element[];
}

/**
 * What of the slots need not be read, because nobody else can have changed it, or in vain:
 * - `notes`: those whose note is that of the frontend wanted. A process before this one left them so.
 * - `frontends`: none, but there are no others than those of the frontends that have a count.
 * - `nothing`: there may be anything.
 */
export type Trust =
  | { readonly kind: 'notes'; readonly wanted: readonly FrontendChange[] }
  | { readonly kind: 'frontends'; readonly wanted?: undefined }
  | { readonly kind: 'nothing' };

export interface Adoption {
  readonly state: AdoptedState;
  /** Deletes what does not fit together. Only somebody else's hands in our table leave such things. */
  readonly repair: Transaction;
}

/** Reads back what a plan of an earlier process, or of this one, left in the kernel. */
export function readAdoption(
  rules: Ruleset,
  picks: readonly Pick[],
  guards: readonly string[],
  reader: TableReader,
  trust: Trust,
): Adoption {
  const { sets } = rules;
  const drafts = new Drafts(rules);
  const known = new Map(picks.map((pick) => [pick.priority, pick]));
  for (const plane of Object.values(rules.planes)) {
    readFrontends(plane, drafts, reader);
    if (trust.kind === 'nothing') readSlots(rules, plane, drafts, reader);
  }
  if (trust.kind !== 'nothing') lookUpSlots(rules, drafts.byFrontend, known, reader, trust.wanted ?? []);
  for (const { key, verdict } of reader.elements(sets.firewall)) {
    const draft = drafts.ofFrontend(rules.planes.address, key, 'all');
    if (draft !== undefined && verdict !== undefined && 'chain' in verdict) draft.guard = verdict.chain;
  }
  const addresses = (set: SetDeclaration): Presence => readAddresses(set.name, rules.addressLength, reader);
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

function readFrontends(plane: Plane, drafts: Drafts, reader: TableReader): void {
  const { sets } = plane;
  const kinds = Object.keys(sets.counts) as FrontendKind[];
  for (const kind of plane.name === 'port' ? kinds.filter((one) => one !== 'cluster') : kinds) {
    reader.visit(sets.counts[kind].name, (key, data, userdata) => {
      const draft = drafts.ofFrontend(plane, key, listOf(kind));
      if (draft === undefined) return true;
      draft.note = readNote(userdata);
      return noteCount(draft, { kind, priority: readWord(data) });
    });
  }
  reader.visit(sets.refused.name, (key) => {
    const draft = drafts.ofFrontend(plane, key, 'all');
    const isNew = draft?.isRefused !== true;
    if (draft !== undefined) draft.isRefused = true;
    return isNew;
  });
}

/** struct { u8 type; u8 length; char text[]; }, with the type of a comment and a zero at the end. */
function readNote(userdata: Uint8Array): string | undefined {
  if (userdata.length < 3 || userdata[0] !== 0) return undefined;
  return Buffer.from(userdata.buffer, userdata.byteOffset + 2, userdata.length - 3).toString('latin1');
}

/** By dumps, which show everything, and take time that grows with the square of its size. */
function readSlots(rules: Ruleset, plane: Plane, drafts: Drafts, reader: TableReader): void {
  const { sets, frontendLength } = plane;
  const visitSlots = (set: SetDeclaration, take: (draft: Draft, slot: number, data: Uint8Array) => boolean): void =>
    reader.visit(set.name, (key, data) => {
      const slot = readWord(key, frontendLength);
      const draft = drafts.ofSlot(plane, key, slot < LOCAL_SLOTS ? 'all' : 'local');
      return draft === undefined || take(draft, slot % LOCAL_SLOTS, data);
    });
  visitSlots(sets.endpoints, (draft, slot, data) => put(slotsIn(draft).backends, slot, readBackend(rules, data)));
  visitSlots(sets.slots, (draft, slot, data) => put(slotsIn(draft).ids, slot, readWord(data)));
  for (const [set, list] of [[sets.byId, 'all'] as const, [sets.localById, 'local'] as const]) {
    reader.visit(set.name, (key, data) => {
      const draft = drafts.ofSlot(plane, key, list);
      const id = readWord(key, frontendLength);
      if (draft === undefined) return true;
      const { byId } = slotsIn(draft);
      const isNew = !byId.has(id);
      byId.set(id, readBackend(rules, data));
      return isNew;
    });
  }
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
  const { kind = 'external', priority }: Partial<Count> = draft.count ?? {};
  const pick = priority === undefined ? undefined : picks.get(priority);
  const isKnown = priority === undefined || priority === NO_BACKEND || pick !== undefined;
  if (draft.others !== undefined || !isKnown) return undefined;
  const found = draft.asWanted ?? asRead(draft, pick);
  if (found === undefined) return undefined;
  const { isRefused, guard } = draft;
  const { backends: slots, ids, noted } = found;
  const note = noted === undefined ? draft.note : undefined;
  return { kind, priority, isRefused, slots, ids, guard, note, noted, local: undefined };
}

function asRead({ slots: read = NO_SLOTS }: Draft, pick: Pick | undefined): SlotList | undefined {
  const isSticky = pick !== undefined && pick.timeout > 0;
  const count = pick === undefined ? 0 : pick.backends;
  const backends = isSticky ? read.ids.map((id) => read.byId.get(id)) : read.backends;
  const [others, ids] = isSticky ? [read.backends, count] : [read.ids, 0];
  if (backends.length !== count || others.length > 0 || read.byId.size !== ids) return undefined;
  // `includes` sees the gaps of a sparse array, `every` does not.
  if ((backends as unknown[]).includes(undefined)) return undefined;
  return {
    backends: backends as Backend[],
    ids: isSticky ? new Map([...read.byId].map(([id, backend]) => [backendKey(backend), id])) : undefined,
  };
}

const NO_SLOTS: DraftSlots = { backends: [], ids: [], byId: new Map() };

function discard(id: FrontendId, draft: Draft, writer: StepWriter): void {
  const place = parseFrontendId(id);
  for (const { kind, priority } of countsOf(draft)) writer.changeCount(place, kind, priority, undefined);
  const { backends, ids, byId: read } = draft.slots ?? NO_SLOTS;
  // `forEach` leaves the gaps out.
  backends.forEach((_, slot) => writer.changeSlot(place, place.list, slot, true, undefined));
  ids.forEach((_, slot) => writer.changeSlotId(place, place.list, slot, true, undefined));
  for (const byId of read.keys()) writer.changeId(place, place.list, byId, undefined);
  if (draft.isRefused) writer.changeRefused(place, false);
  if (draft.guard !== undefined) writer.changeGuard(place, draft.guard, undefined);
}

/** The first address of each key. */
function readAddresses(set: string, addressLength: number, reader: TableReader): Presence {
  const addresses = new Presence();
  reader.visit(set, (key) => addresses.adopt(key, addressLength));
  return addresses;
}
