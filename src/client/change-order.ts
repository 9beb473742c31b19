import type { Clock } from '#base/clock.ts';
import type { Log } from '#base/log.ts';
import { type KubeObject, objectKey, type ObjectMeta, type WatchEvent } from '#api/object.ts';
import { compareVersions } from './version.ts';

/** Objects that went of late, and lines in the log: enough to know an old tale, and not to drown in them. */
const MAX_REMEMBERED = 1000;
/** A server that lists the same for so long is right: somebody restored a backup. */
const GIVE_IN_MS = 5 * 60_000;
/** Of something without a name, to be known by. */
const MAX_TEXT = 200;

/** What is known of an object. */
export type Held = { readonly metadata: Pick<ObjectMeta, 'resourceVersion' | 'uid'> };

const CHANGES: ReadonlySet<unknown> = new Set(['ADDED', 'MODIFIED', 'DELETED']);

export interface ChangeOrderOptions {
  /** For the log: `services`. */
  readonly resource: string;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Tells news from tales: what a server says of an object counts only where it is newer than what is known of it. A replica
 * that is behind, or a stream that was put together wrong, would otherwise bring back what has long changed. Whatever
 * cannot be is said once for each object; what may have been missed along with it, the next list tells.
 */
export class ChangeOrder {
  readonly #options: ChangeOrderOptions;
  /** Keys of objects that went, and the version at which they did. */
  readonly #gone = new Map<string, string>();
  readonly #said = new Set<string>();
  #isDoubted = false;
  /** When lists began to say less than what is known. */
  #behindSince: number | undefined;
  #isListBehind = false;

  constructor(options: ChangeOrderOptions) {
    this.#options = options;
  }

  /** Something was said that cannot be: there may be more that was not said. */
  get isDoubted(): boolean {
    return this.#isDoubted;
  }

  /** Whether an event is one at all. */
  makesSense(event: object): boolean {
    const { type, object } = event as { readonly type?: unknown; readonly object?: Partial<KubeObject> | null };
    if (type === 'ERROR') return true;
    const { name, resourceVersion } = object?.metadata ?? {};
    const isNamed = type === 'BOOKMARK' || (CHANGES.has(type) && typeof name === 'string');
    if (isNamed && typeof resourceVersion === 'string') return true;
    this.#doubt('event', 'makes no sense', { text: excerpt(event) });
    return false;
  }

  /** Whether an item of a list is anything at all. */
  isNamed(item: unknown): boolean {
    const { metadata } = (item ?? {}) as Partial<KubeObject>;
    if (typeof metadata?.name === 'string') return true;
    // Not doubted: another list would say the same.
    this.#say('warn', 'item', 'without a name', { text: excerpt(item) });
    return false;
  }

  /** Whether an event is news. */
  admits(type: WatchEvent['type'], object: KubeObject, held: Held | undefined): boolean {
    const key = objectKey(object);
    const { resourceVersion: version, uid } = object.metadata;
    const known = held === undefined ? this.#gone.get(key) : held.metadata.resourceVersion;
    const order = version !== undefined && version === known ? 0 : (compareVersions(version, known) ?? 1);
    const isSame = held?.metadata.uid === uid;
    // Not every server says at which version an object went: the last one that it had will do.
    if (order < 0 || (order === 0 && !(type === 'DELETED' && isSame))) {
      this.#doubt(key, `${type} is old`, { version, known });
      return false;
    }
    if (held === undefined && type !== 'ADDED') this.#doubt(key, `${type} without ADDED`, { version });
    if (held !== undefined && type === 'ADDED' && isSame) this.#doubt(key, 'ADDED twice', { version, known });
    return true;
  }

  /** Whether a list is as new as what is known. */
  admitsList(version: string | undefined, known: string | undefined): boolean {
    return this.#admitsListed('list', version, known);
  }

  /** Whether an item of a list is, as far as that is known. */
  admitsItem(item: KubeObject, held: Held | undefined): boolean {
    const key = objectKey(item);
    const known = held === undefined ? this.#gone.get(key) : held.metadata.resourceVersion;
    return this.#admitsListed(key, item.metadata.resourceVersion, known);
  }

  /** A list is asked for. */
  list(): void {
    this.#isListBehind = false;
  }

  /** All of it was told. */
  listed(): void {
    if (this.#isListBehind) return;
    this.#isDoubted = false;
    this.#behindSince = undefined;
  }

  /** Where a stream is that was at `known` and tells of `name` now: it never goes back. */
  later(name: string, version: string, known: string | undefined): string {
    if (known === undefined || (compareVersions(version, known) ?? 1) >= 0) return version;
    this.#doubt(name, 'out of order', { version, known });
    return known;
  }

  /** An object went. */
  went(key: string, version: string | undefined): void {
    this.#gone.delete(key);
    if (version === undefined) return;
    this.#gone.set(key, version);
    const [oldest] = this.#gone.keys();
    if (this.#gone.size > MAX_REMEMBERED && oldest !== undefined) this.#gone.delete(oldest);
  }

  /** An object is there. */
  came(key: string): void {
    this.#gone.delete(key);
  }

  #admitsListed(name: string, version: string | undefined, known: string | undefined): boolean {
    if ((compareVersions(version, known) ?? 0) >= 0) return true;
    const now = this.#options.clock.monotonic();
    this.#behindSince ??= now;
    if (now - this.#behindSince >= GIVE_IN_MS) {
      this.#say('error', name, 'the server insists on an older state, which is followed from here on', {
        version,
        known,
      });
      return true;
    }
    this.#isListBehind = true;
    this.#doubt(name, 'listed as it was before', { version, known });
    return false;
  }

  #doubt(name: string, because: string, details: Readonly<Record<string, string | undefined>>): void {
    this.#isDoubted = true;
    this.#say('warn', name, because, details);
  }

  #say(
    level: 'warn' | 'error',
    name: string,
    because: string,
    details: Readonly<Record<string, string | undefined>>,
  ): void {
    const line = `${name} ${because} ${details['text']}`;
    if (this.#said.has(line) || this.#said.size >= MAX_REMEMBERED) return;
    this.#said.add(line);
    const { resource, log } = this.#options;
    log[level]('the API server says what cannot be', { resource, name, because, ...details });
  }
}

function excerpt(value: unknown): string {
  return JSON.stringify(value).slice(0, MAX_TEXT);
}
