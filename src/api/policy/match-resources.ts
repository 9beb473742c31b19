import { type AdmissionSubject, matchesRule, validateRule } from '../admission/webhook-rule.ts';
import { duplicate, type FieldError, invalid, required, unsupported } from '../field-error.ts';
import type { MatchResources, NamedRuleWithOperations } from '../generated/types.ts';
import { pathSegmentName } from '../names.ts';
import { validateSelector } from '../workload.ts';

export function matchDefaults(match: MatchResources): MatchResources {
  const scoped = (rules: readonly NamedRuleWithOperations[]): NamedRuleWithOperations[] =>
    rules.map((rule) => ({ ...rule, scope: rule.scope ?? '*' }));
  const { resourceRules, excludeResourceRules } = match;
  return {
    ...match,
    matchPolicy: match.matchPolicy ?? 'Equivalent',
    namespaceSelector: match.namespaceSelector ?? {},
    objectSelector: match.objectSelector ?? {},
    ...(resourceRules === undefined ? {} : { resourceRules: scoped(resourceRules) }),
    ...(excludeResourceRules === undefined ? {} : { excludeResourceRules: scoped(excludeResourceRules) }),
  };
}

export function validateMatchResources(match: MatchResources, field: string): FieldError[] {
  const { matchPolicy = '', namespaceSelector = {}, objectSelector = {} } = match;
  const policies = ['Equivalent', 'Exact'];
  return [
    ...(policies.includes(matchPolicy) ? [] : [unsupported(`${field}.matchPolicy`, matchPolicy, policies)]),
    ...validateSelector(namespaceSelector, `${field}.namespaceSelector`),
    ...validateSelector(objectSelector, `${field}.objectSelector`),
    ...(['resourceRules', 'excludeResourceRules'] as const).flatMap((key) =>
      (match[key] ?? []).flatMap((rule, i) => validateNamedRule(rule, `${field}.${key}[${i}]`)),
    ),
  ];
}

function validateNamedRule(rule: NamedRuleWithOperations, field: string): FieldError[] {
  const names = rule.resourceNames ?? [];
  const errors = names.flatMap((name, i) => {
    const at = `${field}.resourceNames[${i}]`;
    const wrong = pathSegmentName(name, false).map((why) => invalid(at, name, why));
    return names.indexOf(name) < i ? [...wrong, duplicate(at, name)] : wrong;
  });
  return [...errors, ...validateRule(rule, field)];
}

/** Of a policy, which has to be about something. */
export function validateMatchConstraints(match: MatchResources | undefined, field: string): FieldError[] {
  if (match === undefined) return [required(field)];
  const rules = match.resourceRules ?? [];
  return [...validateMatchResources(match, field), ...(rules.length === 0 ? [required(`${field}.resourceRules`)] : [])];
}

/** Whether one of the rules is about this, by this name. */
export function matchesNamedRule(
  rules: readonly NamedRuleWithOperations[],
  subject: AdmissionSubject,
  name: string,
): boolean {
  return rules.some((rule) => {
    const { resourceNames = [] } = rule;
    return matchesRule(rule, subject) && (resourceNames.length === 0 || resourceNames.includes(name));
  });
}
