import type { Pod, PodAffinityTerm, WeightedPodAffinityTerm } from '#api/generated/types.ts';
import type { Candidate } from './node-load.ts';
import { never, notNow, type Refusal } from './refusal.ts';
import { countPods, DomainCounts, type NamespaceLabels, termMatches } from './topology.ts';

/** What other Pods say about where a Pod may go and would rather go. */
export interface AffinityView {
  refusal(candidate: Candidate): Refusal | undefined;
  /** More is better. */
  preference(candidate: Candidate): number;
}

const NOT_NEAR = never("node(s) didn't match pod affinity rules");
const NOT_FAR = notNow("node(s) didn't match pod anti-affinity rules");
const KEPT_AWAY = notNow("node(s) didn't satisfy existing pods anti-affinity rules");
/** What somebody's hard wish to be near a Pod weighs in the choice of that Pod's node. */
const HARD_WEIGHT = 1;

function requiredAffinity({ spec }: Pod): readonly PodAffinityTerm[] {
  return spec.affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
}

function requiredAntiAffinity({ spec }: Pod): readonly PodAffinityTerm[] {
  return spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
}

function preferences({ spec }: Pod): readonly { readonly weight: number; readonly term: PodAffinityTerm }[] {
  const { podAffinity, podAntiAffinity } = spec.affinity ?? {};
  const weigh = (
    terms: readonly WeightedPodAffinityTerm[] = [],
    sign: number,
  ): { weight: number; term: PodAffinityTerm }[] =>
    terms.map(({ weight, podAffinityTerm }) => ({ weight: sign * weight, term: podAffinityTerm }));
  return [
    ...weigh(podAffinity?.preferredDuringSchedulingIgnoredDuringExecution, 1),
    ...weigh(podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution, -1),
  ];
}

/** Models the plugin interpodaffinity of v1.34. */
export function viewAffinity(pod: Pod, all: readonly Candidate[], labelsOf: NamespaceLabels): AffinityView {
  const count = (term: PodAffinityTerm): DomainCounts =>
    countPods(all, term.topologyKey, (other) => termMatches(term, pod, other, labelsOf));
  const near = requiredAffinity(pod).map((term) => ({ term, counts: count(term) }));
  const far = requiredAntiAffinity(pod).map((term) => count(term));
  const preferred = preferences(pod).map(({ weight, term }) => ({ weight, counts: count(term) }));
  // The first of Pods that want to be near each other has nobody to be near to.
  const isFirst = near.every(({ term, counts }) => counts.total === 0 && termMatches(term, pod, pod, labelsOf));
  const { repelled, liked } = wishesOfOthers(pod, all, labelsOf);
  return {
    refusal({ node }) {
      const lonely = near.some(
        ({ counts }) => counts.domainOf(node) === undefined || (!isFirst && counts.of(node) === 0),
      );
      if (lonely) return NOT_NEAR;
      if (far.some((counts) => counts.of(node) > 0)) return NOT_FAR;
      return repelled.some((counts) => counts.of(node) > 0) ? KEPT_AWAY : undefined;
    },
    preference: ({ node }) =>
      preferred.reduce((sum, { weight, counts }) => sum + weight * counts.of(node), 0) +
      liked.reduce((sum, counts) => sum + counts.of(node), 0),
  };
}

interface Wishes {
  /** Where somebody is who must not be near the Pod. */
  readonly repelled: readonly DomainCounts[];
  /** The weights of those who would rather be near it, or far. */
  readonly liked: readonly DomainCounts[];
}

function wishesOfOthers(pod: Pod, all: readonly Candidate[], labelsOf: NamespaceLabels): Wishes {
  const repelled = new Map<string, DomainCounts>();
  const liked = new Map<string, DomainCounts>();
  for (const { node, load } of all) {
    for (const other of load.social) {
      const note = (into: Map<string, DomainCounts>, term: PodAffinityTerm, weight: number): void => {
        if (!termMatches(term, other, pod, labelsOf)) return;
        const counts = into.get(term.topologyKey) ?? new DomainCounts(term.topologyKey);
        counts.add(node, weight);
        into.set(term.topologyKey, counts);
      };
      for (const term of requiredAntiAffinity(other)) note(repelled, term, 1);
      for (const term of requiredAffinity(other)) note(liked, term, HARD_WEIGHT);
      for (const { weight, term } of preferences(other)) note(liked, term, weight);
    }
  }
  return { repelled: [...repelled.values()], liked: [...liked.values()] };
}
