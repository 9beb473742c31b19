import { formatCidr, type Cidr } from '#base/cidr.ts';
import { formatIp, type Ip } from '#base/ip.ts';
import { alreadyAllocated, ipNotInRange, otherNetwork, rangeFull } from './alloc-error.ts';
import type { RandomSource } from './band-pool.ts';
import { IpAllocator } from './ip-allocator.ts';
import type { Pool } from './pool.ts';

export interface Block {
  readonly cidr: Cidr;
  /** What is taken out of a block that is not ready stays taken; nothing new is. */
  readonly ready: boolean;
}

interface Held {
  readonly allocator: IpAllocator;
  readonly ready: boolean;
}

/**
 * The addresses of one family over any number of blocks, which may overlap and which come and go. An address that is
 * taken is taken in all of them, and stays so when its block goes and another comes.
 */
export class IpSpace implements Pool<Ip> {
  readonly #random: RandomSource | undefined;
  readonly #taken = new Map<bigint, Ip>();
  #blocks: readonly Held[] = [];

  constructor(options: { readonly random?: RandomSource | undefined } = {}) {
    this.#random = options.random;
  }

  /** Addresses are given out of the first block as long as it has any. Two blocks of the same range are one. */
  setBlocks(blocks: readonly Block[]): void {
    const before = new Map(this.#blocks.map(({ allocator }) => [formatCidr(allocator.cidr), allocator]));
    const next = new Map<string, Held>();
    for (const { cidr, ready } of blocks) {
      const key = formatCidr(cidr);
      const allocator = next.get(key)?.allocator ?? before.get(key) ?? this.#newAllocator(cidr);
      next.set(key, { allocator, ready: ready || next.get(key)?.ready === true });
    }
    this.#blocks = [...next.values()];
  }

  get free(): number {
    return this.#ready().reduce((sum, allocator) => sum + allocator.free, 0);
  }

  has(ip: Ip): boolean {
    return this.#taken.has(ip.value);
  }

  /** Takes an address wherever it lies; what is taken already stays so. */
  hold(ip: Ip): void {
    if (this.#taken.has(ip.value)) return;
    this.#taken.set(ip.value, ip);
    for (const { allocator } of this.#blocks) if (allocator.covers(ip) && !allocator.has(ip)) allocator.allocate(ip);
  }

  allocate(ip: Ip): void {
    if (!this.#ready().some((allocator) => allocator.covers(ip))) throw otherNetwork();
    if (this.#taken.has(ip.value)) throw alreadyAllocated('IP');
    this.hold(ip);
  }

  allocateNext(): Ip {
    const allocator = this.#ready().find(({ free }) => free > 0);
    if (allocator === undefined) throw rangeFull();
    const ip = allocator.allocateNext();
    this.hold(ip);
    return ip;
  }

  release(ip: Ip): void {
    this.#taken.delete(ip.value);
    for (const { allocator } of this.#blocks) allocator.release(ip);
  }

  tryAllocate(ip: Ip): void {
    const ready = this.#ready();
    if (ready.some((allocator) => allocator.covers(ip))) return;
    // A dry run names the range where the write says that the networks do not match: kube-apiserver does as well.
    const [first] = ready;
    throw first === undefined ? otherNetwork() : ipNotInRange(formatIp(ip), formatCidr(first.cidr));
  }

  tryAllocateNext(): Ip {
    const [first] = this.#ready();
    if (first === undefined) throw rangeFull();
    return first.tryAllocateNext();
  }

  #ready(): readonly IpAllocator[] {
    return this.#blocks.filter(({ ready }) => ready).map(({ allocator }) => allocator);
  }

  #newAllocator(cidr: Cidr): IpAllocator {
    const allocator = new IpAllocator(cidr, this.#random === undefined ? {} : { random: this.#random });
    for (const ip of this.#taken.values()) if (allocator.covers(ip)) allocator.allocate(ip);
    return allocator;
  }
}
