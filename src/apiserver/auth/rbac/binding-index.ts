import type { RbacSubject, RoleRef } from '#api/generated/types.ts';
import type { KubeObject } from '#api/object.ts';
import type { UserInfo } from '#api/request.ts';
import type { Change, KindCache } from '../../storage/kind-cache.ts';

/** A RoleBinding or a ClusterRoleBinding. */
export interface AnyBinding extends KubeObject {
  readonly roleRef: RoleRef;
  readonly subjects?: readonly RbacSubject[] | undefined;
}

/** One line of `subjects`, with the binding that it is of. */
export interface Bound {
  readonly binding: AnyBinding;
  readonly subject: RbacSubject;
}

/** Two maps, so that the names are looked up as they are: their hashes are known, those of texts made of them are not. */
interface BySubject {
  /** Service accounts are users with a long name. */
  readonly users: Map<string, readonly Bound[]>;
  readonly groups: Map<string, readonly Bound[]>;
}

const NONE: readonly Bound[] = [];

function place(
  bySubject: BySubject,
  { kind, name, namespace = '' }: RbacSubject,
  scope: string,
): { readonly map: BySubject['users']; readonly key: string } {
  if (kind === 'Group') return { map: bySubject.groups, key: name };
  const key = kind === 'User' ? name : `system:serviceaccount:${namespace || scope}:${name}`;
  return { map: bySubject.users, key };
}

/** Bindings by namespace and subject, so that a request costs what its own user's bindings cost. */
export class BindingIndex {
  /** Cluster-wide ones are under ''. */
  readonly #scopes = new Map<string, BySubject>();

  constructor(...caches: readonly KindCache[]) {
    for (const cache of caches) {
      for (const { object } of cache.list()) this.#add(object as AnyBinding);
      cache.subscribe((change) => this.#apply(change));
    }
  }

  /** The first of the bindings of the user and of their groups in `scope` for which `visit` says so. */
  find(user: UserInfo, scope: string, visit: (bound: Bound) => boolean): Bound | undefined {
    const bySubject = this.#scopes.get(scope);
    if (bySubject === undefined) return undefined;
    for (const bound of bySubject.users.get(user.username) ?? NONE) if (visit(bound)) return bound;
    for (const group of user.groups) {
      for (const bound of bySubject.groups.get(group) ?? NONE) if (visit(bound)) return bound;
    }
    return undefined;
  }

  #apply({ type, current, previous }: Change): void {
    if (previous !== undefined) this.#remove(previous.object as AnyBinding);
    if (type !== 'DELETED') this.#add(current.object as AnyBinding);
  }

  #add(binding: AnyBinding): void {
    const scope = binding.metadata.namespace ?? '';
    const bySubject = this.#scopes.get(scope) ?? { users: new Map(), groups: new Map() };
    this.#scopes.set(scope, bySubject);
    for (const subject of binding.subjects ?? []) {
      const { map, key } = place(bySubject, subject, scope);
      map.set(key, [...(map.get(key) ?? NONE), { binding, subject }]);
    }
  }

  #remove(binding: AnyBinding): void {
    const scope = binding.metadata.namespace ?? '';
    const bySubject = this.#scopes.get(scope);
    if (bySubject === undefined) return;
    const { uid } = binding.metadata;
    for (const subject of binding.subjects ?? []) {
      const { map, key } = place(bySubject, subject, scope);
      const left = (map.get(key) ?? NONE).filter((bound) => bound.binding.metadata.uid !== uid);
      if (left.length === 0) map.delete(key);
      else map.set(key, left);
    }
    if (bySubject.users.size + bySubject.groups.size === 0) this.#scopes.delete(scope);
  }
}
