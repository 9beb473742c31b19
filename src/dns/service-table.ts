import { randomInt } from 'node:crypto';
import { NumberIndex } from './number-index.ts';
import type { ServiceEntry } from './service-entry.ts';

/** Odd, and another one in each process: who names Services cannot choose names that are all found in one place. */
const MULTIPLIER = 2 * randomInt(2 ** 30, 2 ** 31) + 1;

/**
 * Services by how their names begin. Each question looks here, and of a large cluster nearly every step misses the processor's
 * caches: of 10,000 Services this finds one in 0.2 us less than a Map, being half of its size and needing no string of the
 * beginning of a name.
 */
export class ServiceTable {
  readonly #numbers = new NumberIndex();
  /** By their numbers, of which those of Services that are gone are taken again. */
  readonly #entries: (ServiceEntry | undefined)[] = [];
  readonly #free: number[] = [];

  /** The one whose key is the first `length` characters of the name. */
  find(name: string, length: number = name.length): ServiceEntry | undefined {
    const number = this.#numberOf(name, length);
    return number === undefined ? undefined : this.#entries[number];
  }

  /** One that is not there yet. */
  add(entry: ServiceEntry): void {
    const number = this.#free.pop() ?? this.#entries.length;
    this.#entries[number] = entry;
    this.#numbers.add(hashOf(entry.key, entry.key.length), number);
  }

  remove({ key }: ServiceEntry): void {
    const number = this.#numberOf(key, key.length);
    if (number === undefined) return;
    this.#numbers.remove(hashOf(key, key.length), number);
    this.#entries[number] = undefined;
    this.#free.push(number);
  }

  *[Symbol.iterator](): Iterator<ServiceEntry> {
    for (const entry of this.#entries) if (entry !== undefined) yield entry;
  }

  #numberOf(name: string, length: number): number | undefined {
    return this.#numbers.find(hashOf(name, length), (number) => {
      const key = this.#entries[number]?.key;
      return key?.length === length && name.startsWith(key);
    });
  }
}

function hashOf(name: string, length: number): number {
  let hash = 0;
  for (let i = 0; i < length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), MULTIPLIER);
  return hash >>> 0;
}
