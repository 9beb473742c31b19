import { type LabelSelector, type Pod, type Taint, type TopologySpreadConstraint } from '#api/generated/types.ts';
import { isTolerated, matchesNode } from './node-fit.ts';
import { isTerminating } from './pod-state.ts';
import { type Candidate } from './scheduler-node.ts';
import { countPods, type DomainCounts, selects } from './scheduler-topology.ts';

export interface SpreadView {
  /** Why not to this node, in upstream's words. */
  refusal(candidate: Candidate): string | undefined;
  /** Pods of the same kind that are there already, by the constraints that only wish. Less is better. */
  crowd(candidate: Candidate): number;
}

const REFUSAL = "node(s) didn't match pod topology spread constraints";

interface Hard {
  readonly constraint: TopologySpreadConstraint;
  readonly counts: DomainCounts;
  readonly least: number;
  /** 1 where the Pod itself will count. */
  readonly self: number;
}

/** Models the plugin podtopologyspread of v1.34. */
export function viewSpread(pod: Pod, all: readonly Candidate[]): SpreadView {
  const constraints = pod.spec.topologySpreadConstraints ?? [];
  const isHard = ({ whenUnsatisfiable }: TopologySpreadConstraint): boolean => whenUnsatisfiable !== 'ScheduleAnyway';
  const hardKeys = constraints.filter(isHard).map(({ topologyKey }) => topologyKey);
  const hard = constraints.filter(isHard).map((constraint): Hard => {
    const counts = countSame(pod, all, constraint, hardKeys);
    const least = counts.size === 0 || counts.size < (constraint.minDomains ?? 1) ? 0 : counts.least;
    return { constraint, counts, least, self: selects(selectorOf(pod, constraint), pod.metadata.labels) ? 1 : 0 };
  });
  const soft = constraints
    .filter((constraint) => !isHard(constraint))
    .map((constraint) => countSame(pod, all, constraint, []));
  return {
    refusal({ node }) {
      if (hard.some(({ counts }) => counts.domainOf(node) === undefined)) return `${REFUSAL} (missing required label)`;
      const isSkewed = hard.some(
        ({ constraint, counts, least, self }) => counts.of(node) + self - least > constraint.maxSkew,
      );
      return isSkewed ? REFUSAL : undefined;
    },
    crowd: ({ node }) => soft.reduce((sum, counts) => sum + counts.of(node), 0),
  };
}

/** Domains that the Pod could not go to anyway do not count as empty ones. */
function countSame(
  pod: Pod,
  all: readonly Candidate[],
  constraint: TopologySpreadConstraint,
  keys: readonly string[],
): DomainCounts {
  const selector = selectorOf(pod, constraint);
  const eligible = all.filter(({ node }) => {
    if (keys.some((key) => node.metadata.labels?.[key] === undefined)) return false;
    if (constraint.nodeAffinityPolicy !== 'Ignore' && !matchesNode(pod.spec, node)) return false;
    const keepsAway = ({ effect }: Taint): boolean => effect !== 'PreferNoSchedule';
    const taints = constraint.nodeTaintsPolicy === 'Honor' ? (node.spec.taints ?? []).filter(keepsAway) : [];
    return taints.every((taint) => isTolerated(taint, pod.spec.tolerations ?? []));
  });
  const { namespace } = pod.metadata;
  return countPods(
    eligible,
    constraint.topologyKey,
    (other) =>
      other.metadata.namespace === namespace && !isTerminating(other) && selects(selector, other.metadata.labels),
  );
}

/** `matchLabelKeys` ask for the Pod's own values, so that each revision of a template is spread by itself. */
function selectorOf(
  pod: Pod,
  { labelSelector, matchLabelKeys = [] }: TopologySpreadConstraint,
): LabelSelector | undefined {
  if (labelSelector === undefined || matchLabelKeys.length === 0) return labelSelector;
  const own = matchLabelKeys.flatMap((key): [string, string][] => {
    const value = pod.metadata.labels?.[key];
    return value === undefined ? [] : [[key, value]];
  });
  return { ...labelSelector, matchLabels: { ...labelSelector.matchLabels, ...Object.fromEntries(own) } };
}
