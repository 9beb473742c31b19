import type { PolicyRule } from '#api/generated/types.ts';
import type { Attributes } from '../authorize.ts';

type ResourceAttributes = Extract<Attributes, { kind: 'resource' }>;
type List = readonly string[] | undefined;

function has(list: List, wanted: string): boolean {
  return list !== undefined && (list.includes('*') || list.includes(wanted));
}

// `pods/log` is named as a whole or, where it is of any resource, as `*/log`; plain `pods` does not hold it.
function hasResource(list: List, resource: string, subresource: string | undefined): boolean {
  if (list === undefined) return false;
  if (subresource === undefined || subresource === '') return has(list, resource);
  return has(list, `${resource}/${subresource}`) || list.includes(`*/${subresource}`);
}

/** A URL of a rule is whole, or a beginning with `*` at its end. */
export function urlCovers(allowed: string, path: string): boolean {
  return allowed === '*' || allowed === path || (allowed.endsWith('*') && path.startsWith(allowed.slice(0, -1)));
}

function allowsResource(rule: PolicyRule, { group, resource, subresource, name }: ResourceAttributes): boolean {
  const { apiGroups, resources, resourceNames } = rule;
  if (!has(apiGroups, group) || !hasResource(resources, resource, subresource)) return false;
  return resourceNames === undefined || resourceNames.length === 0 || resourceNames.includes(name ?? '');
}

export function ruleAllows(rule: PolicyRule, attributes: Attributes): boolean {
  if (!has(rule.verbs, attributes.verb)) return false;
  if (attributes.kind === 'resource') return allowsResource(rule, attributes);
  return rule.nonResourceURLs?.some((url) => urlCovers(url, attributes.path)) ?? false;
}
