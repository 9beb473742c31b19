import type { PolicyRule } from '#api/generated/types.ts';
import type { UserInfo } from '#api/request.ts';
import { quotedList } from '../quoted-list.ts';
import { urlCovers } from './rule.ts';

/** One verb on one resource (and name) or path: what a rule comes apart into. */
interface Right {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly name: string | undefined;
  readonly url: string | undefined;
}

function* rightsOf(rule: PolicyRule): Generator<Right, void, undefined> {
  for (const group of rule.apiGroups ?? []) {
    for (const resource of rule.resources ?? []) {
      for (const name of rule.resourceNames?.length ? rule.resourceNames : [undefined]) {
        for (const verb of rule.verbs) yield { verb, group, resource, name, url: undefined };
      }
    }
  }
  for (const url of rule.nonResourceURLs ?? []) {
    for (const verb of rule.verbs) yield { verb, group: '', resource: '', name: undefined, url };
  }
}

function holds(list: readonly string[] | undefined, wanted: string): boolean {
  return list !== undefined && (list.includes('*') || list.includes(wanted));
}

/** A wildcard is covered by a wildcard only. */
function covers(held: PolicyRule, { verb, group, resource, name, url }: Right): boolean {
  if (!holds(held.verbs, verb)) return false;
  if (url !== undefined) return held.nonResourceURLs?.some((own) => urlCovers(own, url)) ?? false;
  const subresource = resource.split('/')[1];
  const named =
    holds(held.resources, resource) ||
    (subresource !== undefined && (held.resources?.includes(`*/${subresource}`) ?? false));
  if (!named || !holds(held.apiGroups, group)) return false;
  const names = held.resourceNames ?? [];
  return names.length === 0 || (name !== undefined && names.includes(name));
}

/** Rights of `wanted` that nothing of `held` covers, verbs of the same thing in one rule. */
export function missingRules(held: readonly PolicyRule[], wanted: readonly PolicyRule[]): readonly PolicyRule[] {
  const byThing = new Map<string, Right[]>();
  for (const rule of wanted) {
    for (const right of rightsOf(rule)) {
      if (held.some((own) => covers(own, right))) continue;
      // Paths are told one verb at a time.
      const thing = JSON.stringify([right.group, right.resource, right.name, right.url, right.url && right.verb]);
      byThing.set(thing, [...(byThing.get(thing) ?? []), right]);
    }
  }
  return [...byThing.values()].flatMap(([first, ...more]): readonly PolicyRule[] => {
    if (first === undefined) return [];
    const verbs = [...new Set([first, ...more].map(({ verb }) => verb))];
    if (first.url !== undefined) return [{ nonResourceURLs: [first.url], verbs }];
    const named = first.name === undefined ? {} : { resourceNames: [first.name] };
    return [{ apiGroups: [first.group], resources: [first.resource], ...named, verbs }];
  });
}

/** `{APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}`. */
function compact({
  apiGroups = [],
  resources = [],
  nonResourceURLs = [],
  resourceNames = [],
  verbs,
}: PolicyRule): string {
  const parts = [
    ['APIGroups', apiGroups],
    ['Resources', resources],
    ['NonResourceURLs', nonResourceURLs],
    ['ResourceNames', resourceNames],
    ['Verbs', verbs],
  ] as const;
  const shown = parts.filter(([, list]) => list.length > 0).map(([name, list]) => `${name}:${quotedList(list)}`);
  return `{${shown.join(', ')}}`;
}

/** Why somebody with the rules `held` may not hand out `wanted`; undefined when they may. */
export function escalationProblem(
  user: UserInfo,
  held: readonly PolicyRule[],
  wanted: readonly PolicyRule[],
): string | undefined {
  const missing = missingRules(held, wanted);
  if (missing.length === 0) return undefined;
  const who = `user ${JSON.stringify(user.username)} (groups=${quotedList(user.groups)})`;
  const lines = [...new Set(missing.map(compact))].sort();
  return `${who} is attempting to grant RBAC permissions not currently held:\n${lines.join('\n')}`;
}
