import type { KubeObject } from '#api/object.ts';

/** Splits the text of an object right behind the opening of its metadata, where the resourceVersion goes. */
const METADATA_OPENING = '"metadata":{';

/**
 * One object as the cache holds it. The store keeps it without a resourceVersion, which is only known once it is
 * written; here it is complete, and its JSON is made once, on first use, out of the stored text, whose place it takes: the
 * texts are most of what a large cluster weighs.
 */
export class StoredObject<T extends KubeObject = KubeObject> {
  readonly object: T;
  /** `namespace/name` or `name`. */
  readonly key: string;
  readonly revision: number;
  #text: string;
  #isComplete = false;

  /** `stored` as `encodeObject` makes it. */
  constructor(key: string, object: T, stored: string, revision: number) {
    this.key = key;
    this.object = object;
    this.revision = revision;
    this.#text = stored;
  }

  get text(): string {
    if (!this.#isComplete) {
      this.#text = withRevision(this.#text, this.revision);
      this.#isComplete = true;
    }
    return this.#text;
  }

  /** The same object as a later revision shows it, for events that report its deletion. */
  at(revision: number): StoredObject<T> {
    const stored = this.#isComplete ? withoutRevision(this.#text) : this.#text;
    return new StoredObject(this.key, setRevision(this.object, revision), stored, revision);
  }
}

/** The text for the store: no resourceVersion, and metadata in front, where `withRevision` finds it. */
export function encodeObject(object: KubeObject): string {
  const { kind, apiVersion, metadata, ...rest } = object;
  const text = JSON.stringify({ kind, apiVersion, metadata: { ...metadata, resourceVersion: undefined }, ...rest });
  return kind === 'ControllerRevision' ? escapedAsInGo(text) : text;
}

/** `kubectl rollout undo` compares the bytes of a revision with those that it makes itself. */
function escapedAsInGo(text: string): string {
  return text.replaceAll(/[&<>\u2028\u2029]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
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

/** Undoes `withRevision`. */
function withoutRevision(text: string): string {
  const at = text.indexOf(METADATA_OPENING) + METADATA_OPENING.length;
  const end = text.indexOf('"', at + '"resourceVersion":"'.length) + 1;
  return text.slice(0, at) + text.slice(text[end] === ',' ? end + 1 : end);
}

/** Stops at what is frozen already: objects are built from frozen parts of others. */
export function freezeDeep<T>(value: T): T {
  if (typeof value === 'object' && value !== null) freezeObject(value);
  return value;
}

/** Most members are texts and numbers, which are not worth a call. */
function freezeObject(value: object): void {
  if (Object.isFrozen(value)) return;
  if (Array.isArray(value)) {
    for (const item of value as readonly unknown[]) if (typeof item === 'object' && item !== null) freezeObject(item);
  } else {
    for (const key in value) {
      const member: unknown = (value as Readonly<Record<string, unknown>>)[key];
      if (typeof member === 'object' && member !== null) freezeObject(member);
    }
  }
  Object.freeze(value);
}
