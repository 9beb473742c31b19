import type { Node } from '#api/generated/types.ts';
import { addressBits, cidrContains, parseCidr, type Cidr } from '#base/cidr.ts';
import { parseIp } from '#base/ip.ts';

/** What the proxy has to know of its own node. */
export interface NodeFacts {
  /** Primary addresses, at most one a family: NodePorts answer there. */
  readonly addresses: readonly string[];
  readonly zone: string | undefined;
  /** The node's own part of the Pods' addresses. */
  readonly podCidrs?: readonly Cidr[] | undefined;
}

const ZONE = 'topology.kubernetes.io/zone';

/** The first address of each family that the kubelet states; external ones only where there are no internal ones. */
export function nodeFacts(node: Node): NodeFacts {
  const stated = node.status?.addresses ?? [];
  const found = new Map<number, string>();
  for (const type of ['InternalIP', 'ExternalIP']) {
    for (const one of stated) {
      const ip = one.type === type ? parseIp(one.address) : undefined;
      if (ip !== undefined && !found.has(ip.family)) found.set(ip.family, one.address);
    }
  }
  const podCidrs = (node.spec.podCIDRs ?? []).flatMap((text) => parseCidr(text) ?? []);
  return { addresses: [...found.values()], zone: node.metadata.labels?.[ZONE], podCidrs };
}

/** Single addresses as ranges. */
export function hostRanges(addresses: readonly string[]): readonly Cidr[] {
  return addresses.flatMap((address) => {
    const ip = parseIp(address);
    return ip === undefined ? [] : [{ family: ip.family, base: ip.value, prefix: addressBits(ip.family) }];
  });
}

export function includesOneOf(ranges: readonly Cidr[], addresses: readonly string[]): boolean {
  return addresses.some((address) => {
    const ip = parseIp(address);
    return ip !== undefined && ranges.some((range) => cidrContains(range, ip));
  });
}
