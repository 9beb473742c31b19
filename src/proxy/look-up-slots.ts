import { encodeKey } from '#nftables/key.ts';
import { layoutOf } from '#nftables/table.ts';
import { assignIds } from './backend-writer.ts';
import { readBackend, slotsIn, type SlotList, type Draft } from './draft.ts';
import { parseFrontendId, type Frontend, type FrontendChange, type FrontendId } from './frontend.ts';
import { isNoteOfSlots } from './note.ts';
import { LOCAL_SLOTS, readWord, writeWord, type Pick } from './pick.ts';
import type { Ruleset } from './ruleset.ts';

export interface SlotReader {
  lookUp(set: string, keys: readonly Uint8Array[]): readonly (Uint8Array | undefined)[];
}

/**
 * Fills in the slots of frontends whose count is known: from the frontends wanted where the note says that they are the
 * same, by looking up one key after the other where it does not.
 */
export function lookUpSlots(
  rules: Ruleset,
  drafts: ReadonlyMap<FrontendId, Draft>,
  picks: ReadonlyMap<number, Pick>,
  reader: SlotReader,
  wanted: readonly FrontendChange[],
): void {
  const pickOf = ({ count, others }: Draft): Pick | undefined =>
    count === undefined || others !== undefined ? undefined : picks.get(count.priority);
  // By the wanted ones, whose backends follow each other in memory: the kernel's order jumps about in it.
  for (const { id, frontend } of wanted) {
    const draft = drafts.get(id);
    const pick = draft === undefined ? undefined : pickOf(draft);
    if (draft === undefined || pick === undefined || frontend === undefined) continue;
    draft.asWanted = asWanted(draft, pick, frontend);
  }
  const unknown: Target[] = [];
  for (const [id, draft] of drafts) {
    const pick = draft.asWanted === undefined ? pickOf(draft) : undefined;
    if (pick !== undefined) unknown.push({ draft, pick, key: keyOf(draft, id) });
  }
  readPlain(
    rules,
    unknown.filter(({ pick }) => pick.timeout === 0),
    reader,
  );
  readSticky(
    rules,
    unknown.filter(({ pick }) => pick.timeout > 0),
    reader,
  );
}

interface Target {
  readonly draft: Draft;
  readonly pick: Pick;
  /** The frontend as the kernel writes it. */
  readonly key: Uint8Array;
}

function keyOf({ plane }: Draft, id: FrontendId): Uint8Array {
  const { address, protocol, port } = parseFrontendId(id);
  const texts = plane.name === 'port' ? [protocol, String(port)] : [address, protocol, String(port)];
  return encodeKey(layoutOf(plane.frontend), texts);
}

function asWanted({ note }: Draft, pick: Pick, frontend: Frontend): SlotList | undefined {
  const { service, backends, affinitySeconds } = frontend;
  if (backends.length !== pick.backends || affinitySeconds !== pick.timeout) return undefined;
  const ids = pick.timeout === 0 ? undefined : assignIds(undefined, backends);
  if (note === undefined || !isNoteOfSlots(note, service, backends, ids)) return undefined;
  return { noted: service, backends, ids };
}

function readPlain(rules: Ruleset, targets: readonly Target[], reader: SlotReader): void {
  inPlanes(rules, targets, (plane, own) => {
    const found = reader.lookUp(plane.sets.endpoints.name, own.flatMap(slotKeys));
    let next = 0;
    for (const { draft, pick } of own) {
      const { backends } = slotsIn(draft);
      for (let slot = 0; slot < pick.backends; slot++) {
        const data = found[next++];
        if (data !== undefined) backends[slot] = readBackend(rules, data);
      }
    }
  });
}

function readSticky(rules: Ruleset, targets: readonly Target[], reader: SlotReader): void {
  inPlanes(rules, targets, (plane, own) => {
    const found = reader.lookUp(plane.sets.slots.name, own.flatMap(slotKeys));
    let next = 0;
    for (const { draft, pick } of own) {
      const { ids } = slotsIn(draft);
      for (let slot = 0; slot < pick.backends; slot++) {
        const data = found[next++];
        if (data !== undefined) ids[slot] = readWord(data);
      }
    }
    for (const list of ['all', 'local'] as const) {
      const set = list === 'local' ? plane.sets.localById : plane.sets.byId;
      const ids = own
        .filter(({ draft }) => draft.list === list)
        .flatMap(({ draft, key }) => slotsIn(draft).ids.map((id) => ({ draft, id, key: keyWith(key, id) })));
      const backends = reader.lookUp(
        set.name,
        ids.map(({ key }) => key),
      );
      ids.forEach(({ draft, id }, i) => {
        const data = backends[i];
        if (data !== undefined) slotsIn(draft).byId.set(id, readBackend(rules, data));
      });
    }
  });
}

function inPlanes(
  rules: Ruleset,
  targets: readonly Target[],
  read: (plane: Draft['plane'], own: readonly Target[]) => void,
): void {
  for (const plane of Object.values(rules.planes)) {
    const own = targets.filter(({ draft }) => draft.plane === plane);
    if (own.length > 0) read(plane, own);
  }
}

function slotKeys({ draft, pick, key }: Target): Uint8Array[] {
  const first = draft.list === 'local' ? LOCAL_SLOTS : 0;
  return Array.from({ length: pick.backends }, (_, slot) => keyWith(key, first + slot));
}

function keyWith(key: Uint8Array, word: number): Uint8Array {
  const bytes = new Uint8Array(key.length + 4);
  bytes.set(key);
  writeWord(bytes, key.length, word);
  return bytes;
}
