import type { Resource } from '#api/resource.ts';

/** All objects lie below this, as in etcd under Kubernetes. */
export const REGISTRY_PREFIX = '/registry/';

/** `/registry/apps/deployments/`. The version is no part of it: all versions of a kind are one object. */
export function storagePrefix(resource: Pick<Resource, 'group' | 'plural'>): string {
  return `${REGISTRY_PREFIX}${resource.group === '' ? 'core' : resource.group}/${resource.plural}/`;
}

/** Splits `/registry/apps/deployments/default/web` into its prefix and `default/web`. */
export function splitStorageKey(key: string): { readonly prefix: string; readonly key: string } | undefined {
  const group = key.indexOf('/', REGISTRY_PREFIX.length);
  const plural = key.indexOf('/', group + 1);
  if (!key.startsWith(REGISTRY_PREFIX) || group < 0 || plural < 0) return undefined;
  return { prefix: key.slice(0, plural + 1), key: key.slice(plural + 1) };
}
