import type { LabelSelector, Pod, Taint, TopologySpreadConstraint } from '#api/generated/types.ts';
import { controllerOf } from '#api/object.ts';
import { isTolerated, matchesNode } from '#api/pod/node-fit.ts';
import { isTerminating } from '../pod-state.ts';
import type { Candidate } from './node-load.ts';
import { never, notNow, type Refusal } from './refusal.ts';
import { countPods, DomainCounts, selects, withOwnLabels } from './topology.ts';

/** How evenly a Pod and its likes are to be spread. */
export interface SpreadView {
  refusal(candidate: Candidate): Refusal | undefined;
  /** How crowded the domains of each of these nodes are; less is better. Undefined for a node that is in none. */
  crowds(candidates: readonly Candidate[]): readonly (number | undefined)[];
}

const REFUSAL = "node(s) didn't match pod topology spread constraints";
const SKEWED = notNow(REFUSAL);
const UNLABELLED = never(`${REFUSAL} (missing required label)`);
const HOST = 'kubernetes.io/hostname';
/** Of Pods that say nothing, upstream's system defaults. */
const DEFAULTS: readonly (readonly [topologyKey: string, maxSkew: number])[] = [
  [HOST, 3],
  ['topology.kubernetes.io/zone', 5],
];

interface Hard {
  readonly constraint: TopologySpreadConstraint;
  readonly counts: DomainCounts;
  readonly least: number;
  /** 1 where the Pod itself will count. */
  readonly self: number;
}

interface Soft {
  readonly counts: DomainCounts;
  readonly maxSkew: number;
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
  return {
    refusal({ node }) {
      if (hard.some(({ counts }) => counts.domainOf(node) === undefined)) return UNLABELLED;
      const isSkewed = hard.some(
        ({ constraint, counts, least, self }) => counts.of(node) + self - least > constraint.maxSkew,
      );
      return isSkewed ? SKEWED : undefined;
    },
    crowds(candidates) {
      if (constraints.length === 0) return crowdsOf(candidates, ownerCounts(pod, all), false);
      const soft = constraints.filter((constraint) => !isHard(constraint));
      const counted = soft.map((constraint) => ({
        counts: countSame(pod, all, constraint, []),
        maxSkew: constraint.maxSkew,
      }));
      return crowdsOf(candidates, counted, true);
    },
  };
}

/** Where a Pod says nothing, those of its owner are its likes. One without an owner has none. */
function ownerCounts(pod: Pod, all: readonly Candidate[]): readonly Soft[] {
  if (controllerOf(pod) === undefined) return [];
  return DEFAULTS.map(([topologyKey, maxSkew]) => {
    const counts = new DomainCounts(topologyKey);
    for (const { node, load } of all) counts.add(node, load.ofOwner(pod));
    return { counts, maxSkew };
  });
}

function crowdsOf(
  candidates: readonly Candidate[],
  soft: readonly Soft[],
  needsAll: boolean,
): readonly (number | undefined)[] {
  const weights = soft.map(({ counts }) => {
    const domains = new Set(candidates.map(({ node }) => counts.domainOf(node)));
    domains.delete(undefined);
    return Math.log(domains.size + 2);
  });
  return candidates.map(({ node }) => {
    if (needsAll && soft.some(({ counts }) => counts.domainOf(node) === undefined)) return undefined;
    const parts = soft.map(({ counts, maxSkew }, i) =>
      counts.domainOf(node) === undefined ? 0 : counts.of(node) * (weights[i] ?? 0) + (maxSkew - 1),
    );
    return Math.round(parts.reduce((sum, part) => sum + part, 0));
  });
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

function selectorOf(pod: Pod, { labelSelector, matchLabelKeys }: TopologySpreadConstraint): LabelSelector | undefined {
  return withOwnLabels(labelSelector, pod, matchLabelKeys);
}
