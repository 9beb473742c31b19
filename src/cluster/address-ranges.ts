import { addressBits, cidrsOverlap, formatCidr, parseCidr, type Cidr } from '#base/cidr.ts';
import { CodedError } from '#base/errors.ts';
import type { IpFamily } from '#base/ip.ts';
import { fnv1a } from '#base/names.ts';

/** Ranges of the command line: one, or one of each family with a comma between; the first is the primary one. */
export type RangesText = string;

const DEFAULTS = {
  service: { 4: '10.96.0.0/12', 6: 'fd00:10:96::/112' },
  pod: { 4: '10.244.0.0/16', 6: 'fd00:10:244::/56' },
} as const;

const EXAMPLES: Readonly<Record<IpFamily, string>> = { 4: '10.96.0.0/12', 6: 'fd00:10:96::/112' };

/** A setting that no cluster can have: the command line that asks for it is wrong. */
export const configError = (message: string, hint: string): CodedError => new CodedError('EUSAGE', message, { hint });

/** @throws CodedError `EUSAGE`; `what` names the ranges in its text. */
export function readRanges(what: string, text: RangesText): readonly Cidr[] {
  const ranges = text.split(',').map((one) => {
    const cidr = parseCidr(one);
    if (cidr !== undefined) return cidr;
    const example = `a range such as ${EXAMPLES[4]} or ${EXAMPLES[6]}, or one of each with a comma between`;
    throw configError(`Cannot use ${what} "${text}": it must be ${example}`, 'choose another range');
  });
  if (ranges.length > 2 || ranges[0]?.family === ranges[1]?.family) {
    throw configError(`Cannot use ${what} "${text}": it may have one range of each family`, 'choose other ranges');
  }
  return ranges;
}

/** Families in order, of text that `readRanges` takes; else those of IPv4. */
export function familiesOf(text: RangesText): readonly IpFamily[] {
  const families = text.split(',').flatMap((one) => parseCidr(one)?.family ?? []);
  return families.length === 0 ? [4] : families;
}

export function defaultRanges(kind: keyof typeof DEFAULTS, families: readonly IpFamily[]): RangesText {
  return families.map((family) => DEFAULTS[kind][family]).join(',');
}

/**
 * Ranges for load balancers that no other cluster of the machine is likely to have, since all of them share the host's
 * loopback: IPv4 addresses of 127.0.0.0/8 are on every Linux machine, nobody has to add them. Its first quarter is left
 * to those who chose theirs by hand (127.0.0.53 is a resolver's on many machines), so is its last. Addresses of IPv6 end in
 * other ones of 127.0.0.0/8, at which the host reaches them.
 */
export function ownBalancerRanges(seed: string, families: readonly IpFamily[]): RangesText {
  const hash = fnv1a(seed);
  const third = (hash >>> 7) & 0xff;
  const twins = (0x7f00 + 64 + ((hash ^ 0x40) & 0x7f)).toString(16);
  const ranges: Readonly<Record<IpFamily, string>> = {
    4: `127.${64 + (hash & 0x7f)}.${third}.0/24`,
    6: `fd00:127::${twins}:${(third << 8).toString(16)}/120`,
  };
  return families.map((family) => ranges[family]).join(',');
}

export interface NamedRanges {
  readonly name: string;
  readonly ranges: readonly Cidr[];
}

/** @throws CodedError `EUSAGE` naming the first two that have an address in common. */
export function refuseOverlaps(named: readonly NamedRanges[]): void {
  for (const [i, one] of named.entries()) {
    for (const other of named.slice(i + 1)) {
      for (const a of one.ranges) {
        const b = other.ranges.find((range) => cidrsOverlap(a, range));
        if (b === undefined) continue;
        throw configError(
          `Cannot use ${one.name} ${formatCidr(a)}: it overlaps ${other.name} ${formatCidr(b)}`,
          'choose ranges that have no address in common',
        );
      }
    }
  }
}

/** Length of each node's part of a range of Pod addresses, as kubeadm has it where that leaves room. */
export function nodePrefixOf(podCidr: Cidr): number {
  if (podCidr.family === 4) return 24;
  return Math.min(Math.max(64, podCidr.prefix + 8), addressBits(6) - 8);
}
