import { age, ageColumn, column, nameColumn } from '../columns.ts';
import { defineKind } from '../define-kind.ts';
import type * as t from '../generated/types.ts';
import { type KindDefinition } from '../kind.ts';
import { selectorCell } from '../label-selector.ts';
import { networkPolicies } from '../resource.ts';
import { validateSelector } from '../workload.ts';

interface Rule {
  readonly ports?: readonly t.NetworkPolicyPort[] | undefined;
}

function ruleDefaults<R extends Rule>(rule: R): R {
  if (rule.ports === undefined) return rule;
  return { ...rule, ports: rule.ports.map((port) => ({ ...port, protocol: port.protocol ?? 'TCP' })) };
}

function defaults(policy: t.NetworkPolicy): t.NetworkPolicy {
  const { spec: given } = policy;
  const types = (given.egress ?? []).length > 0 ? ['Ingress', 'Egress'] : ['Ingress'];
  return {
    ...policy,
    spec: {
      ...given,
      podSelector: given.podSelector ?? {},
      policyTypes: given.policyTypes ?? types,
      ...(given.ingress === undefined ? {} : { ingress: given.ingress.map(ruleDefaults) }),
      ...(given.egress === undefined ? {} : { egress: given.egress.map(ruleDefaults) }),
    },
  };
}

export const networkPolicy: KindDefinition<t.NetworkPolicy> = defineKind(networkPolicies, {
  shortNames: ['netpol'],
  singular: 'networkpolicy',
  generation: true,
  columns: [nameColumn, column('Pod-Selector', 'string', 'The Pods that it is about.'), ageColumn],
  row: (policy, now) => [policy.metadata.name, selectorCell(policy.spec.podSelector), age(policy, now)],
  defaults,
  validate: ({ spec }) => validateSelector(spec.podSelector ?? {}, 'spec.podSelector'),
});
