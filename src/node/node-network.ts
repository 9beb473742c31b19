import { formatCidr, type Cidr } from '#base/cidr.ts';
import { fnv1a } from '#base/names.ts';
import { type NetworkStep } from './network-step.ts';
import { gatewayOf } from './pod-network.ts';

export interface FabricSpec {
  /** Address and length, `172.18.0.1/16`: where the API server and DNS listen. */
  readonly address: string;
}

export interface NodeNetworkSpec {
  readonly nodeName: string;
  /** Address and length on the fabric, `172.18.0.2/16`. */
  readonly address: string;
  readonly podCidr: Cidr;
  readonly serviceCidr: Cidr;
}

export interface NodeRoute {
  readonly podCidr: Cidr;
  /** Without a length. */
  readonly nodeAddress: string;
}

/** The wire between all nodes, with the control plane on it. */
export function planFabric(spec: FabricSpec): readonly NetworkStep[] {
  return [
    ...router,
    { kind: 'up', link: 'lo' },
    { kind: 'bridge', name: 'fabric' },
    { kind: 'address', address: spec.address, link: 'fabric' },
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
  const bits = spec.podCidr.family === 4 ? 32 : 128;
  return {
    fabric: [
      { kind: 'veth', name: port, peer: 'eth0', master: 'fabric' },
      { kind: 'up', link: port },
    ],
    node: [
      ...router,
      { kind: 'up', link: 'lo' },
      { kind: 'address', address: spec.address, link: 'eth0' },
      { kind: 'up', link: 'eth0' },
      // ARP answers for any address of the machine on any link, so the Pods' gateway may live on the loopback.
      { kind: 'address', address: `${gatewayOf(spec.podCidr)}/${bits}`, link: 'lo' },
      // A node's own packets reach the output hook, where Services are translated, only if a route leads anywhere.
      { kind: 'route', to: formatCidr(spec.serviceCidr), link: 'lo', source: hostOf(spec.address) },
    ],
  };
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

/** IFNAMSIZ leaves 15 characters, node names may have 253. */
export function nodePortName(nodeName: string): string {
  return `node${fnv1a(nodeName).toString(16).padStart(8, '0')}`;
}

function hostOf(address: string): string {
  return address.slice(0, address.indexOf('/'));
}

/**
 * Set before links exist, which take what `default` says. Reverse path filtering would drop what comes back another way
 * than it went, and new namespaces inherit the host's choice.
 */
const router: readonly NetworkStep[] = [
  { kind: 'sysctl', name: 'net.ipv4.ip_forward', value: 1 },
  { kind: 'sysctl', name: 'net.ipv4.conf.all.rp_filter', value: 0 },
  { kind: 'sysctl', name: 'net.ipv4.conf.default.rp_filter', value: 0 },
];
