import { cidrAddress, cidrContains, formatCidr, parseCidr, type Cidr } from '#base/cidr.ts';
import { formatIp } from '#base/ip.ts';
import { fnv1a } from '#base/names.ts';
import type { NetworkStep } from './network-step.ts';

export interface PodNetworkSpec {
  readonly podUid: string;
  /** One a family, in the same order as the node's. */
  readonly podIps: readonly string[];
  readonly podCidrs: readonly Cidr[];
  readonly nodeAddresses: readonly string[];
  /** Addresses that a Pod would take for its own loopback's are led to the node. */
  readonly loadBalancerCidrs: readonly Cidr[];
}

export interface PodNetworkPlan {
  /** The end of the Pod's wire in the node's namespace. */
  readonly hostLink: string;
  /** In the node's namespace, where the Pod's end is then moved from. */
  readonly wire: readonly NetworkStep[];
  readonly pod: readonly NetworkStep[];
  readonly node: readonly NetworkStep[];
}

/** The first address of the node's block: every IPv4 Pod's next hop. */
export function gatewayOf(podCidr: Cidr): string {
  return formatIp(cidrAddress(podCidr, 1));
}

/**
 * IPv6 has no ARP, whose answers are for any address of the machine: the node's end of each wire has this one of its
 * own, and since it is good for one link only it may be the same on all.
 */
const GATEWAY_6 = 'fe80::1';

/**
 * A Pod has no neighbours: its address is a /32 and everything goes to the gateway, so that all its traffic is routed
 * by the node, where Services are translated. On a bridge, packets between Pods of a node would pass unseen.
 */
export function planPodNetwork(spec: PodNetworkSpec): PodNetworkPlan {
  const hostLink = podLinkName(spec.podUid);
  const families = spec.podCidrs.map((podCidr, i) => {
    const podIp = spec.podIps[i] ?? '';
    return podCidr.family === 4 ? planIpv4(podIp, podCidr) : planIpv6(podIp, hostLink);
  });
  return {
    hostLink,
    wire: [{ kind: 'veth', name: hostLink, peer: 'eth0' }],
    pod: [
      // Who is not root may serve port 80 here, as in other container runtimes: the ports are the Pod's alone.
      { kind: 'sysctl', name: 'net.ipv4.ip_unprivileged_port_start', value: 0 },
      { kind: 'up', link: 'lo' },
      { kind: 'up', link: 'eth0' },
      ...families.flatMap(({ pod }) => pod),
      ...planLoopbackBalancers(spec),
    ],
    node: [
      { kind: 'up', link: hostLink },
      ...families.flatMap(({ node }) => node),
      // Without a source the node would take the gateway's address, which other nodes cannot tell from its Pods.
      ...spec.podIps.map((podIp, i): NetworkStep => ({
        kind: 'route',
        to: single(podIp),
        link: hostLink,
        source: spec.nodeAddresses[i] ?? '',
      })),
    ],
  };
}

interface FamilyPlan {
  readonly pod: readonly NetworkStep[];
  readonly node: readonly NetworkStep[];
}

function planIpv4(podIp: string, podCidr: Cidr): FamilyPlan {
  const gateway = gatewayOf(podCidr);
  return {
    pod: [
      { kind: 'address', address: single(podIp), link: 'eth0' },
      { kind: 'route', to: single(gateway), link: 'eth0' },
      { kind: 'route', to: 'default', via: gateway, link: 'eth0' },
    ],
    node: [],
  };
}

function planIpv6(podIp: string, hostLink: string): FamilyPlan {
  return {
    pod: [
      { kind: 'address', address: single(podIp), link: 'eth0' },
      { kind: 'route', to: 'default', via: GATEWAY_6, link: 'eth0' },
    ],
    node: [{ kind: 'address', address: `${GATEWAY_6}/64`, link: hostLink }],
  };
}

/**
 * Load balancers have addresses of 127.0.0.0/8, where the host's users reach them. In a Pod these would be its own
 * loopback, but for a longer prefix in the same table; and answers that come from such an address are taken only with
 * route_localnet. Nobody but the node can send a Pod anything, and the node passes on nothing for 127.0.0.0/8.
 */
function planLoopbackBalancers(spec: PodNetworkSpec): readonly NetworkStep[] {
  const ranges = spec.loadBalancerCidrs.filter(isLoopback);
  const index = spec.podCidrs.findIndex(({ family }) => family === 4);
  const podCidr = spec.podCidrs[index];
  const source = spec.podIps[index];
  if (ranges.length === 0 || podCidr === undefined || source === undefined) return [];
  const via = gatewayOf(podCidr);
  return [
    { kind: 'sysctl', name: 'net.ipv4.conf.eth0.route_localnet', value: 1 },
    ...ranges.map((range): NetworkStep => ({
      kind: 'route',
      to: formatCidr(range),
      via,
      link: 'eth0',
      source,
      table: 'local',
    })),
  ];
}

const LOOPBACK = parseCidr('127.0.0.0/8');

export function isLoopback(range: Cidr): boolean {
  return LOOPBACK !== undefined && cidrContains(LOOPBACK, { family: range.family, value: range.base });
}

/** In the node's namespace. */
export function planPodDetach(spec: PodNetworkSpec): readonly NetworkStep[] {
  return spec.podIps.map((podIp) => ({ kind: 'unroute', to: single(podIp) }));
}

function single(address: string): string {
  return `${address}/${address.includes(':') ? 128 : 32}`;
}

/** IFNAMSIZ leaves 15 characters. */
export function podLinkName(podUid: string): string {
  return `veth${fnv1a(podUid).toString(16).padStart(8, '0')}`;
}
