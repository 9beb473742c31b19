import { formatCidr, type Cidr } from '#base/cidr.ts';
import { fnv1a } from '#base/names.ts';
import type { NetworkStep } from './network-step.ts';
import { gatewayOf, isLoopback } from './pod-network.ts';

export interface FabricSpec {
  /** With length, one a family, `172.18.0.1/16`: where the API server and DNS listen. */
  readonly addresses: readonly string[];
}

export interface NodeNetworkSpec {
  readonly nodeName: string;
  /** On the fabric with length, one a family, `172.18.0.2/16`. */
  readonly addresses: readonly string[];
  /** Addresses of the fabric by which all else is reached; one a family. */
  readonly gateways: readonly string[];
  /** One a family. */
  readonly podCidrs: readonly Cidr[];
  readonly serviceCidrs: readonly Cidr[];
  readonly loadBalancerCidrs: readonly Cidr[];
}

export interface NodeRoute {
  readonly podCidr: Cidr;
  /** Without a length. */
  readonly nodeAddress: string;
}

/** The wire between all nodes, with the control plane on it. */
export function planFabric(spec: FabricSpec): readonly NetworkStep[] {
  return [
    ...router(spec.addresses),
    { kind: 'up', link: 'lo' },
    { kind: 'bridge', name: 'fabric' },
    ...spec.addresses.map((address): NetworkStep => ({ kind: 'address', address, link: 'fabric' })),
    { kind: 'up', link: 'fabric' },
  ];
}

export interface NodeNetworkPlan {
  readonly fabric: readonly NetworkStep[];
  readonly node: readonly NetworkStep[];
}

/** `fabric` comes first: it brings the node's end of the wire into being. */
export function planNodeNetwork(spec: NodeNetworkSpec): NodeNetworkPlan {
  const port = nodePortName(spec.nodeName);
  return {
    fabric: [
      { kind: 'veth', name: port, peer: 'eth0', master: 'fabric' },
      { kind: 'up', link: port },
    ],
    node: [
      ...router(spec.addresses),
      // It is there already, and what `default` says comes too late for it.
      { kind: 'sysctl', name: 'net.ipv4.conf.eth0.route_localnet', value: 1 },
      ...(hasIpv6(spec.addresses) ? [noDad('eth0')] : []),
      ...tracking,
      { kind: 'up', link: 'lo' },
      ...spec.addresses.map((address): NetworkStep => ({ kind: 'address', address, link: 'eth0' })),
      { kind: 'up', link: 'eth0' },
      // By the fabric, which knows whether there is a way to anywhere else.
      ...spec.gateways.map((via): NetworkStep => ({ kind: 'route', to: 'default', via })),
      // ARP answers for any address of the machine on any link, so the Pods' gateway may live on the loopback.
      ...spec.podCidrs
        .filter(({ family }) => family === 4)
        .map((range): NetworkStep => ({ kind: 'address', address: `${gatewayOf(range)}/32`, link: 'lo' })),
      // A bridge without ports: what no rule translates ends there. Over lo it would go round and round, and the kernel
      // would not tell a socket of the node that a rule refuses it.
      { kind: 'bridge', name: 'services', noArp: true },
      { kind: 'up', link: 'services' },
      ...spec.serviceCidrs.map((range) => serviceRoute(range, spec.addresses)),
      ...spec.loadBalancerCidrs
        .filter((range) => !isLoopback(range))
        .map((range) => serviceRoute(range, spec.addresses)),
    ],
  };
}

/** A node's own packets reach the output hook, where Services are translated, only if a route leads anywhere. */
function serviceRoute(range: Cidr, addresses: readonly string[]): NetworkStep {
  const isOfFamily = (address: string): boolean => address.includes(':') === (range.family === 6);
  const [source = ''] = (addresses.find(isOfFamily) ?? '').split('/');
  return { kind: 'route', to: formatCidr(range), link: 'services', source };
}

/** From the routes there are to those there should be: each block goes by way of its node's address. */
export function planNodeRoutes(present: readonly NodeRoute[], wanted: readonly NodeRoute[]): readonly NetworkStep[] {
  const targets = new Map(wanted.map((route) => [formatCidr(route.podCidr), route.nodeAddress]));
  const now = new Map(present.map((route) => [formatCidr(route.podCidr), route.nodeAddress]));
  const gone = [...now.keys()].filter((to) => !targets.has(to));
  const fresh = [...targets].filter(([to, via]) => now.get(to) !== via);
  return [
    ...gone.map((to): NetworkStep => ({ kind: 'unroute', to })),
    ...fresh.map(([to, via]): NetworkStep => ({ kind: 'route', to, via })),
  ];
}

/** Ranges of cluster addresses that come and go at run time. */
export function planServiceRanges(
  present: readonly Cidr[],
  wanted: readonly Cidr[],
  addresses: readonly string[],
): readonly NetworkStep[] {
  const texts = new Set(wanted.map(formatCidr));
  return [
    ...present
      .map(formatCidr)
      .filter((to) => !texts.has(to))
      .map((to): NetworkStep => ({ kind: 'unroute', to })),
    ...wanted.map((range) => serviceRoute(range, addresses)),
  ];
}

/** IFNAMSIZ leaves 15 characters, node names may have 253. */
export function nodePortName(nodeName: string): string {
  return `node${fnv1a(nodeName).toString(16).padStart(8, '0')}`;
}

/**
 * Set before links exist, which take what `default` says. Reverse path filtering would drop what comes back another way
 * than it went, and new namespaces inherit the host's choice. Addresses of 127.0.0.0/8 come over links where they are
 * those of load balancers, and leave that way where a NodePort is asked for at 127.0.0.1; not over lo, or the kernel would
 * choose 127.0.0.1 as the source of all that goes to a cluster address.
 */
function router(addresses: readonly string[]): readonly NetworkStep[] {
  return hasIpv6(addresses) ? [...router4, ...router6] : router4;
}

function hasIpv6(addresses: readonly string[]): boolean {
  return addresses.some((address) => address.includes(':'));
}

/**
 * No duplicate address detection on a link. For the one or two seconds that it takes, a router has no link-local address
 * there, and the kernel asks for no neighbour of what it forwards without one (ndisc_send_ns()): that waits until it asks
 * again, a second later.
 */
export function noDad(link: string): NetworkStep {
  return { kind: 'sysctl', name: `net.ipv6.conf.${link}.accept_dad`, value: 0 };
}

const router4: readonly NetworkStep[] = [
  { kind: 'sysctl', name: 'net.ipv4.ip_forward', value: 1 },
  { kind: 'sysctl', name: 'net.ipv4.conf.all.rp_filter', value: 0 },
  { kind: 'sysctl', name: 'net.ipv4.conf.default.rp_filter', value: 0 },
  { kind: 'sysctl', name: 'net.ipv4.conf.default.route_localnet', value: 1 },
  // Else one refused datagram a second and client hears of it, and the others wait for their timeout.
  { kind: 'sysctl', name: 'net.ipv4.icmp_ratelimit', value: 0 },
];

/** As kube-proxy has them: a server that is slow to close gets an hour. They are the kernel's where it has no tracking yet. */
const tracking: readonly NetworkStep[] = [
  { kind: 'sysctl', name: 'net.netfilter.nf_conntrack_tcp_timeout_established', value: 86_400, optional: true },
  { kind: 'sysctl', name: 'net.netfilter.nf_conntrack_tcp_timeout_close_wait', value: 3600, optional: true },
];

/** A machine without IPv6 has none of these. */
const router6: readonly NetworkStep[] = [
  { kind: 'sysctl', name: 'net.ipv6.conf.all.forwarding', value: 1 },
  noDad('default'),
  { kind: 'sysctl', name: 'net.ipv6.icmp.ratelimit', value: 0 },
];
