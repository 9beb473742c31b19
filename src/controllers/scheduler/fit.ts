import type { Node, Pod, Taint } from '#api/generated/types.ts';
import { isTolerated, matchesNode } from '#api/pod/node-fit.ts';
import type { AffinityView } from './affinity.ts';
import type { ClaimView } from './claims.ts';
import { capacityOf, type Demand } from '#api/pod/demand.ts';
import type { Candidate, NodeLoad } from './node-load.ts';
import { never, notNow, type Refusal } from './refusal.ts';
import type { SpreadView } from './spread.ts';

/** A Pod with all that the others say about where it may go. */
export interface Applicant {
  readonly pod: Pod;
  readonly demand: Demand;
  readonly affinity: AffinityView;
  readonly spread: SpreadView;
  readonly claims: ClaimView;
}

/** Undefined where the Pod may go. In the order of upstream's plugins: the first that refuses is the one that is told. */
export function refusalOf(applicant: Applicant, candidate: Candidate): Refusal | undefined {
  const { pod, demand, affinity, spread, claims } = applicant;
  const own = ownRefusal(pod, demand, candidate);
  if (own !== undefined) return own;
  return claims.refusal(candidate.node) ?? spread.refusal(candidate) ?? affinity.refusal(candidate);
}

/** What node and Pod have to say, whoever else is there. */
export function ownRefusal(pod: Pod, demand: Demand, { node, load }: Candidate): Refusal | undefined {
  const { tolerations = [] } = pod.spec;
  const named = namedNodes(pod);
  if (named !== undefined && !named.has(node.metadata.name)) {
    return never("node(s) didn't satisfy plugin(s) [NodeAffinity]");
  }
  if (node.spec.unschedulable === true && !isTolerated(UNSCHEDULABLE, tolerations)) {
    return never('node(s) were unschedulable');
  }
  const taint = taintsOf(node).find(
    (candidate) => candidate.effect !== 'PreferNoSchedule' && !isTolerated(candidate, tolerations),
  );
  if (taint !== undefined) return never('node(s) had untolerated taint(s)');
  if (!matchesNode(pod.spec, node)) return never("node(s) didn't match Pod's node affinity/selector");
  if (load.hasPortConflict(demand.hostPorts))
    return notNow("node(s) didn't have free ports for the requested pod ports");
  return lackOf(demand, node, load);
}

/** The only nodes that a Pod may go to, as those of DaemonSets have it; undefined for one that names none. */
function namedNodes({ spec }: Pod): ReadonlySet<string> | undefined {
  const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  const names = terms.map(({ matchFields = [] }) =>
    matchFields.find(({ key, operator }) => key === 'metadata.name' && operator === 'In'),
  );
  if (names.length === 0 || names.includes(undefined)) return undefined;
  return new Set(names.flatMap((field) => field?.values ?? []));
}

/** Models the plugin noderesources of v1.34: what the node could not give if it were empty, no victim can make free. */
function lackOf(demand: Demand, node: Node, load: NodeLoad): Refusal | undefined {
  const capacity = capacityOf(node);
  const lacks: { readonly reason: string; readonly forever: boolean }[] = [];
  if (load.pods + 1 > capacity.pods) lacks.push({ reason: 'Too many pods', forever: false });
  const check = (name: string, wanted: number, used: number, total: number): void => {
    if (wanted > 0 && wanted > total - used) lacks.push({ reason: `Insufficient ${name}`, forever: wanted > total });
  };
  check('cpu', demand.cpuMillis, load.cpuMillis, capacity.cpuMillis);
  check('memory', demand.memory, load.memory, capacity.memory);
  for (const [name, wanted] of demand.others) check(name, wanted, load.other(name), capacity.other(name));
  if (lacks.length === 0) return undefined;
  return { reasons: lacks.map(({ reason }) => reason), curable: !lacks.some(({ forever }) => forever) };
}

const UNSCHEDULABLE: Taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };
const NOT_READY: Taint = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' };

/** A node that has not said it is ready is tainted so, whether or not somebody has written that down yet. */
export function taintsOf(node: Node): readonly Taint[] {
  const taints = node.spec.taints ?? [];
  const ready = node.status?.conditions?.find(({ type }) => type === 'Ready')?.status === 'True';
  return ready ? taints : [...taints, NOT_READY];
}
