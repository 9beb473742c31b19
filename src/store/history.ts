import { rowId, rowRevision } from './row-id.ts';
import { SortedKeys } from './sorted-keys.ts';
import { CompactedError, storeError } from './store-error.ts';
import type { Entry, RangeOptions, RangeResult, RevisionEvents, StoreEvent } from './store.ts';

/** A row as it is stored: `value` is null for a deletion. */
export type StoredRow = readonly [id: number, key: string, createRevision: number, value: string | null];

/** One state of a key, newest first: `older` leads back to the oldest that is kept. */
interface Version {
  readonly event: StoreEvent;
  readonly rowId: number;
  older: Version | undefined;
}

/**
 * All that the store knows, in memory: every key's versions back to the compacted revision, and the log of the
 * transactions since. Pure data structure; who appends has made the change durable already.
 */
export class History {
  readonly #heads = new Map<string, Version>();
  /** Of all heads, those of deleted keys included until they are compacted away. */
  readonly #keys = new SortedKeys();
  /** The revisions #first .. #revision, no gap. */
  readonly #log: RevisionEvents[] = [];
  #revision = 1;
  #compacted = 0;

  get revision(): number {
    return this.#revision;
  }

  /** The oldest revision that can be read; 0 as long as nothing was compacted. */
  get compacted(): number {
    return this.#compacted;
  }

  /** Of the log. Revision 1 is the empty store and no transaction. */
  get #first(): number {
    return Math.max(this.#compacted, 1) + 1;
  }

  get(key: string, revision?: number): Entry | undefined {
    if (revision === undefined) return alive(this.#heads.get(key));
    this.#checkReadable(revision);
    return alive(versionAt(this.#heads.get(key), revision));
  }

  range(prefix: string, options: RangeOptions = {}): RangeResult {
    const revision = options.revision ?? this.#revision;
    this.#checkReadable(revision);
    const limit = options.limit ?? Number.POSITIVE_INFINITY;
    const { after } = options;
    // NUL is the least character: nothing sorts between the key and this.
    const start = after !== undefined && after >= prefix ? `${after}\0` : prefix;
    const entries: Entry[] = [];
    let remaining = 0;
    for (const key of this.#keys.from(start)) {
      if (!key.startsWith(prefix)) break;
      const entry = alive(versionAt(this.#heads.get(key), revision));
      if (entry === undefined) continue;
      if (entries.length < limit) entries.push(entry);
      else remaining++;
    }
    return { entries, revision, more: remaining > 0, remaining };
  }

  /** What the transaction of this revision changed; undefined when it is still to come. */
  record(revision: number): RevisionEvents | undefined {
    if (revision <= this.#compacted) throw new CompactedError(revision - 1, this.#compacted);
    return revision < this.#first ? { revision, events: [] } : this.#log[revision - this.#first];
  }

  append(change: RevisionEvents): void {
    if (change.revision !== this.#revision + 1) {
      throw new RangeError(`Cannot append revision ${change.revision}: the next is ${this.#revision + 1}`);
    }
    change.events.forEach((event, slot) => this.#push(event, rowId(change.revision, slot)));
    this.#log.push(change);
    this.#revision = change.revision;
  }

  /** Forgets older states, and returns their rows, oldest first. */
  compact(revision: number): number[] {
    if (revision > this.#revision) throw futureRevision(revision, this.#revision);
    if (revision <= this.#compacted) return [];
    const dropped = this.#log.splice(0, revision - this.#first + 1);
    this.#compacted = revision;
    const keys = new Set(dropped.flatMap((record) => record.events.map((event) => event.entry.key)));
    return this.#forget(keys, revision);
  }

  /**
   * Reads back what is on disk, in order of rows; to be called on a new history. Returns the rows that a compaction had
   * not got round to deleting.
   */
  restore(rows: Iterable<StoredRow>, compacted: number): number[] {
    const old = new Set<string>();
    let events: StoreEvent[] = [];
    this.#compacted = compacted;
    this.#revision = Math.max(compacted, 1);
    for (const [id, key, createRevision, value] of rows) {
      const revision = rowRevision(id);
      const previous = alive(this.#heads.get(key));
      const event = eventOf(value, { key, value: value ?? '', createRevision, modRevision: revision }, previous);
      this.#push(event, id);
      if (revision <= compacted) {
        old.add(key);
      } else if (revision === this.#revision && this.#log.length > 0) {
        events.push(event);
      } else {
        this.#checkNext(revision);
        events = [event];
        this.#log.push({ revision, events });
        this.#revision = revision;
      }
    }
    return this.#forget(old, compacted);
  }

  #checkNext(revision: number): void {
    if (revision === this.#revision + 1) return;
    throw storeError(
      'ESTOREOPEN',
      `Cannot read the store: revision ${this.#revision + 1} is missing before ${revision}`,
    );
  }

  #push(event: StoreEvent, id: number): void {
    const { key } = event.entry;
    const older = this.#heads.get(key);
    if (older === undefined) this.#keys.add(key);
    this.#heads.set(key, { event, rowId: id, older });
  }

  /**
   * Oldest first matters to who deletes the rows in several steps: were the row of a deletion gone before that of the
   * value it deleted, a crash in between would bring the value back.
   */
  #forget(keys: Iterable<string>, revision: number): number[] {
    const rows: number[] = [];
    for (const key of keys) {
      let newer: Version | undefined;
      let kept = this.#heads.get(key);
      while (kept !== undefined && kept.event.entry.modRevision > revision) {
        newer = kept;
        kept = kept.older;
      }
      if (kept === undefined) continue;
      for (let gone = kept.older; gone !== undefined; gone = gone.older) rows.push(gone.rowId);
      kept.older = undefined;
      if (kept.event.kind === 'put') continue;
      rows.push(kept.rowId);
      if (newer === undefined) {
        this.#heads.delete(key);
        this.#keys.delete(key);
      } else {
        newer.older = undefined;
      }
    }
    return rows.sort((a, b) => a - b);
  }

  #checkReadable(revision: number): void {
    if (revision > this.#revision) throw futureRevision(revision, this.#revision);
    if (revision < this.#compacted) throw new CompactedError(revision, this.#compacted);
    if (revision < 1) throw new RangeError(`Cannot read at revision ${revision}: the first is 1`);
  }
}

function eventOf(value: string | null, entry: Entry, previous: Entry | undefined): StoreEvent {
  if (value === null) {
    const last = { ...entry, value: previous?.value ?? '' };
    return previous === undefined ? { kind: 'delete', entry: last } : { kind: 'delete', entry: last, previous };
  }
  return previous === undefined ? { kind: 'put', entry } : { kind: 'put', entry, previous };
}

function versionAt(head: Version | undefined, revision: number): Version | undefined {
  let version = head;
  while (version !== undefined && version.event.entry.modRevision > revision) version = version.older;
  return version;
}

function alive(version: Version | undefined): Entry | undefined {
  return version?.event.kind === 'put' ? version.event.entry : undefined;
}

function futureRevision(revision: number, current: number): Error {
  return storeError('EFUTUREREVISION', `Cannot use revision ${revision}: the store is at ${current}`);
}
