import type { Node, NodeCondition, NodeStatus, NodeSystemInfo } from '#api/generated/types.ts';
import { rfc3339 } from '#base/clock.ts';
import type { ResolvConf } from './pod/resolv-conf.ts';

/** What the machine is, read once. */
export interface MachineFacts {
  readonly cpus: number;
  readonly memoryKiB: number;
  readonly diskKiB: number;
  readonly info: Pick<
    NodeSystemInfo,
    'architecture' | 'bootID' | 'kernelVersion' | 'machineID' | 'osImage' | 'systemUUID'
  >;
  /** /etc/hosts and /etc/resolv.conf. */
  readonly hosts: string;
  readonly resolvConf: ResolvConf;
}

export interface NodeIdentity {
  readonly name: string;
  /** One a family, the primary family first. */
  readonly addresses: readonly string[];
  readonly podCidrs: readonly string[];
  readonly maxPods: number;
  readonly labels: Readonly<Record<string, string>>;
  /** `v1.34.2` */
  readonly kubernetesVersion: string;
  readonly runtimeVersion: string;
  /** Why the limits of containers are not enforced; undefined when they are. */
  readonly limitsNotice?: string | undefined;
}

export function nodeLabels(identity: NodeIdentity, machine: MachineFacts): Readonly<Record<string, string>> {
  const arch = machine.info.architecture;
  return {
    'beta.kubernetes.io/arch': arch,
    'beta.kubernetes.io/os': 'linux',
    'kubernetes.io/arch': arch,
    'kubernetes.io/hostname': identity.name,
    'kubernetes.io/os': 'linux',
    ...identity.labels,
  };
}

export function allocatableOf(identity: Pick<NodeIdentity, 'maxPods'>, machine: MachineFacts): Record<string, string> {
  return {
    cpu: String(machine.cpus),
    'ephemeral-storage': `${machine.diskKiB}Ki`,
    memory: `${machine.memoryKiB}Ki`,
    pods: String(identity.maxPods),
  };
}

/** What somebody else says that the node has. */
function extendedOf(
  identity: Pick<NodeIdentity, 'maxPods'>,
  machine: MachineFacts,
  node: Node | undefined,
): Readonly<Record<string, string>> {
  const own = allocatableOf(identity, machine);
  return Object.fromEntries(Object.entries(node?.status?.capacity ?? {}).filter(([name]) => !(name in own)));
}

/** Names of what is to be had by Pods and not said to be there, or the other way around. */
export function unsettledResources({ status }: Node): readonly string[] {
  const { capacity = {}, allocatable = {} } = status ?? {};
  return [...new Set([...Object.keys(capacity), ...Object.keys(allocatable)])].filter(
    (name) => name in capacity !== name in allocatable,
  );
}

/** `old` keeps the times at which conditions last changed, and what others say that the node has. */
export function nodeStatus(
  identity: NodeIdentity,
  machine: MachineFacts,
  now: number,
  old: Node | undefined,
  diskPressure: boolean = false,
): NodeStatus {
  const capacity = { ...extendedOf(identity, machine, old), ...allocatableOf(identity, machine) };
  return {
    addresses: [
      ...identity.addresses.map((address) => ({ type: 'InternalIP', address })),
      { type: 'Hostname', address: identity.name },
    ],
    capacity,
    allocatable: capacity,
    conditions: nodeConditions(conditionsOf(identity, diskPressure), now, old?.status?.conditions ?? []),
    features: { supplementalGroupsPolicy: true },
    daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
    nodeInfo: {
      ...machine.info,
      operatingSystem: 'linux',
      containerRuntimeVersion: identity.runtimeVersion,
      kubeletVersion: identity.kubernetesVersion,
      // No longer set by anybody, but still required by its type.
      kubeProxyVersion: '',
    },
  };
}

type Condition = readonly [type: string, status: string, reason: string, message: string];

/** What is amiss with a node is a condition that is true, as node-problem-detector has it. */
function conditionsOf({ limitsNotice }: NodeIdentity, diskPressure: boolean): readonly Condition[] {
  const own = conditions.map((condition) =>
    diskPressure && condition[0] === 'DiskPressure' ? DISK_PRESSURE : condition,
  );
  if (limitsNotice === undefined) return own;
  return [['ResourceLimitsNotEnforced', 'True', 'CgroupsNotAvailable', limitsMessage(limitsNotice)], ...own];
}

const DISK_PRESSURE: Condition = ['DiskPressure', 'True', 'KubeletHasDiskPressure', 'kubelet has disk pressure'];

export function limitsMessage(notice: string): string {
  return `Limits of CPU, memory and processes are not enforced: ${notice}`;
}

const conditions: readonly Condition[] = [
  ['MemoryPressure', 'False', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'],
  ['DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'],
  ['PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
  ['Ready', 'True', 'KubeletReady', 'kubelet is posting ready status'],
];

function nodeConditions(
  conditions: readonly Condition[],
  now: number,
  old: readonly NodeCondition[],
): readonly NodeCondition[] {
  return conditions.map(([type, status, reason, message]) => {
    const before = old.find((condition) => condition.type === type);
    const lastTransitionTime = before?.status === status ? before.lastTransitionTime : undefined;
    return {
      type,
      status,
      lastHeartbeatTime: rfc3339(now),
      lastTransitionTime: lastTransitionTime ?? rfc3339(now),
      reason,
      message,
    };
  });
}
