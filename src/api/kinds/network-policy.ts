import { parseCidr } from '#base/cidr.ts';
import { age, ageColumn, column, nameColumn } from '../columns.ts';
import { defineKind } from '../define-kind.ts';
import { type FieldError, invalid, required, unsupported } from '../field-error.ts';
import type * as t from '../generated/types.ts';
import type { KindDefinition } from '../kind.ts';
import { selectorCell } from '../label-selector.ts';
import { checkPort, checkPortName } from '../names.ts';
import { networkPolicies } from '../resource.ts';
import { invalidAll } from '../validation.ts';
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

function validateBlock({ cidr = '', except = [] }: Partial<t.IPBlock>, at: string): FieldError[] {
  const why = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)';
  if (cidr === '') return [required(`${at}.cidr`)];
  const wrong = parseCidr(cidr, { masked: true }) === undefined ? [invalid(`${at}.cidr`, cidr, why)] : [];
  const exceptions = except.flatMap((block, i) =>
    parseCidr(block, { masked: true }) === undefined ? [invalid(`${at}.except[${i}]`, block, why)] : [],
  );
  return [...wrong, ...exceptions];
}

function validatePort({ port }: t.NetworkPolicyPort, at: string): FieldError[] {
  if (port === undefined) return [];
  return invalidAll(`${at}.port`, port, typeof port === 'string' ? checkPortName(port) : checkPort(port));
}

function validatePeer({ ipBlock, podSelector, namespaceSelector }: t.NetworkPolicyPeer, at: string): FieldError[] {
  return [
    ...(ipBlock === undefined ? [] : validateBlock(ipBlock, `${at}.ipBlock`)),
    ...(podSelector === undefined ? [] : validateSelector(podSelector, `${at}.podSelector`)),
    ...(namespaceSelector === undefined ? [] : validateSelector(namespaceSelector, `${at}.namespaceSelector`)),
  ];
}

function validateRule(rule: Rule, peers: readonly t.NetworkPolicyPeer[], at: string, side: string): FieldError[] {
  return [
    ...(rule.ports ?? []).flatMap((port, i) => validatePort(port, `${at}.ports[${i}]`)),
    ...peers.flatMap((peer, i) => validatePeer(peer, `${at}.${side}[${i}]`)),
  ];
}

function validate({ spec }: t.NetworkPolicy): FieldError[] {
  const types = ['Ingress', 'Egress'];
  return [
    ...validateSelector(spec.podSelector ?? {}, 'spec.podSelector'),
    ...(spec.ingress ?? []).flatMap((rule, i) => validateRule(rule, rule.from ?? [], `spec.ingress[${i}]`, 'from')),
    ...(spec.egress ?? []).flatMap((rule, i) => validateRule(rule, rule.to ?? [], `spec.egress[${i}]`, 'to')),
    ...(spec.policyTypes ?? []).flatMap((type, i) =>
      types.includes(type) ? [] : [unsupported(`spec.policyTypes[${i}]`, type, types)],
    ),
  ];
}

export const networkPolicy: KindDefinition<t.NetworkPolicy> = defineKind(networkPolicies, {
  shortNames: ['netpol'],
  singular: 'networkpolicy',
  generation: true,
  columns: [nameColumn, column('Pod-Selector', 'string', 'The Pods that it is about.'), ageColumn],
  row: (policy, now) => [policy.metadata.name, selectorCell(policy.spec.podSelector), age(policy, now)],
  defaults,
  validate,
});
