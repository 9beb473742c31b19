import { cidrAddress, cidrContains, cidrSize, formatCidr, type Cidr } from '#base/cidr.ts';
import { CodedError } from '#base/errors.ts';
import { formatIp, type IpFamily, parseIp } from '#base/ip.ts';

const refused = (message: string): CodedError => new CodedError('ENOBALANCER', message);

/** The addresses that load balancers of the cluster may have, at most one range a family, and whose they are. */
export class LoadBalancerPool {
  readonly #ranges: ReadonlyMap<IpFamily, Cidr>;
  readonly #owners = new Map<string, string>();
  readonly #addresses = new Map<string, Map<IpFamily, string>>();
  /** All offsets before it are in use. */
  readonly #firstFree = new Map<IpFamily, bigint>();
  #releases = 0;

  constructor(ranges: readonly Cidr[]) {
    this.#ranges = new Map(ranges.map((range) => [range.family, range]));
  }

  get families(): readonly IpFamily[] {
    return [...this.#ranges.keys()];
  }

  /** Grows with every address that comes free. */
  get releases(): number {
    return this.#releases;
  }

  has(owner: string): boolean {
    return this.#addresses.has(owner);
  }

  /** What an owner was given before this pool was made. Nothing happens when it is not of the pool or somebody else's. */
  restore(owner: string, address: string): void {
    const ip = parseIp(address);
    const range = ip && this.#ranges.get(ip.family);
    if (ip === undefined || range === undefined || !isUsable(range, ip.value - range.base)) return;
    const text = formatIp(ip);
    if (!this.#owners.has(text) && this.#addresses.get(owner)?.has(ip.family) !== true)
      this.#give(owner, ip.family, text);
  }

  /**
   * The owner's address of that family: `wanted` if given, else the one that it has, else the first that is free.
   * @throws CodedError `ENOBALANCER`; the owner then keeps what it had.
   */
  take(owner: string, family: IpFamily, wanted?: string): string {
    const range = this.#ranges.get(family);
    if (range === undefined) throw refused(`this cluster has no load balancer addresses of IPv${family}`);
    const known = this.#addresses.get(owner)?.get(family);
    if (known !== undefined && (wanted === undefined || wanted === known)) return known;
    const address = wanted === undefined ? this.#free(range) : this.#wanted(range, wanted);
    if (known !== undefined) this.#forget(range, known);
    this.#give(owner, family, address);
    return address;
  }

  release(owner: string, family?: IpFamily): void {
    const held = this.#addresses.get(owner);
    if (held === undefined) return;
    const families = [...held.keys()].filter((one) => family === undefined || one === family);
    for (const one of families) {
      const range = this.#ranges.get(one);
      if (range !== undefined) this.#forget(range, held.get(one) ?? '');
      held.delete(one);
    }
    if (held.size === 0) this.#addresses.delete(owner);
  }

  #give(owner: string, family: IpFamily, address: string): void {
    this.#owners.set(address, owner);
    const held = this.#addresses.get(owner) ?? new Map<IpFamily, string>();
    this.#addresses.set(owner, held.set(family, address));
  }

  #forget(range: Cidr, address: string): void {
    this.#releases++;
    this.#owners.delete(address);
    const offset = (parseIp(address)?.value ?? range.base) - range.base;
    if (offset < (this.#firstFree.get(range.family) ?? 0n)) this.#firstFree.set(range.family, offset);
  }

  #free(range: Cidr): string {
    const start = this.#firstFree.get(range.family) ?? 0n;
    for (let offset = start; offset < cidrSize(range); offset++) {
      const address = formatIp(cidrAddress(range, offset));
      if (!isUsable(range, offset) || this.#owners.has(address)) continue;
      this.#firstFree.set(range.family, offset);
      return address;
    }
    throw refused(`all load balancer addresses of ${formatCidr(range)} are in use`);
  }

  #wanted(range: Cidr, text: string): string {
    const ip = parseIp(text);
    if (ip === undefined || !cidrContains(range, ip) || !isUsable(range, ip.value - range.base)) {
      throw refused(`${text} is not one of the load balancer addresses of this cluster, ${formatCidr(range)}`);
    }
    const address = formatIp(ip);
    const owner = this.#owners.get(address);
    if (owner !== undefined) throw refused(`${address} is in use by the load balancer of ${owner}`);
    return address;
  }
}

/** Not the first of a range, which names the network, nor the last of IPv4, which means everybody in it. */
function isUsable(range: Cidr, offset: bigint): boolean {
  if (range.prefix >= (range.family === 4 ? 31 : 127)) return offset >= 0n && offset < cidrSize(range);
  return offset > 0n && offset < cidrSize(range) - (range.family === 4 ? 1n : 0n);
}
