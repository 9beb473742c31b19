import type { ClusterRole, PolicyRule, Role, RoleRef } from '#api/generated/types.ts';
import type { UserInfo } from '#api/request.ts';
import { clusterRoleBindings, clusterRoles, roleBindings, roles } from '#api/resource.ts';
import { notFoundStatus } from '#api/status.ts';
import type { ObjectStorage } from '../../storage/object-storage.ts';
import { denied, isMaster, type Attributes, type Authorizer, type Decision, type HeldRules } from '../authorize.ts';
import { BindingIndex, type Bound } from './binding-index.ts';
import { ruleAllows } from './rule.ts';

const MASTER: Decision = Object.freeze({ allowed: true, reason: '' });

/** Decides by the Roles and ClusterRoles that are bound to the user and to the user's groups. */
export class RbacAuthorizer implements Authorizer {
  readonly #storage: ObjectStorage;
  #index: BindingIndex | undefined;

  /** `storage` may be loaded later, but before the first question. */
  constructor(storage: ObjectStorage) {
    this.#storage = storage;
  }

  authorize(user: UserInfo, attributes: Attributes): Decision {
    if (isMaster(user)) return MASTER;
    const namespace = attributes.kind === 'resource' ? (attributes.namespace ?? '') : '';
    const missing: string[] = [];
    const granted = this.#find(user, namespace, (bound) => {
      const rules = this.#rulesOf(bound);
      if (rules === undefined) missing.push(notFoundText(bound.binding.roleRef));
      else for (const rule of rules) if (ruleAllows(rule, attributes)) return true;
      return false;
    });
    if (granted !== undefined) return new Granted(granted);
    return missing.length === 0 ? denied : { allowed: false, reason: `RBAC: ${aggregated(missing)}` };
  }

  rulesFor(user: UserInfo, namespace: string): HeldRules {
    const rules: PolicyRule[] = [];
    const problems: string[] = [];
    this.#find(user, namespace, (bound) => {
      const found = this.#rulesOf(bound);
      if (found === undefined) problems.push(notFoundText(bound.binding.roleRef));
      else rules.push(...found);
      return false;
    });
    return { rules, problems };
  }

  rulesOfRole(ref: Pick<RoleRef, 'kind' | 'name'>, namespace: string): readonly PolicyRule[] | undefined {
    const found = this.#storage
      .cache(ref.kind === 'Role' ? roles : clusterRoles)
      .get(ref.kind === 'Role' ? `${namespace}/${ref.name}` : ref.name);
    return found === undefined ? undefined : ((found.object as Role | ClusterRole).rules ?? []);
  }

  #find(user: UserInfo, namespace: string, visit: (bound: Bound) => boolean): Bound | undefined {
    const bindings = this.#bindings();
    const found = bindings.find(user, '', visit);
    return found !== undefined || namespace === '' ? found : bindings.find(user, namespace, visit);
  }

  #bindings(): BindingIndex {
    this.#index ??= new BindingIndex(this.#storage.cache(roleBindings), this.#storage.cache(clusterRoleBindings));
    return this.#index;
  }

  #rulesOf({ binding }: Bound): readonly PolicyRule[] | undefined {
    return this.rulesOfRole(binding.roleRef, binding.metadata.namespace ?? '');
  }
}

function notFoundText({ kind, name }: RoleRef): string {
  return notFoundStatus({ group: roles.group, plural: kind.toLowerCase() }, name).message ?? '';
}

/** Several errors as one text, the way Go's API machinery joins them. */
export function aggregated(errors: readonly string[]): string {
  const distinct = [...new Set(errors)];
  return distinct.length === 1 ? (distinct[0] ?? '') : `[${distinct.join(', ')}]`;
}

/** Most who are allowed something do not ask by what. */
class Granted implements Decision {
  readonly allowed = true;
  readonly #bound: Bound;

  constructor(bound: Bound) {
    this.#bound = bound;
  }

  get reason(): string {
    const { binding, subject } = this.#bound;
    const { name, namespace } = binding.metadata;
    const { roleRef } = binding;
    const full = JSON.stringify(namespace === undefined ? name : `${name}/${namespace}`);
    const who =
      subject.kind === 'ServiceAccount' ? `${subject.name}/${subject.namespace || (namespace ?? '')}` : subject.name;
    const role = `${roleRef.kind} ${JSON.stringify(roleRef.name)}`;
    return `RBAC: allowed by ${binding.kind} ${full} of ${role} to ${subject.kind} ${JSON.stringify(who)}`;
  }
}
