import { deepEqual } from '#api/equal.ts';
import type { ClusterRole, PolicyRule } from '#api/generated/types.ts';
import { matchesLabels, selectorFromObject } from '#api/label-selector.ts';

/** The rules of a ClusterRole that gathers those of others, in the order of their names; undefined for one that does not. */
export function gatheredRules(role: ClusterRole, all: readonly ClusterRole[]): readonly PolicyRule[] | undefined {
  if (role.aggregationRule === undefined) return undefined;
  const rules: PolicyRule[] = [];
  for (const selectorObject of role.aggregationRule.clusterRoleSelectors ?? []) {
    const selector = selectorFromObject(selectorObject);
    for (const other of all) {
      const { name, labels } = other.metadata;
      if (name === role.metadata.name || !matchesLabels(selector, labels)) continue;
      for (const rule of other.rules ?? []) if (!rules.some((known) => deepEqual(known, rule))) rules.push(rule);
    }
  }
  return rules;
}
