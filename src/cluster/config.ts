import { cidrAddress, cidrSize, cidrsOverlap, cidrSubnet, formatCidr, parseCidr, type Cidr } from '#base/cidr.ts';
import { CodedError } from '#base/errors.ts';
import { formatIp } from '#base/ip.ts';

/** What a cluster is made of. Settled when it is created and kept in its state directory from then on. */
export interface ClusterConfig {
  readonly name: string;
  readonly nodes: number;
  /** One IPv4 range: `10.96.0.0/12`. */
  readonly serviceCidr: string;
  readonly podCidr: string;
  /** 0: any free port, chosen at the first start and kept. */
  readonly apiPort: number;
  readonly proxyMode: 'nftables';
  readonly storage: 'sqlite';
}

export const DEFAULT_CONFIG: ClusterConfig = Object.freeze({
  name: 'default',
  nodes: 1,
  serviceCidr: '10.96.0.0/12',
  podCidr: '10.244.0.0/16',
  apiPort: 0,
  proxyMode: 'nftables',
  storage: 'sqlite',
});

/** What every name of the cluster ends with. */
export const CLUSTER_DOMAIN = 'cluster.local';

/** The network that joins the nodes; it exists inside the cluster's own namespaces only. */
export const FABRIC_CIDR = '172.18.0.0/16';

export interface NodePlan {
  readonly name: string;
  readonly address: string;
  readonly podCidr: string;
}

/** Every address of the cluster that follows from its configuration. */
export interface NetworkPlan {
  readonly serviceCidr: Cidr;
  readonly podCidr: Cidr;
  readonly fabric: Cidr;
  /** API server and DNS on the fabric. */
  readonly controlAddress: string;
  /** ClusterIP of default/kubernetes: the first of the range. */
  readonly kubernetesIp: string;
  /** ClusterIP of kube-system/kube-dns: the tenth of the range. */
  readonly dnsIp: string;
  readonly nodes: readonly NodePlan[];
}

/** Length of each node's Pod range. */
const NODE_PREFIX = 24;

const invalid = (message: string, hint: string): CodedError => new CodedError('ECONFIG', message, { hint });

/** @throws CodedError `ECONFIG` with a hint, naming the first thing that is wrong. */
export function checkConfig(config: ClusterConfig): void {
  if (!/^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$/.test(config.name)) {
    throw invalid(
      `Cannot name a cluster "${config.name}": a name has up to 40 lower-case letters, digits and dashes`,
      'choose another --name',
    );
  }
  if (!Number.isInteger(config.nodes) || config.nodes < 1 || config.nodes > 100) {
    throw invalid(`Cannot start ${config.nodes} nodes: it must be a number from 1 to 100`, 'choose another --nodes');
  }
  if (!Number.isInteger(config.apiPort) || config.apiPort < 0 || config.apiPort > 65_535) {
    throw invalid(
      `Cannot listen on port ${config.apiPort}: it must be a number from 0 to 65535`,
      'choose another --api-port',
    );
  }
  planNetwork(config);
}

/** @throws CodedError `ECONFIG` when the ranges are malformed, too small or overlap. */
export function planNetwork(config: ClusterConfig): NetworkPlan {
  const serviceCidr = readCidr('--service-cidr', config.serviceCidr);
  const podCidr = readCidr('--pod-cidr', config.podCidr);
  const fabric = readCidr('fabric', FABRIC_CIDR);
  refuseOverlap('--service-cidr', serviceCidr, '--pod-cidr', podCidr);
  refuseOverlap('--service-cidr', serviceCidr, 'the network of the nodes', fabric);
  refuseOverlap('--pod-cidr', podCidr, 'the network of the nodes', fabric);
  if (cidrSize(serviceCidr) < 16n || serviceCidr.prefix < 12) {
    throw invalid(
      `Cannot use --service-cidr ${config.serviceCidr}: it must be a range between /12 and /28`,
      'choose another range',
    );
  }
  if (podCidr.prefix > NODE_PREFIX || cidrSize(podCidr) / 256n < BigInt(config.nodes)) {
    throw invalid(
      `Cannot use --pod-cidr ${config.podCidr}: each of the ${config.nodes} nodes takes a /${NODE_PREFIX} of it`,
      'choose a larger range',
    );
  }
  const nodes = Array.from({ length: config.nodes }, (_, i) => ({
    name: `node-${i + 1}`,
    address: formatIp(cidrAddress(fabric, i + 2)),
    podCidr: formatCidr(cidrSubnet(podCidr, NODE_PREFIX, i)),
  }));
  return {
    serviceCidr,
    podCidr,
    fabric,
    controlAddress: formatIp(cidrAddress(fabric, 1)),
    kubernetesIp: formatIp(cidrAddress(serviceCidr, 1)),
    dnsIp: formatIp(cidrAddress(serviceCidr, 10)),
    nodes,
  };
}

/** What the API server is called: the names and addresses of its certificate. */
export function serverNames(plan: NetworkPlan): readonly string[] {
  const service = [
    'kubernetes',
    'kubernetes.default',
    'kubernetes.default.svc',
    'kubernetes.default.svc.cluster.local',
  ];
  return ['localhost', ...service, '127.0.0.1', plan.kubernetesIp, plan.controlAddress];
}

function readCidr(what: string, text: string): Cidr {
  const cidr = parseCidr(text);
  if (cidr === undefined || cidr.family !== 4) {
    throw invalid(
      `Cannot use ${what} "${text}": it must be an IPv4 range such as 10.96.0.0/12`,
      'choose another range',
    );
  }
  return cidr;
}

function refuseOverlap(nameA: string, a: Cidr, nameB: string, b: Cidr): void {
  if (!cidrsOverlap(a, b)) return;
  throw invalid(
    `Cannot use ${nameA} ${formatCidr(a)}: it overlaps ${nameB} ${formatCidr(b)}`,
    'choose ranges that have no address in common',
  );
}
