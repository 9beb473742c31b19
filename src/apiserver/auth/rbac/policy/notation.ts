import type { PolicyRule, RbacSubject } from '#api/generated/types.ts';

/** Verbs that go together. */
export const READ = 'get list watch';
export const CHANGE = 'create delete deletecollection patch update';
export const READ_AND_CHANGE: string = `${READ} ${CHANGE}`;

function words(text: string): readonly string[] {
  return text.split(' ').sort();
}

/** Words are divided by spaces; the core group, whose name is empty, is written `core`. */
export function allow(verbs: string, groups: string, resources: string, resourceNames?: string): PolicyRule {
  return {
    verbs: words(verbs),
    apiGroups: words(groups)
      .map((group) => (group === 'core' ? '' : group))
      .sort(),
    resources: words(resources),
    ...(resourceNames === undefined ? {} : { resourceNames: words(resourceNames) }),
  };
}

export function allowPaths(paths: string): PolicyRule {
  return { verbs: ['get'], nonResourceURLs: words(paths) };
}

export const writeEvents: PolicyRule = allow('create patch update', 'core events.k8s.io', 'events');

/** A role that every cluster has; in a `namespace` it is a Role, else a ClusterRole. */
export interface DefaultRole {
  readonly name: string;
  readonly namespace?: string;
  readonly rules: readonly PolicyRule[];
  /** Label of the roles whose rules it gathers, without the group: `aggregate-to-view`. */
  readonly gathers?: string;
  /** What it is gathered by, in the same way. */
  readonly gatheredBy?: string;
}

/** Binds a role of the same kind of scope: a Role of its namespace, or a ClusterRole. */
export interface DefaultBinding {
  readonly name: string;
  readonly namespace?: string;
  readonly role: string;
  readonly subjects: readonly RbacSubject[];
}

const apiGroup = 'rbac.authorization.k8s.io';

export function user(name: string): RbacSubject {
  return { kind: 'User', apiGroup, name };
}

export function group(name: string): RbacSubject {
  return { kind: 'Group', apiGroup, name };
}

/** An account of kube-system, where all parts of a cluster have theirs. */
export function account(name: string): RbacSubject {
  return { kind: 'ServiceAccount', name, namespace: 'kube-system' };
}
