import { randomInt } from 'node:crypto';
import { Bitmap } from './bitmap.ts';

/** A random integer in [0, bound). */
export type RandomSource = (bound: number) => number;

export interface BandPoolOptions {
  readonly size: number;
  /** Numbers below this are left to those who ask for one by number, until no other is free (KEP-3070, KEP-3668). */
  readonly reserved: number;
  /** @default from node:crypto */
  readonly random?: RandomSource | undefined;
}

/** The numbers [0, size), each free or taken, in a band for asking and one for being given. */
export class BandPool {
  readonly size: number;
  readonly #reserved: number;
  readonly #random: RandomSource;
  readonly #taken: Bitmap;
  /** Kept by band, so that a full one is not searched. */
  #lowFree: number;
  #highFree: number;

  constructor({ size, reserved, random }: BandPoolOptions) {
    this.size = size;
    this.#reserved = Math.min(reserved, size);
    this.#random = random ?? ((bound) => randomInt(bound));
    this.#taken = new Bitmap(size);
    this.#lowFree = this.#reserved;
    this.#highFree = size - this.#reserved;
  }

  get free(): number {
    return this.#lowFree + this.#highFree;
  }

  has(index: number): boolean {
    return this.#taken.has(index);
  }

  /** False when it was taken already. */
  take(index: number): boolean {
    if (this.#taken.has(index)) return false;
    this.#taken.set(index);
    this.#count(index, -1);
    return true;
  }

  /** False when it was free already. */
  release(index: number): boolean {
    if (!this.#taken.has(index)) return false;
    this.#taken.clear(index);
    this.#count(index, 1);
    return true;
  }

  /** A free number from the upper band, or if that is full from the lower; undefined when nothing is free. */
  next(): number | undefined {
    if (this.#highFree > 0) return this.#search(this.#reserved, this.size);
    if (this.#lowFree > 0) return this.#search(0, this.#reserved);
    return undefined;
  }

  /** From a random start onwards and round: neighbours given in a row say little about who has which. */
  #search(from: number, to: number): number | undefined {
    const start = from + this.#random(to - from);
    const found = this.#taken.firstClear(start, to);
    const index = found >= 0 ? found : this.#taken.firstClear(from, start);
    return index < 0 ? undefined : index;
  }

  #count(index: number, change: number): void {
    if (index < this.#reserved) this.#lowFree += change;
    else this.#highFree += change;
  }
}
