import { cidrAddress, cidrContains, cidrSize, type Cidr } from '#base/cidr.ts';
import type { Clock } from '#base/clock.ts';
import { CodedError } from '#base/errors.ts';
import { formatIp, parseIp } from '#base/ip.ts';

export interface AddressPoolOptions {
  readonly clock: Clock;
  /**
   * How long a freed address rests: until then somebody may still hold it in a cache, a connection or a Service.
   * @default 60000
   */
  readonly restMs?: number;
}

/** The addresses of one node's Pods. Addresses go round in order, so that a freed one comes back as late as may be. */
export class AddressPool {
  readonly #cidr: Cidr;
  readonly #options: AddressPoolOptions;
  readonly #owners = new Map<string, string>();
  readonly #addresses = new Map<string, string>();
  /** When each address was freed, the longest ago first. */
  readonly #resting = new Map<string, number>();
  #next: bigint;

  constructor(cidr: Cidr, options: AddressPoolOptions) {
    this.#cidr = cidr;
    this.#options = options;
    this.#next = FIRST;
  }

  /** The owner's address; the first time `wanted`, where that is free and of this pool, else the next. */
  allocate(owner: string, wanted?: string): string {
    const known = this.#addresses.get(owner);
    if (known !== undefined) return known;
    const address = wanted !== undefined && this.#mayHave(wanted) ? wanted : this.#pick();
    this.#resting.delete(address);
    this.#owners.set(address, owner);
    this.#addresses.set(owner, address);
    return address;
  }

  /** Does nothing for an owner without an address. */
  release(owner: string): void {
    const address = this.#addresses.get(owner);
    if (address === undefined) return;
    this.#addresses.delete(owner);
    this.#owners.delete(address);
    this.#resting.set(address, this.#options.clock.monotonic());
  }

  /** Whether it is of the block at all. */
  contains(address: string): boolean {
    const ip = parseIp(address);
    return ip !== undefined && cidrContains(this.#cidr, ip);
  }

  addressOf(owner: string): string | undefined {
    return this.#addresses.get(owner);
  }

  get size(): number {
    return this.#addresses.size;
  }

  #mayHave(address: string): boolean {
    const ip = parseIp(address);
    if (ip === undefined || !cidrContains(this.#cidr, ip) || this.#owners.has(address)) return false;
    const offset = ip.value - this.#cidr.base;
    return offset >= FIRST && offset <= this.#last;
  }

  #pick(): string {
    const rested = this.#options.clock.monotonic() - (this.#options.restMs ?? 60_000);
    const count = this.#last - FIRST + 1n;
    for (let tries = 0n; tries < count && tries <= BigInt(this.#owners.size + this.#resting.size); tries++) {
      const address = formatIp(cidrAddress(this.#cidr, this.#next));
      this.#next = this.#next === this.#last ? FIRST : this.#next + 1n;
      if (this.#owners.has(address)) continue;
      const freedAt = this.#resting.get(address);
      if (freedAt === undefined || freedAt <= rested) return address;
    }
    // Rather a tired address than a Pod that does not start.
    const tired = this.#resting.keys().next().value;
    if (tired !== undefined) return tired;
    throw new CodedError('ERR_ADDRESS_POOL_FULL', `Cannot allocate a Pod address: all ${count} are in use`);
  }

  /** The last usable offset: the one after it is the broadcast address. */
  get #last(): bigint {
    return cidrSize(this.#cidr) - 2n;
  }
}

/** Offset 0 is the network and 1 the gateway. */
const FIRST = 2n;
