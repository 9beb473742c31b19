import type { DaemonSet, Node, NodeAffinity, Pod, Toleration } from '#api/generated/types.ts';
import type { NewObject } from '#api/object.ts';
import { REVISION_HASH } from '../revision/controller-revision.ts';
import { isTolerated, matchesNode } from '#api/pod/node-fit.ts';
import { podFromTemplate } from '../pod-template.ts';

const TROUBLES: readonly Toleration[] = [
  { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/disk-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/memory-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/pid-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/unschedulable', operator: 'Exists', effect: 'NoSchedule' },
];
const NO_NETWORK: Toleration = {
  key: 'node.kubernetes.io/network-unavailable',
  operator: 'Exists',
  effect: 'NoSchedule',
};

/** What a node's troubles do not keep away from it, with those that the template has itself. */
function daemonTolerations(set: DaemonSet): readonly Toleration[] {
  const { tolerations = [], hostNetwork } = set.spec.template.spec ?? {};
  const added = hostNetwork === true ? [...TROUBLES, NO_NETWORK] : TROUBLES;
  const isAdded = ({ key, operator, effect, value = '' }: Toleration): boolean =>
    added.some((other) => other.key === key && other.operator === operator && other.effect === effect && value === '');
  return [...tolerations.filter((toleration) => !isAdded(toleration)), ...added];
}

/** The Pod for one node. The scheduler binds it, and is left no choice of node. */
export function daemonPod(set: DaemonSet, hash: string, nodeName: string): NewObject<Pod> {
  const { metadata, spec } = podFromTemplate(set, set.spec.template);
  return {
    metadata: { ...metadata, labels: { ...metadata.labels, ...generationLabel(set), [REVISION_HASH]: hash } },
    spec: {
      containers: [],
      ...spec,
      affinity: { ...spec?.affinity, nodeAffinity: onlyNode(spec?.affinity?.nodeAffinity, nodeName) },
      tolerations: daemonTolerations(set),
    },
  };
}

function generationLabel({ metadata }: DaemonSet): Readonly<Record<string, string>> {
  const generation = metadata.annotations?.['deprecated.daemonset.template.generation'];
  return generation === undefined ? {} : { 'pod-template-generation': generation };
}

/** What the template requires of a node the controller has looked at; what it prefers no longer matters but stays. */
function onlyNode(affinity: NodeAffinity | undefined, nodeName: string): NodeAffinity {
  const matchFields = [{ key: 'metadata.name', operator: 'In', values: [nodeName] }];
  return { ...affinity, requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields }] } };
}

/** Undefined when it is on no node and bound for none. */
export function targetNode({ spec }: Pod): string | undefined {
  if ((spec.nodeName ?? '') !== '') return spec.nodeName;
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  for (const { matchFields = [] } of required?.nodeSelectorTerms ?? []) {
    const named = matchFields.find(({ key, operator }) => key === 'metadata.name' && operator === 'In');
    if (named?.values?.length === 1) return named.values[0];
  }
  return undefined;
}

export interface DaemonFit {
  readonly shouldRun: boolean;
  /** One that runs there may stay: a taint that only keeps new Pods away does not drive it out. */
  readonly mayStay: boolean;
}

/** Models NodeShouldRunDaemonPod of v1.34. */
export function daemonFit(set: DaemonSet, node: Node): DaemonFit {
  const spec = set.spec.template.spec ?? { containers: [] };
  const named = spec.nodeName ?? '';
  if ((named !== '' && named !== node.metadata.name) || !matchesNode(spec, node)) {
    return { shouldRun: false, mayStay: false };
  }
  const tolerations = daemonTolerations(set);
  const untolerated = (node.spec.taints ?? []).filter((taint) => !isTolerated(taint, tolerations));
  const keepsAway = untolerated.some(({ effect }) => effect === 'NoSchedule' || effect === 'NoExecute');
  return { shouldRun: !keepsAway, mayStay: !untolerated.some(({ effect }) => effect === 'NoExecute') };
}
