import { deepEqual } from '../equal.ts';
import type { KubeObject, ManagedFieldsEntry } from '../object.ts';
import type { JsonObject } from '../patch/json-value.ts';
import { compareObjects } from './compare.ts';
import { type Conflict, conflictsIn } from './conflict.ts';
import { difference, EMPTY_SET, equalSets, type FieldSet, intersection, isEmptySet, union } from './field-set.ts';
import { declaredFields, fieldsOf } from './fields-of.ts';
import { allowedByLastApplied, withLastApplied } from './last-applied.ts';
import { entryOf, inOrder, type ManagedFields, setOf, updatedManagers, withSet } from './managed-fields.ts';
import { isEntryOf, type Writer } from './manager.ts';
import { mergeApplied } from './merge.ts';
import type { MergeType } from './merge-type.ts';
import { removeFields, withNamedFields } from './remove.ts';

export interface ApplyOptions {
  readonly type: MergeType;
  readonly writer: Writer;
  /** Takes fields that others own instead of refusing. */
  readonly force: boolean;
  /** Members of the object that count at this endpoint: not `status` on the main one. */
  readonly counts: (member: string) => boolean;
}

export type Applied =
  /** `object` has its new managedFields; it is `live` itself where nothing changes. */
  | { readonly kind: 'applied'; readonly object: JsonObject }
  | { readonly kind: 'conflicts'; readonly conflicts: readonly Conflict[] }
  /** The configuration does not fit the type. */
  | { readonly kind: 'wrong'; readonly problems: readonly string[] };

const UNOWNED: FieldSet = Object.freeze({
  'f:apiVersion': EMPTY_SET,
  'f:kind': EMPTY_SET,
  'f:metadata': Object.freeze({
    '.': EMPTY_SET,
    'f:creationTimestamp': EMPTY_SET,
    'f:generation': EMPTY_SET,
    'f:managedFields': EMPTY_SET,
    'f:name': EMPTY_SET,
    'f:namespace': EMPTY_SET,
    'f:resourceVersion': EMPTY_SET,
    'f:selfLink': EMPTY_SET,
    'f:uid': EMPTY_SET,
  }),
});

/** The manager that owns what was there before anybody applied. */
const BEFORE_FIRST_APPLY = 'before-first-apply';
/** Only kubectl's own appliers take over what its client-side apply owned. */
const KUBECTL = 'kubectl';

/**
 * Server-side apply: makes `live` say what `config` says, drops what the same manager applied before and does no more
 * unless somebody else owns it, and refuses to change what others own. A new object is applied to one that has nothing but
 * its identity.
 */
export function applyConfiguration(live: KubeObject, config: JsonObject, options: ApplyOptions): Applied {
  const { writer } = options;
  const declared = declaredFields(config, options.type);
  if (declared.problems.length > 0) return { kind: 'wrong', problems: declared.problems };
  const set = difference(onlyCounting(declared.set, options.counts), UNOWNED);
  const managed = managersBefore(live, options);
  let outcome = lay(live, config, set, managed, options);
  if (outcome.conflicts.length > 0 && !options.force) {
    const allowed = writer.manager === KUBECTL ? allowedByLastApplied(live, options.type) : EMPTY_SET;
    const left = outcome.conflicts.filter(({ path }) => !hasPath(allowed, path));
    if (left.length > 0) return { kind: 'conflicts', conflicts: left };
  }
  if (writer.manager === KUBECTL) outcome = { ...outcome, object: withLastApplied(outcome.object, config) };
  return { kind: 'applied', object: finished(live, outcome, managed) };
}

interface Outcome {
  readonly object: JsonObject;
  readonly managed: ManagedFields;
  readonly conflicts: readonly Conflict[];
}

/** Fields at or above the root of the type, without those of other endpoints. */
function onlyCounting(set: FieldSet, counts: (member: string) => boolean): FieldSet {
  return Object.fromEntries(Object.entries(set).filter(([element]) => counts(element.slice(2))));
}

/** Nobody owns anything of an object from before there were managers: its state is given to one that stands for all. */
function managersBefore(live: KubeObject, { type, writer }: ApplyOptions): ManagedFields {
  const managed = live.metadata.managedFields ?? [];
  if (managed.length > 0 || live.metadata.resourceVersion === undefined) return managed;
  const changes = compareObjects({}, live as unknown as JsonObject, type, () => true);
  return updatedManagers([], changes, { ...writer, manager: BEFORE_FIRST_APPLY, operation: 'Update', subresource: '' });
}

function lay(
  live: KubeObject,
  config: JsonObject,
  set: FieldSet,
  managed: ManagedFields,
  options: ApplyOptions,
): Outcome {
  const { type, writer, counts } = options;
  const own = managed.find((entry) => isEntryOf(entry, writer));
  const others = managed.filter((entry) => entry !== own);
  const merged = mergeApplied(live, config, type) as JsonObject;
  const object = own === undefined ? merged : pruned(merged, setOf(own), [set, ...others.map(setOf)], type);
  const { changed, removed } = compareObjects(live as unknown as JsonObject, object, type, counts);
  const conflicts: Conflict[] = [];
  const kept: ManagedFieldsEntry[] = [];
  for (const entry of others) {
    const taken = intersection(setOf(entry), changed);
    if (!isEmptySet(taken)) conflicts.push(...conflictsIn(entry, taken));
    const left = withSet(entry, difference(difference(setOf(entry), taken), removed));
    if (left !== undefined) kept.push(left);
  }
  if (isEmptySet(set)) return { object, managed: inOrder(kept), conflicts };
  // The time is that of the last change: applying the same once more leaves no trace.
  const isRepeated = own !== undefined && own.apiVersion === writer.apiVersion && equalSets(setOf(own), set);
  const mine = isRepeated && isEmptySet(changed) && isEmptySet(removed) ? own : entryOf(writer, set);
  return { object, managed: inOrder([...kept, mine]), conflicts };
}

/** Takes away what the manager applied last time and nobody states now. `claims` are the sets of all managers. */
function pruned(merged: JsonObject, last: FieldSet, claims: readonly FieldSet[], type: MergeType): JsonObject {
  const [current = EMPTY_SET] = claims;
  if (isEmptySet(difference(last, current))) return merged;
  const given = withNamedFields(last, type);
  const all = withNamedFields(fieldsOf(merged, type), type);
  const without = (set: FieldSet): JsonObject => (removeFields(merged, set, type) ?? {}) as JsonObject;
  const namedOf = (object: JsonObject): FieldSet => withNamedFields(fieldsOf(object, type), type);
  const claimed = claims.map((set) => withNamedFields(set, type)).reduce(union);
  // First everything of last time, then back what is claimed, and what stood below something that nobody gave up.
  const claimedLeft = without(difference(all, union(namedOf(without(given)), claimed)));
  return without(intersection(difference(all, namedOf(claimedLeft)), given));
}

function finished(live: KubeObject, { object, managed }: Outcome, before: ManagedFields): JsonObject {
  const metadata = object['metadata'] as JsonObject;
  const unchanged = deepEqual(managed, before) && before === live.metadata.managedFields;
  const next = { ...object, metadata: { ...metadata, managedFields: unchanged ? before : managed } };
  return unchanged && deepEqual(next, live) ? (live as unknown as JsonObject) : next;
}

function hasPath(set: FieldSet, path: readonly string[]): boolean {
  let node: FieldSet | undefined = set;
  for (const element of path) node = node?.[element];
  return node !== undefined && (isEmptySet(node) || '.' in node);
}
