import type { Lease, Node, NodeCondition, Taint } from '#api/generated/types.ts';
import { deepEqual } from '#api/equal.ts';

const NOT_READY = 'node.kubernetes.io/not-ready';
const UNREACHABLE = 'node.kubernetes.io/unreachable';
const UNSCHEDULABLE = 'node.kubernetes.io/unschedulable';

/** Conditions that keep new Pods away while they hold. */
const TROUBLES: Readonly<Record<string, string>> = {
  MemoryPressure: 'node.kubernetes.io/memory-pressure',
  DiskPressure: 'node.kubernetes.io/disk-pressure',
  PIDPressure: 'node.kubernetes.io/pid-pressure',
  NetworkUnavailable: 'node.kubernetes.io/network-unavailable',
};

/** Longer than four renewals of the lease. Upstream's --node-monitor-grace-period. */
export const GRACE_MS = 50_000;

/** When the node was last heard of, ms. */
export function lastSeen(node: Node, lease: Lease | undefined): number {
  const renewed = Date.parse(lease?.spec.renewTime ?? '');
  const heartbeat = Date.parse(readyCondition(node)?.lastHeartbeatTime ?? '');
  const times = [renewed, heartbeat, Date.parse(node.metadata.creationTimestamp)].filter((time) => !Number.isNaN(time));
  return Math.max(...times);
}

export function readyCondition(node: Node): NodeCondition | undefined {
  return node.status?.conditions?.find(({ type }) => type === 'Ready');
}

/** The conditions of a node that has gone silent, or undefined when they say so already. */
export function silentConditions(node: Node, timestamp: string): readonly NodeCondition[] | undefined {
  const before = node.status?.conditions ?? [];
  const types = new Set(['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure', ...before.map(({ type }) => type)]);
  const next = [...types].map((type): NodeCondition => {
    const old = before.find((condition) => condition.type === type);
    if (old?.status === 'Unknown') return old;
    return {
      type,
      status: 'Unknown',
      ...heartbeatOf(node, old),
      lastTransitionTime: timestamp,
      reason: old === undefined ? 'NodeStatusNeverUpdated' : 'NodeStatusUnknown',
      message: old === undefined ? 'Kubelet never posted node status.' : 'Kubelet stopped posting node status.',
    };
  });
  return deepEqual(before, next) ? undefined : next;
}

/** What was never said counts from the node's beginning. */
function heartbeatOf({ metadata }: Node, old: NodeCondition | undefined): Pick<NodeCondition, 'lastHeartbeatTime'> {
  const time = old === undefined ? metadata.creationTimestamp : old.lastHeartbeatTime;
  return time === undefined ? {} : { lastHeartbeatTime: time };
}

/** The taints that follow from the conditions and from cordoning, or undefined when the node has just these. */
export function healthTaints(node: Node, timestamp: string): readonly Taint[] | undefined {
  const before = node.spec.taints ?? [];
  const status = readyCondition(node)?.status;
  const troubles = (node.status?.conditions ?? []).filter(({ status: is }) => is === 'True');
  const wanted: Taint[] = [];
  const want = (key: string, effect: string): void => {
    const known = before.find((taint) => taint.key === key && taint.effect === effect);
    wanted.push(known ?? { key, effect, timeAdded: timestamp });
  };
  if (status === 'False') for (const effect of ['NoSchedule', 'NoExecute']) want(NOT_READY, effect);
  if (status === 'Unknown') for (const effect of ['NoSchedule', 'NoExecute']) want(UNREACHABLE, effect);
  if (status === undefined) want(NOT_READY, 'NoSchedule');
  if (node.spec.unschedulable === true) want(UNSCHEDULABLE, 'NoSchedule');
  for (const { type } of troubles) if (TROUBLES[type] !== undefined) want(TROUBLES[type], 'NoSchedule');
  const ours = new Set([NOT_READY, UNREACHABLE, UNSCHEDULABLE, ...Object.values(TROUBLES)]);
  const next = [...before.filter(({ key }) => !ours.has(key)), ...wanted];
  return next.length === before.length && next.every((taint) => before.includes(taint)) ? undefined : next;
}
