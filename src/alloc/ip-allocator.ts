import { addressBits, cidrAddress, cidrContains, cidrSize, formatCidr, type Cidr } from '#base/cidr.ts';
import { CodedError } from '#base/errors.ts';
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
 * only; `restore` of `pool.ts` takes what the stored objects use. Of an IPv6 block the first 2^20 addresses are used.
 */
export class IpAllocator implements Pool<Ip> {
  readonly cidr: Cidr;
  readonly #pool: BandPool;

  constructor(cidr: Cidr, options: IpAllocatorOptions = {}) {
    if (cidr.family === 4 && addressBits(4) - cidr.prefix > MAX_HOST_BITS) {
      throw new CodedError(
        'ERANGETOOLARGE',
        `Cannot allocate from ${formatCidr(cidr)}: the largest IPv4 range is a /12`,
      );
    }
    this.cidr = cidr;
    this.#pool = new BandPool({ size: usableAddresses(cidr), reserved: staticBand(cidr), random: options.random });
  }

  get free(): number {
    return this.#pool.free;
  }

  /** Of taken and free together. */
  get size(): number {
    return this.#pool.size;
  }

  has(ip: Ip): boolean {
    const index = this.#indexOf(ip);
    return index !== undefined && this.#pool.has(index);
  }

  allocate(ip: Ip): void {
    if (!this.#pool.take(this.#checkedIndex(ip))) throw alreadyAllocated('IP');
  }

  allocateNext(): Ip {
    const index = this.#pool.next();
    if (index === undefined) throw rangeFull();
    this.#pool.take(index);
    return cidrAddress(this.cidr, index + 1);
  }

  release(ip: Ip): void {
    const index = this.#indexOf(ip);
    if (index !== undefined) this.#pool.release(index);
  }

  /** As kube-apiserver has it: a dry run checks the range, and not whether the address is taken. */
  tryAllocate(ip: Ip): void {
    this.#checkedIndex(ip);
  }

  /** As kube-apiserver has it: the block's own address, which no Service can have, stands for the one to be given. */
  tryAllocateNext(): Ip {
    return cidrAddress(this.cidr, 0);
  }

  #checkedIndex(ip: Ip): number {
    if (!cidrContains(this.cidr, ip)) throw otherNetwork();
    const index = this.#indexOf(ip);
    if (index === undefined) throw ipNotInRange(formatIp(ip), formatCidr(this.cidr));
    return index;
  }

  /** 0 is the first address after the network's own. */
  #indexOf(ip: Ip): number | undefined {
    if (ip.family !== this.cidr.family) return undefined;
    const offset = ip.value - this.cidr.base - 1n;
    return offset >= 0n && offset < BigInt(this.#pool.size) ? Number(offset) : undefined;
  }
}

function usableAddresses(cidr: Cidr): number {
  const hostBits = Math.min(addressBits(cidr.family) - cidr.prefix, MAX_HOST_BITS);
  return Math.max(0, 2 ** hostBits - (cidr.family === 4 ? 2 : 1));
}

/** KEP-3070: min(max(16, size / 16), 256) addresses, none of a block of 16 or less. */
function staticBand(cidr: Cidr): number {
  const size = Number(cidrSize(cidr));
  return size <= 16 ? 0 : Math.min(Math.max(16, Math.floor(size / 16)), 256);
}
