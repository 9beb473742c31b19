import { backendId } from './backend-id.ts';
import type { Backend, FrontendPlace } from './frontend.ts';
import { backendKey, type SlotChange, type SlotPlan } from './slots.ts';
import type { StepWriter } from './step-writer.ts';

/** What the kernel has of a frontend's backends. */
interface Before {
  readonly slots: readonly Backend[];
  /** With session affinity. */
  readonly ids: ReadonlyMap<string, number> | undefined;
}

type Ids = ReadonlyMap<string, number>;

/**
 * Writes the backends of one frontend: a slot holds the backend itself or, where clients stay with theirs, its id.
 * Returns the ids in the second case.
 */
export function writeBackends(
  writer: StepWriter,
  place: FrontendPlace,
  before: Before | undefined,
  plan: SlotPlan,
  isSticky: boolean,
): Ids | undefined {
  const wasSticky = before?.ids !== undefined;
  const isSame = before === undefined || isSticky === wasSticky;
  const changes = isSame ? plan.changes : replaceAll(before.slots, plan.slots);
  const ids = isSticky ? nextIds(before?.ids, plan.slots, changes.length > 0) : undefined;
  writeIds(writer, place, before?.ids, ids, plan.slots);
  for (const { slot, before: old, after } of changes) {
    if (old !== undefined && wasSticky) writer.changeSlotId(place, place.list, slot, true, undefined);
    else if (old !== undefined) writer.changeSlot(place, place.list, slot, true, undefined);
    if (after === undefined) continue;
    if (ids === undefined) writer.changeSlot(place, place.list, slot, false, after);
    else writer.changeSlotId(place, place.list, slot, false, ids.get(backendKey(after)));
  }
  return ids;
}

function writeIds(
  writer: StepWriter,
  place: FrontendPlace,
  before: Ids | undefined,
  after: Ids | undefined,
  backends: readonly Backend[],
): void {
  if (before === after) return;
  for (const [key, id] of before ?? []) {
    if (after?.get(key) !== id) writer.changeId(place, place.list, id, undefined);
  }
  for (const backend of after === undefined ? [] : backends) {
    const key = backendKey(backend);
    const id = after?.get(key);
    if (id !== undefined && before?.get(key) !== id) writer.changeId(place, place.list, id, backend);
  }
}

function replaceAll(before: readonly Backend[], after: readonly Backend[]): SlotChange[] {
  return [
    ...before.map((backend, slot) => ({ slot, before: backend, after: undefined })),
    ...after.map((backend, slot) => ({ slot, before: undefined, after: backend })),
  ];
}

function nextIds(before: Ids | undefined, backends: readonly Backend[], isChanged: boolean): Ids {
  return before !== undefined && !isChanged ? before : assignIds(before, backends);
}

/** Those of before stay; the others follow from the backends. */
export function assignIds(before: Ids | undefined, backends: readonly Backend[]): Ids {
  const ids = new Map<string, number>();
  const missing: string[] = [];
  for (const backend of backends) {
    const key = backendKey(backend);
    const id = before?.get(key);
    if (id === undefined) missing.push(key);
    else ids.set(key, id);
  }
  const taken = new Set([...(before?.values() ?? []), ...ids.values()]);
  for (const key of missing) {
    const id = backendId(key, (one) => taken.has(one));
    taken.add(id);
    ids.set(key, id);
  }
  return ids;
}
