import type { Backend } from './frontend.ts';

/** One slot of a frontend as it changes; undefined on a side where the slot is not there. */
export interface SlotChange {
  readonly slot: number;
  readonly before: Backend | undefined;
  readonly after: Backend | undefined;
}

export interface SlotPlan {
  readonly slots: readonly Backend[];
  readonly changes: readonly SlotChange[];
  readonly removed: readonly Backend[];
}

export function backendKey(backend: Pick<Backend, 'address' | 'port'>): string {
  return `${backend.address} ${backend.port}`;
}

/**
 * Puts `wanted` into numbered slots with no gap, moving as few as can be: newcomers take the slots of those that leave,
 * then the last slots move into what is still free. Backends that stay and are not moved are not touched.
 */
export function planSlots(slots: readonly Backend[], wanted: readonly Backend[]): SlotPlan {
  // Most of what comes again comes as it was: a restart meets little else.
  if (isSameList(slots, wanted)) return { slots, changes: [], removed: [] };
  if (slots.length === 0) return { slots: wanted, changes: wanted.map(added), removed: [] };
  const missing = new Map(wanted.map((backend) => [backendKey(backend), backend]));
  const holes: number[] = [];
  slots.forEach((backend, slot) => {
    if (!missing.delete(backendKey(backend))) holes.push(slot);
  });
  if (holes.length === 0 && missing.size === 0) return { slots, changes: [], removed: [] };
  const removed = holes.flatMap((slot) => slots[slot] ?? []);
  const next = fill(slots, holes, [...missing.values()]);
  const changes: SlotChange[] = [];
  for (let slot = 0; slot < Math.max(slots.length, next.length); slot++) {
    const before = slots[slot];
    const after = next[slot];
    if (before !== after) changes.push({ slot, before, after });
  }
  return { slots: next, changes, removed };
}

function isSameList(slots: readonly Backend[], wanted: readonly Backend[]): boolean {
  if (slots === wanted) return true;
  if (slots.length !== wanted.length) return false;
  for (let i = 0; i < slots.length; i++) {
    const [a, b] = [slots[i], wanted[i]];
    if (a === undefined || b === undefined || a.port !== b.port || a.address !== b.address) return false;
  }
  return true;
}

function added(after: Backend, slot: number): SlotChange {
  return { slot, before: undefined, after };
}

function fill(slots: readonly Backend[], holes: readonly number[], newcomers: readonly Backend[]): Backend[] {
  const next: (Backend | undefined)[] = [...slots];
  for (const slot of holes) next[slot] = undefined;
  let taken = 0;
  for (const newcomer of newcomers) {
    const hole = holes[taken];
    if (hole === undefined) next.push(newcomer);
    else next[hole] = newcomer;
    taken++;
  }
  for (const hole of holes.slice(taken)) {
    while (next.length > 0 && next.at(-1) === undefined) next.pop();
    // The last one moves into the hole, unless the end was cut off behind it already.
    if (hole < next.length) next[hole] = next.pop();
  }
  return next.filter((backend) => backend !== undefined);
}
