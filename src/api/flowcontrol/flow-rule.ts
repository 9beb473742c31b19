import { type FieldError, forbidden, invalid, required, unsupported } from '../field-error.ts';
import type * as t from '../generated/types.ts';
import { checkDns1123Label, checkDns1123Subdomain } from '../names.ts';
import { invalidAll } from '../validation.ts';

const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'proxy', 'update', 'watch'];
const SUBJECT_KINDS = ['Group', 'ServiceAccount', 'User'];

/** Whose requests a schema is about, and which of them. */
export function validateFlowRule(rule: Partial<t.PolicyRulesWithSubjects>, at: string): FieldError[] {
  const { subjects = [], resourceRules = [], nonResourceRules = [] } = rule;
  const empty = resourceRules.length === 0 && nonResourceRules.length === 0;
  return [
    ...(subjects.length === 0 ? [required(`${at}.subjects`, 'subjects must contain at least one value')] : []),
    ...subjects.flatMap((subject, i) => validateSubject(subject, `${at}.subjects[${i}]`)),
    ...(empty ? [required(at, 'at least one of resourceRules and nonResourceRules has to be non-empty')] : []),
    ...resourceRules.flatMap((one, i) => validateResourceRule(one, `${at}.resourceRules[${i}]`)),
    ...nonResourceRules.flatMap((one, i) => validatePathRule(one, `${at}.nonResourceRules[${i}]`)),
  ];
}

const MEMBERS = { ServiceAccount: 'serviceAccount', User: 'user', Group: 'group' } as const;

function validateSubject(subject: Partial<t.FlowcontrolSubject>, at: string): FieldError[] {
  const { kind = '' } = subject;
  if (!SUBJECT_KINDS.includes(kind)) return [unsupported(`${at}.kind`, kind, SUBJECT_KINDS)];
  const own = MEMBERS[kind as keyof typeof MEMBERS];
  const others = Object.entries(MEMBERS).filter(([, member]) => member !== own && subject[member] !== undefined);
  return [
    ...validateNamed(subject, own, kind, `${at}.${own}`),
    ...others.map(([of, member]) =>
      forbidden(`${at}.${member}`, `${member} is forbidden when subject kind is not '${of}'`),
    ),
  ];
}

function validateNamed(
  subject: Partial<t.FlowcontrolSubject>,
  member: 'serviceAccount' | 'user' | 'group',
  kind: string,
  at: string,
): FieldError[] {
  const named = subject[member];
  if (named === undefined) return [required(at, `${member} is required when subject kind is '${kind}'`)];
  const { name = '' } = named;
  const nameless = name === '' ? [required(`${at}.name`)] : [];
  return member === 'serviceAccount' ? [...nameless, ...validateAccount(subject.serviceAccount ?? {}, at)] : nameless;
}

function validateAccount({ name = '', namespace = '' }: Partial<t.ServiceAccountSubject>, at: string): FieldError[] {
  return [
    ...(name === '' || name === '*' ? [] : invalidAll(`${at}.name`, name, checkDns1123Subdomain(name))),
    ...(namespace === ''
      ? [required(`${at}.namespace`, 'must specify namespace for service account')]
      : invalidAll(`${at}.namespace`, namespace, checkDns1123Label(namespace))),
  ];
}

function validateVerbs(verbs: readonly string[], at: string): FieldError[] {
  if (verbs.length === 0) return [required(at, 'verbs must contain at least one value')];
  if (verbs.includes('*')) return onlyAll(verbs, at, 'verbs');
  return verbs.every((verb) => VERBS.includes(verb)) ? [] : [unsupported(at, verbs, VERBS)];
}

function onlyAll(items: readonly string[], at: string, what: string): FieldError[] {
  const isMixed = items.length > 1 && items.includes('*');
  return isMixed ? [invalid(at, items, `if '*' is present, must not specify other ${what}`)] : [];
}

function validateResourceRule(rule: Partial<t.ResourcePolicyRule>, at: string): FieldError[] {
  const { verbs = [], apiGroups = [], resources = [] } = rule;
  return [
    ...validateVerbs(verbs, `${at}.verbs`),
    ...(apiGroups.length === 0
      ? [required(`${at}.apiGroups`, 'resource rules must supply at least one api group')]
      : onlyAll(apiGroups, `${at}.apiGroups`, 'api groups')),
    ...(resources.length === 0
      ? [required(`${at}.resources`, 'resource rules must supply at least one resource')]
      : onlyAll(resources, `${at}.resources`, 'resources')),
    ...validateNamespaces(rule, `${at}.namespaces`),
  ];
}

function validateNamespaces(
  { namespaces = [], clusterScope }: Partial<t.ResourcePolicyRule>,
  at: string,
): FieldError[] {
  if (namespaces.length === 0 && clusterScope !== true) {
    return [required(at, 'resource rules that are not cluster scoped must supply at least one namespace')];
  }
  if (namespaces.includes('*')) return onlyAll(namespaces, at, 'namespaces');
  return namespaces.flatMap((namespace, i) =>
    checkDns1123Label(namespace).map((why) =>
      invalid(`${at}[${i}]`, namespace, `each member of this list must be '*' or a DNS-1123 label; ${why}`),
    ),
  );
}

function validatePathRule({ verbs = [], nonResourceURLs: paths = [] }: Partial<t.NonResourcePolicyRule>, at: string) {
  const field = `${at}.nonResourceURLs`;
  return [
    ...validateVerbs(verbs, `${at}.verbs`),
    ...(paths.length === 0 ? [required(field, 'nonResourceURLs must contain at least one value')] : []),
    ...(paths.includes('*')
      ? onlyAll(paths, field, 'non-resource URLs')
      : paths.flatMap((path, i) => invalidAll(`${field}[${i}]`, path, checkPath(path)))),
  ];
}

/** The first thing that is wrong. */
function checkPath(path: string): readonly string[] {
  if (path === '') return ['must not be empty'];
  if (path === '/') return [];
  if (!path.startsWith('/')) return ['must start with slash'];
  if (path.includes(' ')) return ['must not contain white-space'];
  if (path.includes('//')) return ['must not contain double slash'];
  const stars = path.split('*').length - 1;
  return stars > 1 || (stars === 1 && !path.endsWith('/*')) ? ['wildcard can only do suffix matching'] : [];
}
