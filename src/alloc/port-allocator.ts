import { alreadyAllocated, portNotInRange, rangeFull } from './alloc-error.ts';
import { BandPool, type RandomSource } from './band-pool.ts';
import type { Pool } from './pool.ts';

/** Both ends included. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

export const DEFAULT_NODE_PORTS: PortRange = { first: 30000, last: 32767 };

/** Parses `30000-32767`, or returns undefined. */
export function parsePortRange(text: string): PortRange | undefined {
  const [, first = '', last = ''] = /^(\d{1,5})-(\d{1,5})$/.exec(text) ?? [];
  const range = { first: Number(first), last: Number(last) };
  return first !== '' && range.first >= 1 && range.first <= range.last && range.last <= 65535 ? range : undefined;
}

export function formatPortRange(range: PortRange): string {
  return `${range.first}-${range.last}`;
}

/** Node ports, health check node ports among them, by KEP-3668. In memory only, as `IpAllocator`. */
export class PortAllocator implements Pool<number> {
  readonly range: PortRange;
  readonly #pool: BandPool;

  constructor(range: PortRange = DEFAULT_NODE_PORTS, options: { readonly random?: RandomSource } = {}) {
    const size = range.last - range.first + 1;
    this.range = range;
    this.#pool = new BandPool({ size, reserved: staticBand(size), random: options.random });
  }

  get free(): number {
    return this.#pool.free;
  }

  get size(): number {
    return this.#pool.size;
  }

  has(port: number): boolean {
    return this.#contains(port) && this.#pool.has(port - this.range.first);
  }

  allocate(port: number): void {
    this.#checkRange(port);
    if (!this.#pool.take(port - this.range.first)) throw alreadyAllocated('port');
  }

  allocateNext(): number {
    const port = this.tryAllocateNext();
    this.#pool.take(port - this.range.first);
    return port;
  }

  release(port: number): void {
    if (this.#contains(port)) this.#pool.release(port - this.range.first);
  }

  tryAllocate(port: number): void {
    this.#checkRange(port);
    if (this.has(port)) throw alreadyAllocated('port');
  }

  tryAllocateNext(): number {
    const index = this.#pool.next();
    if (index === undefined) throw rangeFull();
    return this.range.first + index;
  }

  #contains(port: number): boolean {
    return Number.isInteger(port) && port >= this.range.first && port <= this.range.last;
  }

  #checkRange(port: number): void {
    if (!this.#contains(port)) throw portNotInRange(formatPortRange(this.range));
  }
}

/** KEP-3668: min(max(16, size / 32), 128) ports, none of a range of 16 or less. */
function staticBand(size: number): number {
  return size <= 16 ? 0 : Math.min(Math.max(16, Math.floor(size / 32)), 128);
}
