import { deepEqual } from '#api/equal.ts';
import type { ClusterRole, PolicyRule, RoleRef } from '#api/generated/types.ts';
import type { KindDefinition } from '#api/kind.ts';
import type { KubeObject } from '#api/object.ts';
import type { UserInfo } from '#api/request.ts';
import { clusterRoles, roles } from '#api/resource.ts';
import { forbiddenStatus, notFoundStatus } from '#api/status.ts';
import { isMaster } from '../auth/authorize.ts';
import type { AnyBinding } from '../auth/rbac/binding-index.ts';
import { escalationProblem } from '../auth/rbac/escalation.ts';
import type { ServerContext } from '../context.ts';
import { StatusError } from '../status-error.ts';

/** A write of a role or a binding. */
interface Grant {
  readonly server: Pick<ServerContext, 'authorizer'>;
  readonly user: UserInfo;
  readonly kind: KindDefinition;
  readonly object: KubeObject;
  readonly namespace: string | undefined;
}

/**
 * Nobody hands out rights that they do not have themselves, unless they may `escalate` the role or `bind` it. `old` is
 * absent on create.
 * @throws {StatusError} 403
 */
export function checkGrant(grant: Grant, old: KubeObject | undefined): void {
  const { kind, user, object } = grant;
  const { group, plural } = kind.resource;
  if (group !== roles.group || isMaster(user)) return;
  if (old !== undefined && onlyForCollection(object, old)) return;
  if (plural === roles.plural || plural === clusterRoles.plural) checkRole(grant, old);
  else checkBinding(grant);
}

/** The garbage collector takes off finalizers and owners without having the rights that a role gives. */
function onlyForCollection(object: KubeObject, old: KubeObject): boolean {
  const rest = ({ metadata, ...others }: KubeObject): unknown => {
    const ignored = { finalizers: undefined, ownerReferences: undefined, managedFields: undefined };
    return { ...others, metadata: { ...metadata, ...ignored, resourceVersion: undefined } };
  };
  return deepEqual(rest(object), rest(old));
}

const EVERYTHING: readonly PolicyRule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
];

function checkRole(grant: Grant, old: KubeObject | undefined): void {
  const { server, user, kind, object, namespace = '' } = grant;
  if (may(grant, 'escalate', kind.resource.plural, object.metadata.name)) return;
  const { rules: held } = server.authorizer.rulesFor(user, namespace);
  const problem = escalationProblem(user, held, (object as ClusterRole).rules ?? []);
  if (problem !== undefined) throw refused(grant, problem);
  const gathers = (role: KubeObject | undefined): boolean =>
    (role as ClusterRole | undefined)?.aggregationRule !== undefined;
  if ((gathers(object) || gathers(old)) && escalationProblem(user, held, EVERYTHING) !== undefined) {
    throw refused(grant, 'must have cluster-admin privileges to use an aggregationRule');
  }
}

function checkBinding(grant: Grant): void {
  const { server, user, object, namespace = '' } = grant;
  const { roleRef } = object as AnyBinding;
  const role: Pick<RoleRef, 'kind' | 'name'> = roleRef;
  const { plural, group } = role.kind === 'Role' ? roles : clusterRoles;
  if (may(grant, 'bind', plural, role.name)) return;
  const wanted = server.authorizer.rulesOfRole(role, namespace);
  if (wanted === undefined) throw new StatusError(notFoundStatus({ group, plural }, role.name));
  const { rules: held } = server.authorizer.rulesFor(user, namespace);
  const problem = escalationProblem(user, held, wanted);
  if (problem !== undefined) throw refused(grant, problem);
}

function may({ server, user, namespace }: Grant, verb: string, resource: string, name: string): boolean {
  const { group, version } = roles;
  const attributes = {
    kind: 'resource',
    verb,
    group,
    version,
    resource,
    subresource: undefined,
    namespace,
    name,
  } as const;
  return server.authorizer.authorize(user, attributes).allowed;
}

function refused({ kind, object }: Grant, why: string): StatusError {
  return new StatusError(forbiddenStatus(kind.resource, object.metadata.name, why));
}
