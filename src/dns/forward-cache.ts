import type { UpstreamAnswer } from './upstream-answer.ts';

export interface CacheEntry {
  readonly answer: UpstreamAnswer;
  /** Monotonic milliseconds. */
  readonly storedAt: number;
  readonly expiresAt: number;
  /** When it was last asked for anew, in vain or not yet in vain. */
  refreshedAt: number;
}

export interface ForwardCacheOptions {
  /** Bytes. @default 16 MiB */
  readonly maxBytes?: number | undefined;
  /** @default as many as there is room for */
  readonly maxEntries?: number | undefined;
  /** How long after its end an answer may still be given when no upstream answers (RFC 8767), ms. @default 1 h */
  readonly staleMs?: number | undefined;
}

export interface CacheCounts {
  readonly success: number;
  readonly denial: number;
}

/** What is in a cache now, and what there was no room for any more. */
export interface CacheFigures {
  readonly entries: CacheCounts;
  readonly evicted: CacheCounts;
}

/** Maps, keys and objects of one entry beside the bytes of the message, roughly. */
const ENTRY_BYTES = 600;

/** Answers of upstreams by question. Bounded in bytes; the least used go in halves. */
export class ForwardCache {
  readonly #half: number;
  readonly #halfEntries: number;
  readonly #staleMs: number;
  #young = new Map<string, CacheEntry>();
  #old = new Map<string, CacheEntry>();
  #youngBytes = 0;
  #evicted: CacheCounts = NOTHING;

  constructor(options: ForwardCacheOptions = {}) {
    const { maxBytes = 16 << 20, maxEntries = Number.POSITIVE_INFINITY, staleMs = 3_600_000 } = options;
    this.#half = maxBytes / 2;
    this.#halfEntries = Math.max(1, maxEntries / 2);
    this.#staleMs = staleMs;
  }

  figures(): CacheFigures {
    return { entries: plus(countsOf(this.#young), countsOf(this.#old)), evicted: this.#evicted };
  }

  /** Also one whose time is over, as long as it may be given when all else fails. */
  get(key: string, now: number): CacheEntry | undefined {
    let entry = this.#young.get(key);
    if (entry === undefined) {
      entry = this.#old.get(key);
      if (entry === undefined) return undefined;
      this.#old.delete(key);
      this.#put(key, entry);
    }
    if (now < entry.expiresAt + this.#staleMs) return entry;
    this.#young.delete(key);
    return undefined;
  }

  set(key: string, answer: UpstreamAnswer, now: number): void {
    this.#old.delete(key);
    this.#put(key, { answer, storedAt: now, expiresAt: now + answer.ttl * 1000, refreshedAt: now });
  }

  #put(key: string, entry: CacheEntry): void {
    const before = this.#young.get(key);
    this.#young.set(key, entry);
    this.#youngBytes += sizeOf(key, entry) - (before === undefined ? 0 : sizeOf(key, before));
    if (this.#youngBytes <= this.#half && this.#young.size <= this.#halfEntries) return;
    this.#evicted = plus(this.#evicted, countsOf(this.#old));
    this.#old = this.#young;
    this.#young = new Map();
    this.#youngBytes = 0;
  }
}

function sizeOf(key: string, { answer }: CacheEntry): number {
  return answer.bytes.length + 2 * key.length + ENTRY_BYTES;
}

const NOTHING: CacheCounts = Object.freeze({ success: 0, denial: 0 });

function countsOf(entries: ReadonlyMap<string, CacheEntry>): CacheCounts {
  let success = 0;
  for (const { answer } of entries.values()) if (answer.answers > 0) success++;
  return { success, denial: entries.size - success };
}

function plus(one: CacheCounts, other: CacheCounts): CacheCounts {
  return { success: one.success + other.success, denial: one.denial + other.denial };
}
