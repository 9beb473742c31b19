import type { LabelSelector, Node, Pod, PodAffinityTerm } from '#api/generated/types.ts';
import type { Candidate } from './node-load.ts';
import { matchesSelector } from '#api/selectors.ts';

/** Labels of a namespace; undefined for one that does not exist. */
export type NamespaceLabels = (namespace: string) => Readonly<Record<string, string>> | undefined;

/** How many Pods count in each domain, a domain being the nodes with one value of a label. */
export class DomainCounts {
  readonly #counts = new Map<string, number>();
  readonly #key: string;

  constructor(topologyKey: string) {
    this.#key = topologyKey;
  }

  /** Undefined on a node that is in no domain. */
  domainOf(node: Node): string | undefined {
    return node.metadata.labels?.[this.#key];
  }

  add(node: Node, count: number): void {
    const domain = this.domainOf(node);
    if (domain !== undefined) this.#counts.set(domain, (this.#counts.get(domain) ?? 0) + count);
  }

  of(node: Node): number {
    return this.#counts.get(this.domainOf(node) ?? '') ?? 0;
  }

  get size(): number {
    return this.#counts.size;
  }

  get least(): number {
    return Math.min(...this.#counts.values());
  }

  get total(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
  }
}

export function countPods(
  candidates: readonly Candidate[],
  topologyKey: string,
  isCounted: (pod: Pod) => boolean,
): DomainCounts {
  const counts = new DomainCounts(topologyKey);
  for (const { node, load } of candidates) {
    if (counts.domainOf(node) !== undefined) counts.add(node, load.count(isCounted));
  }
  return counts;
}

/** Whether a term of `owner` means the other Pod. Without namespaces it means those of its owner's. */
export function termMatches(term: PodAffinityTerm, owner: Pod, other: Pod, labelsOf: NamespaceLabels): boolean {
  const { namespaces = [], namespaceSelector, matchLabelKeys, mismatchLabelKeys } = term;
  const { namespace = '', labels } = other.metadata;
  const own = namespaces.length === 0 && namespaceSelector === undefined;
  const named = own ? namespace === owner.metadata.namespace : namespaces.includes(namespace);
  const selected = namespaceSelector !== undefined && matchesSelector(namespaceSelector, labelsOf(namespace));
  if (!named && !selected) return false;
  return selects(withOwnLabels(term.labelSelector, owner, matchLabelKeys, mismatchLabelKeys), labels);
}

/** `matchLabelKeys` ask for the Pod's own values and `mismatchLabelKeys` for others: so each revision is by itself. */
export function withOwnLabels(
  selector: LabelSelector | undefined,
  owner: Pod,
  matchKeys: readonly string[] = [],
  mismatchKeys: readonly string[] = [],
): LabelSelector | undefined {
  if (selector === undefined || (matchKeys.length === 0 && mismatchKeys.length === 0)) return selector;
  const own = (keys: readonly string[], operator: string): LabelSelector['matchExpressions'] =>
    keys.flatMap((key) => {
      const value = owner.metadata.labels?.[key];
      return value === undefined ? [] : [{ key, operator, values: [value] }];
    });
  const expressions = [...(own(matchKeys, 'In') ?? []), ...(own(mismatchKeys, 'NotIn') ?? [])];
  return { ...selector, matchExpressions: [...(selector.matchExpressions ?? []), ...expressions] };
}

/** No selector matches nothing, an empty one everything. */
export function selects(
  selector: LabelSelector | undefined,
  labels: Readonly<Record<string, string>> | undefined,
): boolean {
  return selector !== undefined && matchesSelector(selector, labels);
}
