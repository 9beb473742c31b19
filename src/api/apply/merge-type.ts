/**
 * What server-side apply has to know of a type: what is one unit, and what tells the items of a list apart. Made of the
 * field table for built-in kinds and of the structural schema for custom ones.
 */
export type MergeType = ScalarType | StructType | MapType | ListType | DeducedType;

export interface ScalarType {
  readonly kind: 'scalar';
  readonly scalar: 'string' | 'numeric' | 'boolean' | 'untyped';
}

/** An object with known fields. */
export interface StructType {
  readonly kind: 'struct';
  /** Owned and replaced as a whole. */
  readonly atomic: boolean;
  /** The type of a field; undefined for a field that the type does not have. */
  readonly field: (name: string) => MergeType | undefined;
  /**
   * Fields that upstream holds by value and not by a pointer: they count as present and empty where they are absent, so
   * nobody owns them for the mere fact that they are there.
   */
  readonly embedded: readonly string[];
}

export interface MapType {
  readonly kind: 'map';
  readonly atomic: boolean;
  readonly item: MergeType;
}

export interface ListType {
  /** Held by value: an object that has none of it has an empty one. */
  readonly isHeld?: boolean;
  readonly kind: 'list';
  readonly list: 'atomic' | 'set' | 'map';
  /** Sorted; of a list of kind `map`. */
  readonly keys: readonly string[];
  /** What an item has under a key that it leaves out. */
  readonly keyDefaults: Readonly<Record<string, unknown>>;
  readonly item: MergeType;
}

/** A free-form value: objects by their members, lists as a whole. */
export interface DeducedType {
  readonly kind: 'deduced';
}

export type KnownType = Exclude<MergeType, DeducedType>;

export const DEDUCED: DeducedType = Object.freeze({ kind: 'deduced' });
export const UNTYPED: ScalarType = Object.freeze({ kind: 'scalar', scalar: 'untyped' });

const DEDUCED_MAP: MapType = Object.freeze({ kind: 'map', atomic: false, item: DEDUCED });
const DEDUCED_LIST: ListType = Object.freeze({
  kind: 'list',
  list: 'atomic',
  keys: [],
  keyDefaults: {},
  item: DEDUCED,
});

/** The type to treat a value by; free-form values are what they look like. */
export function knownType(type: MergeType, value: unknown): KnownType {
  if (type.kind !== 'deduced') return type;
  if (Array.isArray(value)) return DEDUCED_LIST;
  return typeof value === 'object' && value !== null ? DEDUCED_MAP : UNTYPED;
}

/** The type of what an object has at `key`; undefined where it may not have it. */
export function memberTypeOf(type: StructType | MapType, key: string): MergeType | undefined {
  return type.kind === 'map' ? type.item : type.field(key);
}

/** The type below a path element; free-form where nothing is known. */
export function typeBelow(type: MergeType, element: string): MergeType {
  switch (type.kind) {
    case 'struct':
    case 'map':
      return element.startsWith('f:') ? (memberTypeOf(type, element.slice(2)) ?? DEDUCED) : DEDUCED;
    case 'list':
      return type.item;
    case 'scalar':
    case 'deduced':
      return DEDUCED;
  }
}
