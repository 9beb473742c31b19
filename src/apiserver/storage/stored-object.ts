import { type KubeObject } from '#api/object.ts';

/** Splits the text of an object right behind the opening of its metadata, where the resourceVersion goes. */
const METADATA_OPENING = '"metadata":{';

/**
 * One object as the cache holds it. The store keeps it without a resourceVersion, which is only known once it is
 * written; here it is complete, and its JSON is made once, on first use, from the stored text.
 */
export class StoredObject<T extends KubeObject = KubeObject> {
  readonly object: T;
  /** `namespace/name` or `name`. */
  readonly key: string;
  readonly revision: number;
  readonly #stored: string;
  #text: string | undefined;

  constructor(key: string, object: T, stored: string, revision: number) {
    this.key = key;
    this.object = object;
    this.revision = revision;
    this.#stored = stored;
  }

  get text(): string {
    this.#text ??= withRevision(this.#stored, this.revision);
    return this.#text;
  }

  /** The same object as a later revision shows it, for events that report its deletion. */
  at(revision: number): StoredObject<T> {
    return new StoredObject(this.key, setRevision(this.object, revision), this.#stored, revision);
  }
}

/** The text for the store: no resourceVersion, and metadata in front, where `withRevision` finds it. */
export function encodeObject(object: KubeObject): string {
  const { kind, apiVersion, metadata, ...rest } = object;
  return JSON.stringify({ kind, apiVersion, metadata: { ...metadata, resourceVersion: undefined }, ...rest });
}

/** Freezes all of `object`, which must be fresh, and gives it its resourceVersion. */
export function completeObject<T extends KubeObject>(object: T, revision: number): T {
  return setRevision(freezeDeep(object), revision);
}

export function decodeObject(stored: string, revision: number): KubeObject {
  return completeObject(JSON.parse(stored) as KubeObject, revision);
}

function setRevision<T extends KubeObject>(object: T, revision: number): T {
  const metadata = Object.freeze({ ...object.metadata, resourceVersion: String(revision) });
  return Object.freeze({ ...object, metadata });
}

function withRevision(stored: string, revision: number): string {
  // kind and apiVersion come first and cannot hold a quote, so the first match is the object's own metadata.
  const at = stored.indexOf(METADATA_OPENING) + METADATA_OPENING.length;
  const comma = stored[at] === '}' ? '' : ',';
  return `${stored.slice(0, at)}"resourceVersion":"${revision}"${comma}${stored.slice(at)}`;
}

/** Stops at what is frozen already: objects are built from frozen parts of others. */
export function freezeDeep<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const key in value) freezeDeep(value[key]);
  return Object.freeze(value);
}
