import { addressBits, cidrAddress, cidrSubnet, formatCidr, parseCidr, type Cidr } from '#base/cidr.ts';
import { formatIp, type IpFamily } from '#base/ip.ts';
import { configError, nodePrefixOf, readRanges, refuseOverlaps } from './address-ranges.ts';
import { membersOf, NO_RANGE, type ClusterConfig } from './config.ts';
import { labelsOf } from './members.ts';

/** The network that joins the nodes; it exists inside the cluster's own namespaces only. */
const FABRIC: Readonly<Record<IpFamily, string>> = { 4: '172.18.0.0/16', 6: 'fd00:172:18::/64' };

/** Lists hold one entry a family, the primary family first. */
export interface NodePlan {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly addresses: readonly string[];
  readonly podCidrs: readonly string[];
}

/** Every address of the cluster that follows from its configuration. Lists have the primary family first. */
export interface NetworkPlan {
  readonly serviceCidrs: readonly Cidr[];
  readonly podCidrs: readonly Cidr[];
  readonly fabrics: readonly Cidr[];
  readonly loadBalancerCidrs: readonly Cidr[];
  /** Of the control plane on the fabric; API server and DNS listen at the first. */
  readonly controlAddresses: readonly string[];
  /** ClusterIP of default/kubernetes: the first of the range. */
  readonly kubernetesIp: string;
  /** ClusterIP of kube-system/kube-dns: the tenth of the range. */
  readonly dnsIp: string;
  readonly nodes: readonly NodePlan[];
}

/** @throws CodedError `EUSAGE` when the ranges are malformed, too small or overlap. */
export function planNetwork(config: ClusterConfig): NetworkPlan {
  const serviceCidrs = readRanges('--service-cidr', config.serviceCidr);
  const podCidrs = readRanges('--pod-cidr', config.podCidr);
  const fabrics = serviceCidrs.flatMap(({ family }) => parseCidr(FABRIC[family]) ?? []);
  const balancers = config.loadBalancerCidr;
  const loadBalancerCidrs = balancers === NO_RANGE ? [] : readRanges('--load-balancer-cidr', balancers);
  refuseOverlaps([
    { name: '--service-cidr', ranges: serviceCidrs },
    { name: '--pod-cidr', ranges: podCidrs },
    { name: '--load-balancer-cidr', ranges: loadBalancerCidrs },
    { name: 'the network of the nodes', ranges: fabrics },
  ]);
  for (const range of serviceCidrs) checkServiceCidr(range);
  const members = membersOf(config);
  for (const range of podCidrs) checkPodCidr(range, Math.max(...members.map(({ number }) => number)));
  checkFamilies(config, serviceCidrs, podCidrs, loadBalancerCidrs);
  const defaults = { nodeLabels: config.nodeLabels ?? {}, zones: config.zones ?? [] };
  const nodes = members.map((member) => ({
    name: member.name,
    labels: labelsOf(member, defaults),
    addresses: fabrics.map((fabric) => formatIp(cidrAddress(fabric, member.number + 1))),
    podCidrs: podCidrs.map((range) => formatCidr(cidrSubnet(range, nodePrefixOf(range), member.number - 1))),
  }));
  const [primary = fabrics[0]] = serviceCidrs;
  if (primary === undefined) throw configError('Cannot plan a network without ranges', 'choose a --service-cidr');
  return {
    serviceCidrs,
    podCidrs,
    fabrics,
    loadBalancerCidrs,
    controlAddresses: fabrics.map((fabric) => formatIp(cidrAddress(fabric, 1))),
    kubernetesIp: formatIp(cidrAddress(primary, 1)),
    dnsIp: formatIp(cidrAddress(primary, 10)),
    nodes,
  };
}

/** As kube-apiserver bounds them; and a smaller one has no tenth address. */
const SERVICE_PREFIXES: Readonly<Record<IpFamily, readonly [least: number, most: number]>> = {
  4: [12, 28],
  6: [64, 124],
};

function checkServiceCidr(range: Cidr): void {
  const [least, most] = SERVICE_PREFIXES[range.family];
  if (range.prefix >= least && range.prefix <= most) return;
  throw configError(
    `Cannot use --service-cidr ${formatCidr(range)}: it must be a range between /${least} and /${most}`,
    'choose another range',
  );
}

function checkPodCidr(range: Cidr, nodes: number): void {
  const prefix = nodePrefixOf(range);
  if (prefix >= range.prefix && prefix <= addressBits(range.family) && 2 ** (prefix - range.prefix) >= nodes) return;
  throw configError(
    `Cannot use --pod-cidr ${formatCidr(range)}: each of the ${nodes} nodes takes a /${prefix} of it`,
    'choose a larger range',
  );
}

function checkFamilies(
  config: ClusterConfig,
  services: readonly Cidr[],
  pods: readonly Cidr[],
  balancers: readonly Cidr[],
): void {
  const families = services.map(({ family }) => family);
  if (families.join() !== pods.map(({ family }) => family).join()) {
    throw configError(
      `Cannot use --service-cidr ${config.serviceCidr} with --pod-cidr ${config.podCidr}: Services and Pods need the same families in the same order`,
      'give both, or one of them and have the other chosen',
    );
  }
  const other = balancers.find(({ family }) => !families.includes(family));
  if (other === undefined) return;
  throw configError(
    `Cannot use --load-balancer-cidr ${config.loadBalancerCidr}: the cluster has no IPv${other.family}`,
    'choose a range of a family that --service-cidr has',
  );
}

/** What the API server is called: the names and addresses of its certificate. */
export function serverNames(plan: NetworkPlan): readonly string[] {
  const service = [
    'kubernetes',
    'kubernetes.default',
    'kubernetes.default.svc',
    'kubernetes.default.svc.cluster.local',
  ];
  return ['localhost', ...service, '127.0.0.1', plan.kubernetesIp, ...plan.controlAddresses];
}
