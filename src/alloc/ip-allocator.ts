import { addressBits, cidrAddress, cidrContains, cidrSize, formatCidr, type Cidr } from '#base/cidr.ts';
import { formatIp, type Ip } from '#base/ip.ts';
import { alreadyAllocated, ipNotInRange, otherNetwork, rangeFull } from './alloc-error.ts';
import { BandPool, type RandomSource } from './band-pool.ts';
import type { Pool } from './pool.ts';

export interface IpAllocatorOptions {
  readonly random?: RandomSource;
}

/** A million addresses: 128 kB of bits. */
const MAX_HOST_BITS = 20;

/**
 * The addresses of one block, by KEP-3070: the network's own address is never given, nor IPv4 broadcast. In memory
 * only. Of a block larger than 2^20 the addresses behind those are had by asking for them, and never given otherwise.
 */
export class IpAllocator implements Pool<Ip> {
  readonly cidr: Cidr;
  readonly #pool: BandPool;
  /** Number of addresses that a Service may have. */
  readonly #usable: bigint;
  /** Those taken that lie behind the pool. */
  readonly #far = new Set<bigint>();

  constructor(cidr: Cidr, options: IpAllocatorOptions = {}) {
    this.cidr = cidr;
    const usable = cidrSize(cidr) - (cidr.family === 4 ? 2n : 1n);
    this.#usable = usable < 0n ? 0n : usable;
    this.#pool = new BandPool({ size: pooledAddresses(cidr), reserved: staticBand(cidr), random: options.random });
  }

  /** Of those that it gives by itself. */
  get free(): number {
    return this.#pool.free;
  }

  /** Of taken and free together. */
  get size(): number {
    return this.#pool.size;
  }

  /** Whether a Service may have this address of the block. */
  covers(ip: Ip): boolean {
    return this.#offsetOf(ip) !== undefined;
  }

  has(ip: Ip): boolean {
    const offset = this.#offsetOf(ip);
    if (offset === undefined) return false;
    return this.#pooled(offset) ? this.#pool.has(Number(offset)) : this.#far.has(offset);
  }

  allocate(ip: Ip): void {
    if (!this.#take(this.#checkedOffset(ip))) throw alreadyAllocated('IP');
  }

  allocateNext(): Ip {
    const index = this.#pool.next();
    if (index === undefined) throw rangeFull();
    this.#pool.take(index);
    return cidrAddress(this.cidr, index + 1);
  }

  release(ip: Ip): void {
    const offset = this.#offsetOf(ip);
    if (offset === undefined) return;
    if (this.#pooled(offset)) this.#pool.release(Number(offset));
    else this.#far.delete(offset);
  }

  /** As kube-apiserver has it: a dry run checks the range, and not whether the address is taken. */
  tryAllocate(ip: Ip): void {
    this.#checkedOffset(ip);
  }

  /** As kube-apiserver has it: the block's own address, which no Service can have, stands for the one to be given. */
  tryAllocateNext(): Ip {
    return cidrAddress(this.cidr, 0);
  }

  #take(offset: bigint): boolean {
    if (this.#pooled(offset)) return this.#pool.take(Number(offset));
    if (this.#far.has(offset)) return false;
    this.#far.add(offset);
    return true;
  }

  #pooled(offset: bigint): boolean {
    return offset < BigInt(this.#pool.size);
  }

  #checkedOffset(ip: Ip): bigint {
    if (!cidrContains(this.cidr, ip)) throw otherNetwork();
    const offset = this.#offsetOf(ip);
    if (offset === undefined) throw ipNotInRange(formatIp(ip), formatCidr(this.cidr));
    return offset;
  }

  /** 0 is the first address after the network's own. */
  #offsetOf(ip: Ip): bigint | undefined {
    if (ip.family !== this.cidr.family) return undefined;
    const offset = ip.value - this.cidr.base - 1n;
    return offset >= 0n && offset < this.#usable ? offset : undefined;
  }
}

function pooledAddresses(cidr: Cidr): number {
  const hostBits = addressBits(cidr.family) - cidr.prefix;
  if (hostBits > MAX_HOST_BITS) return 2 ** MAX_HOST_BITS - 1;
  return Math.max(0, 2 ** hostBits - (cidr.family === 4 ? 2 : 1));
}

/** KEP-3070: min(max(16, size / 16), 256) addresses, none of a block of 16 or less. */
function staticBand(cidr: Cidr): number {
  const size = Number(cidrSize(cidr));
  return size <= 16 ? 0 : Math.min(Math.max(16, Math.floor(size / 16)), 256);
}
