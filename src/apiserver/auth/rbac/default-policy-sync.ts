import type { Clock } from '#base/clock.ts';
import type { ClusterRole, PolicyRule, RbacSubject } from '#api/generated/types.ts';
import type { KubeObject } from '#api/object.ts';
import { clusterRoleBindings, clusterRoles, roleBindings, roles, apiVersionOf, type Resource } from '#api/resource.ts';
import { stampNew } from '../../metadata.ts';
import { StaleError, type ObjectStorage } from '../../storage/object-storage.ts';
import { missingRules } from './escalation.ts';
import type { AnyBinding } from './binding-index.ts';
import { componentRoles } from './policy/component-roles.ts';
import { controllerRoles } from './policy/controller-roles.ts';
import { defaultBindings } from './policy/default-bindings.ts';
import type { DefaultBinding, DefaultRole } from './policy/notation.ts';
import { userRoles } from './policy/user-roles.ts';

const GROUP = 'rbac.authorization.k8s.io';
const AUTO_UPDATE = 'rbac.authorization.kubernetes.io/autoupdate';
const BOOTSTRAPPING = { 'kubernetes.io/bootstrapping': 'rbac-defaults' };

interface Wanted {
  readonly resource: Resource;
  readonly object: KubeObject;
}

function head(resource: Resource, name: string, namespace: string | undefined, labels: object = {}): object {
  return {
    apiVersion: apiVersionOf(resource),
    kind: resource.kind,
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      labels: { ...BOOTSTRAPPING, ...labels },
      annotations: { [AUTO_UPDATE]: 'true' },
    },
  };
}

function roleObject({ name, namespace, rules, gathers, gatheredBy }: DefaultRole): Wanted {
  const resource = namespace === undefined ? clusterRoles : roles;
  const labels = gatheredBy === undefined ? {} : { [`${GROUP}/${gatheredBy}`]: 'true' };
  const aggregation =
    gathers === undefined
      ? {}
      : { aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [`${GROUP}/${gathers}`]: 'true' } }] } };
  return {
    resource,
    object: { ...head(resource, name, namespace, labels), ...aggregation, rules } as unknown as KubeObject,
  };
}

function bindingObject({ name, namespace, role, subjects }: DefaultBinding): Wanted {
  const resource = namespace === undefined ? clusterRoleBindings : roleBindings;
  const roleRef = { apiGroup: GROUP, kind: namespace === undefined ? 'ClusterRole' : 'Role', name: role };
  return { resource, object: { ...head(resource, name, namespace), roleRef, subjects } as unknown as KubeObject };
}

/** What `object` lacks of the default, added to it; the same object when that is nothing. */
function completed(object: KubeObject, wanted: KubeObject): KubeObject {
  const { rules = [] } = wanted as ClusterRole;
  const { rules: present = [] } = object as ClusterRole;
  const missing: readonly PolicyRule[] = missingRules(present, rules);
  if (missing.length > 0) return { ...object, rules: [...present, ...missing] } as KubeObject;
  const { subjects = [] } = wanted as AnyBinding;
  const { subjects: bound = [] } = object as AnyBinding;
  const same = (a: RbacSubject) => (b: RbacSubject) =>
    a.kind === b.kind && a.name === b.name && a.namespace === b.namespace;
  const unbound = subjects.filter((subject) => !bound.some(same(subject)));
  return unbound.length === 0 ? object : ({ ...object, subjects: [...bound, ...unbound] } as KubeObject);
}

/**
 * Makes the roles and bindings that every cluster has, and gives back to them what somebody took away; who wants to
 * change one for good sets its annotation `autoupdate` to false.
 */
export async function writeDefaultPolicy(storage: ObjectStorage, clock: Clock): Promise<void> {
  const allRoles = [...userRoles, ...componentRoles, ...controllerRoles].map(roleObject);
  const wanted = [...allRoles, ...defaultBindings.map(bindingObject)];
  await Promise.all(wanted.map((one) => write(storage, clock, one)));
}

async function write(storage: ObjectStorage, clock: Clock, { resource, object }: Wanted): Promise<void> {
  const { name, namespace } = object.metadata;
  const key = namespace === undefined ? name : `${namespace}/${name}`;
  const cache = storage.cache(resource);
  const present = cache.get(key);
  try {
    if (present === undefined) {
      await storage.put(cache, key, stampNew(object, namespace, clock), 0);
    } else if (present.object.metadata.annotations?.[AUTO_UPDATE] !== 'false') {
      const next = completed(present.object, object);
      if (next !== present.object) await storage.put(cache, key, next, present.revision);
    }
  } catch (error) {
    // Another server on the same store does the same.
    if (!(error instanceof StaleError)) throw error;
  }
}
