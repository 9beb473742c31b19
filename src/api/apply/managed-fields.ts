import { deepEqual } from '../equal.ts';
import type { ManagedFieldsEntry } from '../object.ts';
import type { Changes } from './compare.ts';
import { difference, EMPTY_SET, type FieldSet, isEmptySet, sharedSet, union } from './field-set.ts';
import { isEntryOf, type Writer } from './manager.ts';

/** `metadata.managedFields`, the stored form, which is also the one that is worked on. */
export type ManagedFields = readonly ManagedFieldsEntry[];

export function setOf(entry: ManagedFieldsEntry): FieldSet {
  return (entry.fieldsV1 ?? EMPTY_SET) as FieldSet;
}

/**
 * What a write that states no configuration makes of the managers: who sets a field owns it, and nobody owns what is gone.
 * The same array when no ownership changes.
 */
export function updatedManagers(managed: ManagedFields, { changed, removed }: Changes, writer: Writer): ManagedFields {
  if (isEmptySet(changed) && isEmptySet(removed)) return managed;
  const touched = union(changed, removed);
  const next: ManagedFieldsEntry[] = [];
  let own: ManagedFieldsEntry | undefined;
  let same = true;
  for (const entry of managed) {
    if (isEntryOf(entry, writer)) {
      own = entry;
      continue;
    }
    const left = withSet(entry, difference(setOf(entry), touched));
    if (left !== entry) same = false;
    if (left !== undefined) next.push(left);
  }
  const before = own === undefined ? EMPTY_SET : setOf(own);
  const mine = union(difference(before, removed), changed);
  if (same && own !== undefined && isEmptySet(changed) && mine === before) return managed;
  if (!isEmptySet(mine)) {
    next.push(isEmptySet(changed) && own !== undefined ? { ...own, fieldsV1: sharedSet(mine) } : entryOf(writer, mine));
  }
  return inOrder(capped(next, writer.apiVersion));
}

/** The entry with another set; itself with the same, undefined with none. */
export function withSet(entry: ManagedFieldsEntry, set: FieldSet): ManagedFieldsEntry | undefined {
  if (set === entry.fieldsV1) return entry;
  return isEmptySet(set) ? undefined : { ...entry, fieldsV1: sharedSet(set) };
}

export function entryOf(writer: Writer, set: FieldSet): ManagedFieldsEntry {
  const { manager, operation, apiVersion, time, subresource = '' } = writer;
  return {
    manager,
    operation,
    apiVersion,
    time,
    fieldsType: 'FieldsV1',
    fieldsV1: sharedSet(set),
    ...(subresource === '' ? {} : { subresource }),
  };
}

/** No object keeps more managers that merely update it than this: the oldest become one. */
const MAX_UPDATERS = 10;
const ANCIENT = 'ancient-changes';

function capped(managed: readonly ManagedFieldsEntry[], apiVersion: string): readonly ManagedFieldsEntry[] {
  const updaters = managed.filter(({ operation }) => operation === 'Update');
  if (updaters.length <= MAX_UPDATERS) return managed;
  const isAncient = ({ manager }: ManagedFieldsEntry): boolean => manager === ANCIENT;
  const oldestFirst = updaters
    .filter((entry) => !isAncient(entry) && entry.apiVersion === apiVersion)
    .sort((a, b) => compareText(a.time, b.time));
  const surplus = updaters.filter((entry) => !isAncient(entry)).length - (MAX_UPDATERS - 1);
  const gone = new Set([...oldestFirst.slice(0, surplus), ...updaters.filter(isAncient)]);
  if (gone.size < 2) return managed;
  const [first = EMPTY_SET, ...others] = [...gone].map(setOf);
  const times = [...gone].map(({ time }) => time ?? '').sort();
  const set = others.reduce(union, first);
  const ancient = entryOf({ manager: ANCIENT, operation: 'Update', apiVersion, time: times.at(-1) ?? '' }, set);
  return [...managed.filter((entry) => !gone.has(entry)), ancient];
}

/** Appliers first, then by time: as upstream keeps them. */
export function inOrder(managed: readonly ManagedFieldsEntry[]): ManagedFields {
  return managed.toSorted(
    (a, b) =>
      compareText(a.operation, b.operation) ||
      compareText(a.time, b.time) ||
      compareText(a.manager, b.manager) ||
      compareText(a.apiVersion, b.apiVersion) ||
      compareText(a.subresource, b.subresource),
  );
}

function compareText(a: string = '', b: string = ''): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * The managers that a write starts from. A client that sends a whole object usually sends back what it read; it may also
 * move ownership by sending other entries, and drop all of it with a single empty one. What is no valid list of entries is
 * passed over in favour of what is stored: many clients lose the field without meaning anything by it.
 */
export function startingManagers(stored: ManagedFields | undefined, sent: ManagedFields | undefined): ManagedFields {
  if (sent === undefined || sent === stored || sent.length === 0) return stored ?? [];
  const [first] = sent;
  if (sent.length === 1 && first !== undefined && Object.keys(first).length === 0) return [];
  if (deepEqual(sent, stored)) return stored ?? [];
  const decoded = sent.map(decodeEntry).filter((entry) => entry !== undefined);
  return decoded.length < sent.length ? (stored ?? []) : inOrder(decoded);
}

function decodeEntry(entry: ManagedFieldsEntry): ManagedFieldsEntry | undefined {
  const { operation, fieldsType } = entry;
  if ((operation !== 'Apply' && operation !== 'Update') || fieldsType !== 'FieldsV1') return undefined;
  const set = decodeSet(entry.fieldsV1);
  return set === undefined ? undefined : { ...entry, fieldsV1: set };
}

const ELEMENT = /^(?:\.$|f:|[ikv]:)/;

/** Keys of items are brought into the one form that sets are compared in. */
function decodeSet(value: unknown): FieldSet | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const set: Record<string, FieldSet> = {};
  for (const [element, below] of Object.entries(value)) {
    if (!ELEMENT.test(element)) return undefined;
    const decoded = decodeSet(below);
    const name = canonicalElement(element);
    if (decoded === undefined || name === undefined) return undefined;
    set[name] = decoded;
  }
  return set;
}

function canonicalElement(element: string): string | undefined {
  if (!element.startsWith('k:') && !element.startsWith('v:')) return element;
  try {
    const value: unknown = JSON.parse(element.slice(2));
    if (element.startsWith('v:')) return `v:${JSON.stringify(value)}`;
    if (typeof value !== 'object' || value === null) return undefined;
    return `k:${JSON.stringify(Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))))}`;
  } catch {
    return undefined;
  }
}
