/** What RoleBindings and ClusterRoleBindings have in common. */
import { type FieldError, forbidden, invalid, required, unsupported } from './field-error.ts';
import type * as t from './generated/types.ts';
import type { Cell } from './kind.ts';
import { deepEqual } from './equal.ts';

const GROUP = 'rbac.authorization.k8s.io';

interface Binding {
  readonly roleRef: t.RoleRef;
  readonly subjects?: readonly t.RbacSubject[] | undefined;
}

export function bindingDefaults<T extends Binding>(binding: T): T {
  const roleRef = { ...binding.roleRef, apiGroup: binding.roleRef?.apiGroup || GROUP };
  const subjects = binding.subjects?.map((subject) =>
    subject.kind === 'User' || subject.kind === 'Group' ? { ...subject, apiGroup: subject.apiGroup || GROUP } : subject,
  );
  return { ...binding, roleRef, ...(subjects === undefined ? {} : { subjects }) };
}

function validateSubject(subject: Partial<t.RbacSubject>, at: string): FieldError[] {
  const { kind = '', name = '', namespace = '', apiGroup = '' } = subject;
  const errors: FieldError[] = name === '' ? [required(`${at}.name`)] : [];
  if (kind === 'ServiceAccount') {
    if (namespace === '') errors.push(required(`${at}.namespace`));
    if (apiGroup !== '') errors.push(unsupported(`${at}.apiGroup`, apiGroup, ['']));
  } else if (kind === 'User' || kind === 'Group') {
    if (apiGroup !== GROUP) errors.push(unsupported(`${at}.apiGroup`, apiGroup, [GROUP]));
    if (namespace !== '') errors.push(forbidden(`${at}.namespace`, 'must be empty'));
  } else {
    errors.push(unsupported(`${at}.kind`, kind, ['ServiceAccount', 'User', 'Group']));
  }
  return errors;
}

/** `kinds`: the roles that may be bound, in the order in which they are told. */
export function validateBinding({ roleRef, subjects }: Binding, kinds: readonly string[]): FieldError[] {
  const errors: FieldError[] = [];
  const kind = roleRef.kind ?? '';
  if (roleRef.apiGroup !== GROUP) errors.push(unsupported('roleRef.apiGroup', roleRef.apiGroup, [GROUP]));
  if (!kinds.includes(kind)) errors.push(unsupported('roleRef.kind', kind, kinds));
  if ((roleRef.name ?? '') === '') errors.push(required('roleRef.name'));
  (subjects ?? []).forEach((subject, i) => errors.push(...validateSubject(subject, `subjects[${i}]`)));
  return errors;
}

/** A binding that changed its role would hand out other rights behind the back of whoever reads it. */
export function validateBindingChange(binding: Binding, old: Binding): FieldError[] {
  if (deepEqual(binding.roleRef, old.roleRef)) return [];
  return [invalid('roleRef', binding.roleRef, 'cannot change roleRef')];
}

/** Role, then users, groups and service accounts. */
export function bindingCells({ roleRef, subjects }: Binding): readonly [Cell, Cell, Cell, Cell] {
  const names = (kind: string): string =>
    (subjects ?? [])
      .filter((subject) => subject.kind === kind)
      .map(({ name, namespace = '' }) => (kind === 'ServiceAccount' ? `${namespace}/${name}` : name))
      .join(', ');
  return [`${roleRef.kind}/${roleRef.name}`, names('User'), names('Group'), names('ServiceAccount')];
}

/** Rules of a Role or ClusterRole. */
export function validateRules(rules: readonly Partial<t.PolicyRule>[] | undefined, namespaced: boolean): FieldError[] {
  return (rules ?? []).flatMap(({ verbs = [], apiGroups = [], resources = [], nonResourceURLs = [] }, i) => {
    const at = `rules[${i}]`;
    const errors: FieldError[] = [];
    if (verbs.length === 0) errors.push(required(`${at}.verbs`, 'verbs must contain at least one value'));
    if (nonResourceURLs.length > 0) {
      if (namespaced) {
        const text = 'namespaced rules cannot apply to non-resource URLs';
        errors.push(invalid(`${at}.nonResourceURLs`, nonResourceURLs, text));
      }
      if (apiGroups.length + resources.length > 0) {
        const text = 'rules cannot apply to both regular resources and non-resource URLs';
        errors.push(invalid(`${at}.nonResourceURLs`, nonResourceURLs, text));
      }
      return errors;
    }
    if (apiGroups.length === 0) {
      errors.push(required(`${at}.apiGroups`, 'resource rules must supply at least one api group'));
    }
    if (resources.length === 0) {
      errors.push(required(`${at}.resources`, 'resource rules must supply at least one resource'));
    }
    return errors;
  });
}
