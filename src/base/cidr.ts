import { formatIp, parseIp, type Ip, type IpFamily } from './ip.ts';

/** A block of addresses; `base` has all host bits zero. */
export interface Cidr {
  readonly family: IpFamily;
  readonly base: bigint;
  readonly prefix: number;
}

/** Parses `10.96.0.0/12`, or returns undefined; host bits must be zero unless `masked` says to clear them. */
export function parseCidr(text: string, options: { readonly masked?: boolean } = {}): Cidr | undefined {
  const slash = text.indexOf('/');
  if (slash < 0) return undefined;
  const ip = parseIp(text.slice(0, slash));
  const digits = text.slice(slash + 1);
  if (ip === undefined || !/^(0|[1-9]\d{0,2})$/.test(digits)) return undefined;
  const prefix = Number(digits);
  const bits = addressBits(ip.family);
  if (prefix > bits) return undefined;
  const host = (1n << BigInt(bits - prefix)) - 1n;
  if (!options.masked && (ip.value & host) !== 0n) return undefined;
  return { family: ip.family, base: ip.value & ~host, prefix };
}

export function formatCidr(cidr: Cidr): string {
  return `${formatIp({ family: cidr.family, value: cidr.base })}/${cidr.prefix}`;
}

/** 32 or 128. */
export function addressBits(family: IpFamily): number {
  return family === 4 ? 32 : 128;
}

/** How many addresses the block has, the first and last included. */
export function cidrSize(cidr: Cidr): bigint {
  return 1n << BigInt(addressBits(cidr.family) - cidr.prefix);
}

export function cidrContains(cidr: Cidr, ip: Ip): boolean {
  return ip.family === cidr.family && ip.value >= cidr.base && ip.value < cidr.base + cidrSize(cidr);
}

export function cidrsOverlap(a: Cidr, b: Cidr): boolean {
  return a.family === b.family && a.base < b.base + cidrSize(b) && b.base < a.base + cidrSize(a);
}

/** The address at `offset` from the start of the block. */
export function cidrAddress(cidr: Cidr, offset: bigint | number): Ip {
  const index = BigInt(offset);
  if (index < 0n || index >= cidrSize(cidr)) {
    throw new RangeError(`Cannot take address ${index} of ${formatCidr(cidr)}: it has ${cidrSize(cidr)} addresses`);
  }
  return { family: cidr.family, value: cidr.base + index };
}

/** The `index`-th block of length `prefix` inside `cidr`: subnet(10.244.0.0/16, 24, 2) is 10.244.2.0/24. */
export function cidrSubnet(cidr: Cidr, prefix: number, index: number): Cidr {
  const size = 1n << BigInt(addressBits(cidr.family) - prefix);
  const base = cidr.base + size * BigInt(index);
  const fits = prefix >= cidr.prefix && prefix <= addressBits(cidr.family);
  if (!fits || index < 0 || base + size > cidr.base + cidrSize(cidr)) {
    throw new RangeError(`Cannot take block ${index} of length /${prefix} out of ${formatCidr(cidr)}: it has none`);
  }
  return { family: cidr.family, base, prefix };
}
