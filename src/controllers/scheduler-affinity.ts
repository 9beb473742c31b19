import { type Pod, type PodAffinityTerm, type WeightedPodAffinityTerm } from '#api/generated/types.ts';
import { type Candidate } from './scheduler-node.ts';
import { countPods, DomainCounts, type NamespaceLabels, termMatches } from './scheduler-topology.ts';

/** What other Pods say about where a Pod may go and would rather go. */
export interface AffinityView {
  /** Why not to this node, in upstream's words. */
  refusal(candidate: Candidate): string | undefined;
  /** More is better. */
  preference(candidate: Candidate): number;
}

function requiredAntiAffinity({ spec }: Pod): readonly PodAffinityTerm[] {
  return spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
}

/** Models the plugin interpodaffinity of v1.34, but for preferences that Pods on the nodes have. */
export function viewAffinity(pod: Pod, all: readonly Candidate[], labelsOf: NamespaceLabels): AffinityView {
  const { podAffinity, podAntiAffinity } = pod.spec.affinity ?? {};
  const count = (term: PodAffinityTerm): DomainCounts =>
    countPods(all, term.topologyKey, (other) => termMatches(term, pod, other, labelsOf));
  const near = (podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).map((term) => ({
    term,
    counts: count(term),
  }));
  const far = requiredAntiAffinity(pod).map((term) => count(term));
  const weigh = (terms: readonly WeightedPodAffinityTerm[] | undefined, sign: number): Weighed[] =>
    (terms ?? []).map(({ weight, podAffinityTerm }) => ({ weight: sign * weight, counts: count(podAffinityTerm) }));
  const preferred = [
    ...weigh(podAffinity?.preferredDuringSchedulingIgnoredDuringExecution, 1),
    ...weigh(podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution, -1),
  ];
  // The first of Pods that want to be near each other has nobody to be near to.
  const isFirst = near.every(({ term, counts }) => counts.total === 0 && termMatches(term, pod, pod, labelsOf));
  const repelled = repulsions(pod, all, labelsOf);
  return {
    refusal({ node }) {
      const lonely = near.some(
        ({ counts }) => counts.domainOf(node) === undefined || (!isFirst && counts.of(node) === 0),
      );
      if (lonely) return "node(s) didn't match pod affinity rules";
      if (far.some((counts) => counts.of(node) > 0)) return "node(s) didn't match pod anti-affinity rules";
      const isRepelled = repelled.some((counts) => counts.of(node) > 0);
      return isRepelled ? "node(s) didn't satisfy existing pods anti-affinity rules" : undefined;
    },
    preference: ({ node }) => preferred.reduce((sum, { weight, counts }) => sum + weight * counts.of(node), 0),
  };
}

interface Weighed {
  readonly weight: number;
  readonly counts: DomainCounts;
}

/** Pods that are there and do not want this one near. */
function repulsions(pod: Pod, all: readonly Candidate[], labelsOf: NamespaceLabels): readonly DomainCounts[] {
  const byKey = new Map<string, DomainCounts>();
  for (const { node, load } of all) {
    for (const other of load.repellent) {
      for (const term of requiredAntiAffinity(other)) {
        if (!termMatches(term, other, pod, labelsOf)) continue;
        const counts = byKey.get(term.topologyKey) ?? new DomainCounts(term.topologyKey);
        counts.add(node, 1);
        byKey.set(term.topologyKey, counts);
      }
    }
  }
  return [...byKey.values()];
}
