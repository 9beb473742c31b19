import { assignIds } from './backend-writer.ts';
import { type Draft, readBackend } from './draft.ts';
import { type Frontend, type FrontendId } from './frontend.ts';
import { noteOf } from './note.ts';
import { LOCAL_SLOTS, readWord, writeWord, type Pick } from './pick.ts';
import { type Ruleset } from './ruleset.ts';
import { backendKey } from './slots.ts';

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
  wanted: ReadonlyMap<FrontendId, Frontend> | undefined,
): void {
  const unknown: Target[] = [];
  for (const [id, draft] of drafts) {
    const priority = draft.counts.size === 1 ? draft.counts.values().next().value : undefined;
    const pick = priority === undefined ? undefined : picks.get(priority);
    if (pick === undefined) continue;
    const frontend = wanted?.get(id);
    if (frontend === undefined || !isAsWanted(draft, pick, frontend)) unknown.push({ draft, pick });
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
}

function isAsWanted(draft: Draft, pick: Pick, { service, backends, affinitySeconds }: Frontend): boolean {
  if (backends.length !== pick.backends || affinitySeconds !== pick.timeout) return false;
  const ids = pick.timeout === 0 ? undefined : assignIds(undefined, backends);
  if (draft.note !== noteOf(service, backends, ids)) return false;
  // The list itself: a copy for each frontend would be most of what a restart makes.
  if (ids === undefined) draft.asWanted = backends;
  for (const backend of ids === undefined ? [] : backends) {
    const id = ids?.get(backendKey(backend)) ?? 0;
    draft.slotIds.push(id);
    draft.byId.set(id, backend);
  }
  return true;
}

function readPlain(rules: Ruleset, targets: readonly Target[], reader: SlotReader): void {
  inPlanes(rules, targets, (plane, own) => {
    const keys = own.flatMap(slotKeys);
    const found = reader.lookUp(plane.sets.endpoints.name, keys);
    let next = 0;
    for (const { draft, pick } of own) {
      for (let slot = 0; slot < pick.backends; slot++) {
        const data = found[next++];
        if (data !== undefined) draft.slots[slot] = readBackend(rules, data);
      }
    }
  });
}

function readSticky(rules: Ruleset, targets: readonly Target[], reader: SlotReader): void {
  inPlanes(rules, targets, (plane, own) => {
    const found = reader.lookUp(plane.sets.slots.name, own.flatMap(slotKeys));
    let next = 0;
    for (const { draft, pick } of own) {
      for (let slot = 0; slot < pick.backends; slot++) {
        const data = found[next++];
        if (data !== undefined) draft.slotIds[slot] = readWord(data);
      }
    }
    for (const list of ['all', 'local'] as const) {
      const drafts = own.map(({ draft }) => draft).filter((draft) => draft.list === list);
      const set = list === 'local' ? plane.sets.localById : plane.sets.byId;
      const ids = drafts.flatMap((draft) => draft.slotIds.map((id) => ({ draft, id })));
      const backends = reader.lookUp(
        set.name,
        ids.map(({ draft, id }) => keyWith(draft, id)),
      );
      ids.forEach(({ draft, id }, i) => {
        const data = backends[i];
        if (data !== undefined) draft.byId.set(id, readBackend(rules, data));
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

function slotKeys({ draft, pick }: Target): Uint8Array[] {
  const first = draft.list === 'local' ? LOCAL_SLOTS : 0;
  return Array.from({ length: pick.backends }, (_, slot) => keyWith(draft, first + slot));
}

function keyWith({ key }: Draft, word: number): Uint8Array {
  const bytes = new Uint8Array(key.length + 4);
  bytes.set(key);
  writeWord(bytes, key.length, word);
  return bytes;
}
