import { configError, type RangesText } from './address-ranges.ts';
import { MAX_NODES, type NodeMember, resizeMembers } from './members.ts';

/** What a cluster is made of. Settled when it is created and kept in its state directory from then on. */
export interface ClusterConfig {
  readonly name: string;
  readonly nodes: number;
  /** Which nodes these are; absent: the first ones. */
  readonly members?: readonly NodeMember[];
  /** Nodes of earlier starts whose objects and files are still to be removed. */
  readonly leaving?: readonly string[] | undefined;
  /** Of every node that has no other of that key. */
  readonly nodeLabels?: Readonly<Record<string, string>>;
  /** Of the nodes in turn. */
  readonly zones?: readonly string[];
  /** `10.96.0.0/12`, or two families: `10.96.0.0/12,fd00:10:96::/112`. */
  readonly serviceCidr: RangesText;
  /** The same families in the same order. */
  readonly podCidr: RangesText;
  /** What load balancers get their addresses out of; `none` leaves them to others. */
  readonly loadBalancerCidr: RangesText;
  /** `deny`: nobody may choose the address of a Service. */
  readonly staticClusterIps: 'allow' | 'deny';
  /** 0: any free port, chosen at the first start and kept. */
  readonly apiPort: number;
  readonly proxyMode: ProxyMode;
  /** URLs to ask for images before their registry, by its name. */
  readonly registryMirrors?: Readonly<Record<string, readonly string[]>>;
  /** Pods reach the internet, where pasta is installed. */
  readonly egress: boolean;
  /** DNS walks the search path of Pods for them. @default false */
  readonly dnsAutopath?: boolean;
  /** Nodes act on a disk that fills up as kubelets do: images go, then Pods. @default false */
  readonly diskPressure?: boolean;
  readonly storage: 'sqlite';
}

/** `none` leaves Services to a proxy that runs in a Pod of each node. */
export const PROXY_MODES = ['nftables', 'iptables', 'none'] as const;
export type ProxyMode = (typeof PROXY_MODES)[number];

export const NO_RANGE = 'none';

/** A cluster's own `loadBalancerCidr` follows from its state directory where nobody chose one: see prepare.ts. */
export const DEFAULT_CONFIG: ClusterConfig = Object.freeze({
  name: 'default',
  nodes: 1,
  serviceCidr: '10.96.0.0/12',
  podCidr: '10.244.0.0/16',
  loadBalancerCidr: NO_RANGE,
  staticClusterIps: 'allow',
  apiPort: 0,
  proxyMode: 'nftables',
  egress: true,
  storage: 'sqlite',
});

/** What every name of the cluster ends with. */
export const CLUSTER_DOMAIN = 'cluster.local';

export function membersOf({ members, nodes }: ClusterConfig): readonly NodeMember[] {
  return members ?? resizeMembers([], nodes);
}

/** @throws CodedError `EUSAGE` with a hint, naming the first thing that is wrong; the ranges are `planNetwork`'s. */
export function checkConfig(config: ClusterConfig): void {
  if (!/^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$/.test(config.name)) {
    throw configError(
      `Cannot name a cluster "${config.name}": a name has up to 40 lower-case letters, digits and dashes`,
      'choose another --name',
    );
  }
  if (!Number.isInteger(config.nodes) || config.nodes < 1 || config.nodes > MAX_NODES) {
    throw configError(
      `Cannot start ${config.nodes} nodes: it must be a number from 1 to 100`,
      'choose another --nodes',
    );
  }
  if (!Number.isInteger(config.apiPort) || config.apiPort < 0 || config.apiPort > 65_535) {
    throw configError(
      `Cannot listen on port ${config.apiPort}: it must be a number from 0 to 65535`,
      'choose another --api-port',
    );
  }
}
