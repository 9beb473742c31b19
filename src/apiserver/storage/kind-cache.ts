import type { Clock } from '#base/clock.ts';
import { SortedKeys } from '#store/sorted-keys.ts';
import type { StoredObject } from './stored-object.ts';

/** What happened to one object; `previous` is what it was before. */
export interface Change {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly revision: number;
  /** For DELETED: the last state, at the revision of the deletion. */
  readonly current: StoredObject;
  readonly previous: StoredObject | undefined;
}

export type ChangeListener = (change: Change) => void;

/** Changes are remembered for so long, for watches that come back and for pages of lists: as long as etcd's are. */
export const HISTORY_MS = 300_000;
/** And no more of them than this; when there are, only half is kept, so that a write costs the same on average. */
const MAX_HISTORY = 8_192;
/** What is too old is looked for when the history has grown by so much. */
const TRIM_EVERY = 128;

interface Remembered {
  readonly change: Change;
  readonly at: number;
}

/**
 * All objects of one kind, in the order of their keys, with the last changes. Reads never leave memory. A state of the
 * recent past is had by undoing the changes after it.
 */
export class KindCache {
  readonly prefix: string;
  readonly #objects = new Map<string, StoredObject>();
  readonly #keys = new SortedKeys();
  readonly #listeners = new Set<ChangeListener>();
  readonly #clock: Clock;
  /** In the order of revisions. */
  #history: Remembered[] = [];
  #sinceTrim = 0;
  /** Changes at and before this revision are not remembered. */
  #floor: number;

  constructor(prefix: string, floor: number, clock: Clock) {
    this.prefix = prefix;
    this.#clock = clock;
    this.#floor = floor;
  }

  get size(): number {
    return this.#objects.size;
  }

  get(key: string): StoredObject | undefined {
    return this.#objects.get(key);
  }

  /** Objects whose key begins with `scope` (`namespace/`, or '' for all) and comes at or after `start`. */
  *list(scope: string = '', start: string = scope): Generator<StoredObject, void, undefined> {
    for (const key of this.#keys.from(start)) {
      if (!key.startsWith(scope)) return;
      const found = this.#objects.get(key);
      if (found !== undefined) yield found;
    }
  }

  /** Puts in what was in the store at start; no event tells of it. */
  load(object: StoredObject): void {
    this.#objects.set(object.key, object);
    this.#keys.add(object.key);
  }

  apply(change: Change): void {
    const { key } = change.current;
    if (change.type === 'DELETED') {
      this.#objects.delete(key);
      this.#keys.delete(key);
    } else {
      this.#objects.set(key, change.current);
      if (change.previous === undefined) this.#keys.add(key);
    }
    this.#history.push({ change, at: this.#clock.monotonic() });
    if (++this.#sinceTrim >= TRIM_EVERY) this.#trim();
    for (const listener of this.#listeners) listener(change);
  }

  /** What happened after `revision`, or undefined when that is no longer known. */
  since(revision: number): readonly Change[] | undefined {
    if (revision < this.#floor) return undefined;
    return this.#history.slice(this.#indexAfter(revision)).map(({ change }) => change);
  }

  /** The oldest revision that `since` and `listAt` still know. */
  get floor(): number {
    return this.#floor;
  }

  /** The objects as they were at `revision`, or undefined when that is no longer known. */
  listAt(revision: number, scope: string, start: string): Iterable<StoredObject> | undefined {
    const changes = this.since(revision);
    if (changes === undefined) return undefined;
    if (changes.length === 0) return this.list(scope, start);
    // The oldest change of each key after the revision holds what the key was at the revision.
    const before = new Map<string, StoredObject | undefined>();
    for (const { current, previous } of changes) if (!before.has(current.key)) before.set(current.key, previous);
    const objects = [...this.list(scope, start)].filter(({ key }) => !before.has(key));
    for (const [key, object] of before) {
      if (object !== undefined && key.startsWith(scope) && key >= start) objects.push(object);
    }
    return objects.sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  subscribe(listener: ChangeListener): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => this.#listeners.delete(listener) };
  }

  #trim(): void {
    this.#sinceTrim = 0;
    const oldest = this.#clock.monotonic() - HISTORY_MS;
    const young = this.#history.findIndex(({ at }) => at >= oldest);
    const tooMany = this.#history.length > MAX_HISTORY ? this.#history.length - MAX_HISTORY / 2 : 0;
    const dropped = Math.max(young, tooMany);
    if (dropped <= 0) return;
    this.#floor = this.#history[dropped - 1]?.change.revision ?? this.#floor;
    this.#history = this.#history.slice(dropped);
  }

  #indexAfter(revision: number): number {
    let low = 0;
    let high = this.#history.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#history[middle]?.change.revision ?? 0) <= revision) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
