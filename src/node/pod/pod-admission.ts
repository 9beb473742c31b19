import type { Node, Pod } from '#api/generated/types.ts';
import { capacityOf, type Demand, demandOf, portsConflict } from '#api/pod/demand.ts';
import { isTolerated, matchesNode } from '#api/pod/node-fit.ts';
import { forbiddenSysctl } from './sysctl-policy.ts';

/** Why a Pod may not run here, in the words of a kubelet. */
export interface AdmissionRefusal {
  readonly reason: string;
  readonly message: string;
}

/**
 * Looks at a Pod that is bound to `node` as a kubelet does, whoever bound it: a scheduler has asked the same before,
 * others may not have. `present` are the demands of the Pods that it has taken in and that have not ended. Models
 * the admit handlers of kubelet.go of v1.34, above all lifecycle/predicate.go, without preemption.
 */
export function admissionRefusal(pod: Pod, node: Node, present: readonly Demand[]): AdmissionRefusal | undefined {
  return (
    sysctlRefusal(pod) ??
    osRefusal(pod) ??
    resourceRefusal(pod, node, present) ??
    placeRefusal(pod, node, present) ??
    appArmorRefusal(pod)
  );
}

function sysctlRefusal(pod: Pod): AdmissionRefusal | undefined {
  const why = forbiddenSysctl(pod);
  return why === undefined ? undefined : { reason: 'SysctlForbidden', message: `forbidden sysctl: ${why}` };
}

const OS_LABEL = 'kubernetes.io/os';

/** The label is looked for on the Pod; its node selector is one like any other. */
function osRefusal({ metadata, spec }: Pod): AdmissionRefusal | undefined {
  const label = metadata.labels?.[OS_LABEL];
  if (label !== undefined && label !== 'linux') {
    const message = `Failed to admit pod as the \`${OS_LABEL}\` label doesn't match node label`;
    return { reason: 'PodOSSelectorNodeLabelDoesNotMatch', message };
  }
  if (spec.os === undefined || spec.os.name === 'linux') return undefined;
  return { reason: 'PodOSNotSupported', message: "Failed to admit pod as the OS field doesn't match node OS" };
}

/** The first that is short. What others than the node lend, with a name of their own, is their business. */
function resourceRefusal(pod: Pod, node: Node, present: readonly Demand[]): AdmissionRefusal | undefined {
  const demand = demandOf(pod);
  const capacity = capacityOf(node);
  const used = (value: (demand: Demand) => number): number => present.reduce((sum, one) => sum + value(one), 0);
  const rows = [
    { name: 'pods', requested: 1, used: present.length, capacity: capacity.pods },
    { name: 'cpu', requested: demand.cpuMillis, used: used((one) => one.cpuMillis), capacity: capacity.cpuMillis },
    { name: 'memory', requested: demand.memory, used: used((one) => one.memory), capacity: capacity.memory },
    ...[...demand.others]
      .filter(([name]) => !name.includes('/') || node.status?.allocatable?.[name] !== undefined)
      .toSorted(([a], [b]) => Number(b === LOCAL_STORAGE) - Number(a === LOCAL_STORAGE))
      .map(([name, requested]) => ({
        name,
        requested,
        used: used((one) => one.others.get(name) ?? 0),
        capacity: capacity.other(name),
      })),
  ];
  const short = rows.find(({ requested, used, capacity }) => requested > 0 && requested > capacity - used);
  if (short === undefined) return undefined;
  const amounts = `requested: ${short.requested}, used: ${short.used}, capacity: ${short.capacity}`;
  return { reason: `OutOf${short.name}`, message: `Node didn't have enough resource: ${short.name}, ${amounts}` };
}

const LOCAL_STORAGE = 'ephemeral-storage';

function placeRefusal(pod: Pod, node: Node, present: readonly Demand[]): AdmissionRefusal | undefined {
  const { spec } = pod;
  if (!matchesNode(spec, node)) return predicate('NodeAffinity', "node(s) didn't match Pod's node affinity/selector");
  const taken = present.flatMap(({ hostPorts }) => hostPorts);
  if (demandOf(pod).hostPorts.some((port) => taken.some((other) => portsConflict(port, other))))
    return predicate('NodePorts', "node(s) didn't have free ports for the requested pod ports");
  const untolerated = node.spec.taints?.some(
    (taint) => taint.effect === 'NoExecute' && !isTolerated(taint, spec.tolerations ?? []),
  );
  return untolerated === true
    ? predicate('TaintToleration', "node(s) had taints that the pod didn't tolerate")
    : undefined;
}

function predicate(reason: string, why: string): AdmissionRefusal {
  return { reason, message: `Predicate ${reason} failed: ${why}` };
}

/** A profile of one's own is there to be enforced; that of the runtime is no more than a wish where there is none. */
function appArmorRefusal({ spec }: Pod): AdmissionRefusal | undefined {
  const wishes = [spec, ...spec.containers, ...(spec.initContainers ?? [])];
  if (!wishes.some(({ securityContext }) => securityContext?.appArmorProfile?.type === 'Localhost')) return undefined;
  return { reason: 'AppArmor', message: 'Cannot enforce AppArmor: AppArmor is not enabled on the host' };
}
