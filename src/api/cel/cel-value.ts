import type { Ip } from '#base/ip.ts';
import type { CelType } from './cel-type.ts';

/** int is a bigint, double a number. */
export type CelValue =
  | boolean
  | bigint
  | number
  | string
  | null
  | Uint8Array
  | CelUint
  | CelDuration
  | CelTimestamp
  | CelList
  | CelMap
  | CelObject
  | CelOptional
  | CelTypeValue
  | CelOpaque;

export class CelUint {
  readonly value: bigint;
  constructor(value: bigint) {
    this.value = value;
  }
}

export class CelDuration {
  readonly nanos: bigint;
  constructor(nanos: bigint) {
    this.nanos = nanos;
  }
}

export class CelTimestamp {
  /** Since 1970. */
  readonly nanos: bigint;
  constructor(nanos: bigint) {
    this.nanos = nanos;
  }
}

/** How the items of a list are told apart when it is compared or added to. */
export type ListIdentity =
  | { readonly kind: 'set' }
  | { readonly kind: 'keys'; readonly keyOf: (item: CelValue) => string };

/** Items are made when they are asked for: a rule seldom looks at all of a large object. */
export class CelList {
  readonly size: number;
  readonly identity: ListIdentity | undefined;
  readonly #item: (index: number) => CelValue;

  constructor(size: number, item: (index: number) => CelValue, identity?: ListIdentity) {
    this.size = size;
    this.#item = item;
    this.identity = identity;
  }

  static of(items: readonly CelValue[]): CelList {
    return new CelList(items.length, (index) => items[index] ?? null);
  }

  at(index: number): CelValue {
    return this.#item(index);
  }

  *[Symbol.iterator](): IterableIterator<CelValue> {
    for (let index = 0; index < this.size; index++) yield this.#item(index);
  }
}

export interface CelMap {
  readonly kind: 'map';
  readonly size: number;
  keys(): Iterable<CelValue>;
  get(key: CelValue): CelValue | undefined;
}

/** A JSON object whose keys all have values of one type. */
export class TextMap implements CelMap {
  readonly kind = 'map';
  readonly #object: Readonly<Record<string, unknown>>;
  readonly #value: (raw: unknown) => CelValue;

  constructor(object: Readonly<Record<string, unknown>>, value: (raw: unknown) => CelValue) {
    this.#object = object;
    this.#value = value;
  }

  get size(): number {
    return Object.keys(this.#object).length;
  }

  keys(): string[] {
    return Object.keys(this.#object);
  }

  get(key: CelValue): CelValue | undefined {
    if (typeof key !== 'string' || !Object.hasOwn(this.#object, key)) return undefined;
    return this.#value(this.#object[key]);
  }
}

/** A map that an expression makes. Keys that are the same number are the same key. */
export class EntryMap implements CelMap {
  readonly kind = 'map';
  readonly #entries = new Map<string, readonly [CelValue, CelValue]>();

  get size(): number {
    return this.#entries.size;
  }

  keys(): CelValue[] {
    return [...this.#entries.values()].map(([key]) => key);
  }

  get(key: CelValue): CelValue | undefined {
    return this.#entries.get(keyText(key))?.[1];
  }

  /** False when the key is there already. */
  add(key: CelValue, value: CelValue): boolean {
    const text = keyText(key);
    if (this.#entries.has(text)) return false;
    this.#entries.set(text, [key, value]);
    return true;
  }
}

function keyText(key: CelValue): string {
  if (key instanceof CelUint) return `#${key.value}`;
  if (typeof key === 'bigint') return `#${key}`;
  if (typeof key === 'number') return Number.isInteger(key) ? `#${BigInt(key)}` : `#${key}`;
  return typeof key === 'string' ? `"${key}` : JSON.stringify(key);
}

/** An object with fields of their own types; `read` is undefined for one that is not there. */
export class CelObject {
  readonly kind = 'object';
  readonly type: CelType;
  readonly raw: Readonly<Record<string, unknown>>;
  readonly #read: (field: string) => CelValue | undefined;

  constructor(type: CelType, raw: Readonly<Record<string, unknown>>, read: (field: string) => CelValue | undefined) {
    this.type = type;
    this.raw = raw;
    this.#read = read;
  }

  get(field: string): CelValue | undefined {
    return this.#read(field);
  }
}

export class CelOptional {
  static readonly none: CelOptional = new CelOptional(undefined);
  readonly value: CelValue | undefined;
  constructor(value: CelValue | undefined) {
    this.value = value;
  }
}

export class CelTypeValue {
  readonly type: CelType;
  constructor(type: CelType) {
    this.type = type;
  }
}

/** A version by SemVer 2. */
export interface Semver {
  readonly numbers: readonly [bigint, bigint, bigint];
  readonly before: readonly string[];
  readonly build: string;
}

export interface NamedFormat {
  readonly name: string;
  readonly maxPattern: number;
  readonly check: (text: string) => readonly string[];
}

/** Unlike a block of a route, it keeps its host bits. */
export interface Network {
  readonly ip: Ip;
  readonly prefix: number;
}

interface Amount {
  readonly nanos: bigint;
}

/** What Kubernetes adds to the language. */
export type CelOpaque =
  | { readonly kind: 'Quantity'; readonly of: Amount }
  | { readonly kind: 'URL'; readonly of: URL }
  | { readonly kind: 'IP'; readonly of: Ip }
  | { readonly kind: 'CIDR'; readonly of: Network }
  | { readonly kind: 'Format'; readonly of: NamedFormat }
  | { readonly kind: 'Semver'; readonly of: Semver };

export function isMap(value: CelValue): value is CelMap {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'map';
}
