import { deepEqual } from '../equal.ts';
import { isObject, valueAt } from '../patch/json-value.ts';
import { type FieldSet, type FieldSetBuilder, insert } from './field-set.ts';
import {
  knownType,
  type ListType,
  type MapType,
  memberTypeOf,
  DEDUCED,
  type MergeType,
  type StructType,
} from './merge-type.ts';
import { fieldElement, itemElement, NoIdentityError } from './path-element.ts';

export interface Changes {
  /** Fields that are new or have another value. */
  readonly changed: FieldSet;
  readonly removed: FieldSet;
}

/** Members of an object's metadata that nobody owns. */
const UNOWNED_METADATA: ReadonlySet<string> = new Set([
  'creationTimestamp',
  'generation',
  'managedFields',
  'name',
  'namespace',
  'resourceVersion',
  'selfLink',
  'uid',
]);

const UNOWNED: ReadonlySet<string> = new Set(['apiVersion', 'kind']);

type Members = Readonly<Record<string, unknown>>;

const EMPTY: Members = Object.freeze({});

/**
 * Which fields differ between two states of an object. What both share is passed over without a look, so the usual write,
 * which shares most with what it replaces, costs what it changes. `counts` says which members of the object take part.
 */
export function compareObjects(
  old: Members,
  next: Members,
  type: MergeType,
  counts: (member: string) => boolean,
): Changes {
  const walk = new Walk();
  if (type.kind !== 'struct') return walk.changes;
  for (const key of memberNames(old, next)) {
    if (UNOWNED.has(key) || !counts(key)) continue;
    const memberType = type.field(key) ?? DEDUCED;
    const embedded = type.embedded.includes(key) || key === 'metadata';
    const before = owned(key, old[key] ?? (embedded ? EMPTY : undefined));
    const after = owned(key, next[key] ?? (embedded ? EMPTY : undefined));
    walk.member(key, before, after, memberType);
  }
  return walk.changes;
}

function owned(key: string, value: unknown): unknown {
  if (key !== 'metadata' || !isObject(value)) return value;
  const metadata: Record<string, unknown> = {};
  for (const name in value) if (!UNOWNED_METADATA.has(name)) metadata[name] = value[name];
  return metadata;
}

function* memberNames(a: Members | undefined, b: Members | undefined): Generator<string> {
  if (a !== undefined) yield* Object.keys(a);
  if (b === undefined) return;
  for (const key of Object.keys(b)) if (a === undefined || !Object.hasOwn(a, key)) yield key;
}

/** `undefined` is absent throughout. */
class Walk {
  readonly #changed: FieldSetBuilder = {};
  readonly #removed: FieldSetBuilder = {};
  readonly #path: string[] = [];

  get changes(): Changes {
    return { changed: this.#changed, removed: this.#removed };
  }

  member(key: string, old: unknown, next: unknown, type: MergeType): void {
    this.#below(fieldElement(key), old, next, type);
  }

  #below(element: string, old: unknown, next: unknown, type: MergeType): void {
    if (old === next) return;
    this.#path.push(element);
    this.#compare(old, next, type);
    this.#path.pop();
  }

  #compare(old: unknown, next: unknown, type: MergeType): void {
    const known = knownType(type, next ?? old);
    if (known.kind === 'scalar' || this.#isLeaf(old, next, known)) {
      this.#leaf(old, next);
      return;
    }
    if (known.kind === 'list') this.#lists(old as readonly unknown[], next as readonly unknown[], known);
    else this.#objects(old as Members | undefined, next as Members | undefined, known);
    if (old === undefined) insert(this.#changed, this.#path);
    else if (next === undefined) insert(this.#removed, this.#path);
  }

  /** One unit, both empty, or not of the same nature. */
  #isLeaf(old: unknown, next: unknown, type: StructType | MapType | ListType): boolean {
    if (type.kind === 'list') {
      if (type.list === 'atomic' || !isListOrAbsent(old) || !isListOrAbsent(next)) return true;
      return (old?.length ?? 0) === 0 && (next?.length ?? 0) === 0;
    }
    if (type.atomic || !isObjectOrAbsent(old) || !isObjectOrAbsent(next)) return true;
    return isEmptyOrAbsent(old) && isEmptyOrAbsent(next) && !this.#hasEmbedded(old, next, type);
  }

  /** An item that comes or goes brings the fields that it holds by value with it. */
  #hasEmbedded(old: unknown, next: unknown, type: StructType | MapType): boolean {
    return type.kind === 'struct' && type.embedded.length > 0 && (old === undefined) !== (next === undefined);
  }

  #leaf(old: unknown, next: unknown): void {
    if (old === undefined) insert(this.#changed, this.#path);
    else if (next === undefined) insert(this.#removed, this.#path);
    else if (!deepEqual(old, next)) insert(this.#changed, this.#path);
  }

  #objects(old: Members | undefined, next: Members | undefined, type: StructType | MapType): void {
    const embedded = type.kind === 'struct' ? type.embedded : [];
    for (const key of memberNames(old, next)) {
      if (embedded.includes(key)) continue;
      const memberType = memberTypeOf(type, key) ?? DEDUCED;
      this.member(key, held(old, key, memberType), held(next, key, memberType), memberType);
    }
    for (const key of embedded) {
      const before = old === undefined ? undefined : (at(old, key) ?? EMPTY);
      const after = next === undefined ? undefined : (at(next, key) ?? EMPTY);
      this.member(key, before, after, memberTypeOf(type, key) ?? DEDUCED);
    }
  }

  #lists(old: readonly unknown[] | undefined, next: readonly unknown[] | undefined, type: ListType): void {
    const before = byElement(old ?? [], type);
    const after = byElement(next ?? [], type);
    for (const [element, item] of before) this.#below(element, item, after.get(element), type.item);
    for (const [element, item] of after) if (!before.has(element)) this.#below(element, undefined, item, type.item);
  }
}

const NO_ITEMS: readonly unknown[] = Object.freeze([]);

/** A member; of a list that every such object has, an empty one where there is none. */
function held(members: Members | undefined, key: string, type: MergeType): unknown {
  if (members === undefined) return undefined;
  return at(members, key) ?? (type.kind === 'list' && type.isHeld === true ? NO_ITEMS : undefined);
}

function at(members: Members | undefined, key: string): unknown {
  return members === undefined ? undefined : valueAt(members, key);
}

/** Of several items with one identity the last counts; those without any are left out, validation has refused them. */
function byElement(list: readonly unknown[], type: ListType): Map<string, unknown> {
  const items = new Map<string, unknown>();
  for (const item of list) {
    try {
      items.set(itemElement(type, item), item);
    } catch (error) {
      if (!(error instanceof NoIdentityError)) throw error;
    }
  }
  return items;
}

function isListOrAbsent(value: unknown): value is readonly unknown[] | undefined {
  return value === undefined || Array.isArray(value);
}

function isObjectOrAbsent(value: unknown): boolean {
  return value === undefined || isObject(value);
}

function isEmptyOrAbsent(value: unknown): boolean {
  for (const _ in value as object | undefined) return false;
  return true;
}
