import { formatCidr, type Cidr } from '#base/cidr.ts';
import { hostRanges, type NodeFacts } from './node-view.ts';

/** `br0`, or all whose names start so. */
export interface PodInterface {
  readonly name: string;
  readonly isPrefix: boolean;
}

/** What the fixed part of the rules depends on, in either mode. */
export interface RulesetSettings {
  /** Where cluster addresses come from. */
  readonly ranges: readonly Cidr[];
  /** Load balancers' addresses in these are at no machine: nobody else answers at other ports. */
  readonly loadBalancerCidrs: readonly Cidr[];
  /** Where Pods' addresses come from: what comes from elsewhere is from outside. Empty for not known. */
  readonly podCidrs: readonly Cidr[];
  /** Instead: the interfaces that Pods' packets come in by. */
  readonly podInterface?: PodInterface | undefined;
  /** The node's primary addresses. */
  readonly nodeAddresses: readonly string[];
  /** NodePorts answer at the node's own addresses in these. */
  readonly nodePortRanges: readonly Cidr[];
  /** NodePorts answer at 127.0.0.1 too. */
  readonly hasLocalhost: boolean;
  /** The bit of the packet's mark that asks for masquerading. */
  readonly mark: number;
  /** Also what goes to cluster addresses gets the node's address. */
  readonly masqueradeAll: boolean;
  /** The node has nf_conntrack_tcp_be_liberal=1: next to nothing is invalid then, and what is may pass. */
  readonly isConntrackLiberal: boolean;
  /** Mode iptables: the node may ask from any of its addresses what listens at 127.0.0.1, as HostPorts of Pods do. */
  readonly isLocalhostShared?: boolean | undefined;
  /** Mode iptables: some rules count packets, as kube-proxy's do where the kernel has nfacct. */
  readonly hasCounters?: boolean | undefined;
}

/** Where NodePorts answer: at the node's primary addresses, at all of them, or at those in some ranges. */
export type NodePortAddresses = 'primary' | 'all' | readonly Cidr[];

export interface SettingsOptions {
  readonly serviceCidrs: readonly Cidr[];
  readonly loadBalancerCidrs?: readonly Cidr[] | undefined;
  readonly podCidrs?: readonly Cidr[] | 'of-the-node' | undefined;
  readonly podInterface?: PodInterface | undefined;
  readonly nodePortAddresses?: NodePortAddresses | undefined;
  readonly localhostNodePorts?: boolean | undefined;
  readonly isLocalhostShared?: boolean | undefined;
  readonly masqueradeMark?: number | undefined;
  readonly masqueradeAll?: boolean | undefined;
  readonly isConntrackLiberal?: boolean | undefined;
}

const MARK = 0x4000;

export function rulesetSettings(options: SettingsOptions, node: NodeFacts): RulesetSettings {
  const { nodePortAddresses = 'primary', masqueradeMark: mark = MARK } = options;
  if (!Number.isInteger(Math.log2(mark)) || mark < 1 || mark > 2 ** 31) {
    throw new RangeError(`Cannot mark packets with ${mark}: it has to be one bit of 32`);
  }
  const { podCidrs = [], podInterface } = options;
  return {
    ranges: options.serviceCidrs,
    loadBalancerCidrs: options.loadBalancerCidrs ?? [],
    podCidrs: podCidrs === 'of-the-node' ? (node.podCidrs ?? []) : podCidrs,
    podInterface,
    nodeAddresses: node.addresses,
    nodePortRanges: nodePortRanges(nodePortAddresses, node.addresses),
    hasLocalhost: options.localhostNodePorts ?? true,
    isLocalhostShared: options.isLocalhostShared ?? false,
    mark,
    masqueradeAll: options.masqueradeAll ?? false,
    isConntrackLiberal: options.isConntrackLiberal ?? false,
  };
}

const EVERYWHERE: readonly Cidr[] = [
  { family: 4, base: 0n, prefix: 0 },
  { family: 6, base: 0n, prefix: 0 },
];

function nodePortRanges(addresses: NodePortAddresses, nodeAddresses: readonly string[]): readonly Cidr[] {
  if (addresses === 'all') return EVERYWHERE;
  return addresses === 'primary' ? hostRanges(nodeAddresses) : addresses;
}

/** Whether the rules for both are the same. */
export function isSameSettings(a: RulesetSettings, b: RulesetSettings): boolean {
  return settingsText(a) === settingsText(b);
}

function settingsText({ ranges, podCidrs, nodePortRanges, nodeAddresses }: RulesetSettings): string {
  const cidrs = [ranges, podCidrs, nodePortRanges].map((list) => list.map(formatCidr).join(' '));
  return [...cidrs, nodeAddresses.join(' ')].join('/');
}
