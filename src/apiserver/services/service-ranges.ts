import { parseCidr, type Cidr } from '#base/cidr.ts';
import type { ServiceCIDR } from '#api/generated/types.ts';
import type { Block } from '#alloc/ip-space.ts';

/** The ServiceCIDR that every cluster has, out of the options of its API server. */
export const DEFAULT_RANGE = 'kubernetes';

/** Whether new addresses come out of it. */
export function isReady({ metadata, status }: ServiceCIDR): boolean {
  const conditions: ServiceCIDR['status']['conditions'] = (status as Partial<ServiceCIDR>['status'])?.conditions;
  if (metadata.deletionTimestamp !== undefined) return false;
  return conditions?.some(({ type, status: state }) => type === 'Ready' && state === 'True') === true;
}

export function cidrsOf({ spec }: ServiceCIDR): readonly Cidr[] {
  return (spec.cidrs ?? []).map((text) => parseCidr(text)).filter((cidr) => cidr !== undefined);
}

/**
 * The blocks of all ServiceCIDRs, those of the default one first. As long as that one does not exist, what the server was
 * started with stands for it: addresses are needed before anybody could have made it.
 */
export function blocksOf(ranges: readonly ServiceCIDR[], configured: readonly Cidr[]): readonly Block[] {
  const first = ranges.filter(({ metadata }) => metadata.name === DEFAULT_RANGE);
  const others = ranges.filter(({ metadata }) => metadata.name !== DEFAULT_RANGE);
  const implied = first.length > 0 ? [] : configured.map((cidr): Block => ({ cidr, ready: true }));
  const stored = [...first, ...others].flatMap((range) =>
    cidrsOf(range).map((cidr): Block => ({ cidr, ready: isReady(range) })),
  );
  return [...implied, ...stored];
}
