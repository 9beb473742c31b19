import type { Scale } from '#api/generated/types.ts';
import type { OwnerReference } from '#api/object.ts';
import type { Client } from '#client/client.ts';
import { ignoreNotFound } from '../controller-context.ts';

/** Empty for that of Pods and nodes. */
export function groupOf(apiVersion: string): string {
  return apiVersion.slice(0, Math.max(0, apiVersion.indexOf('/')));
}

interface ResourceList {
  readonly resources: readonly { readonly name: string; readonly kind: string }[];
}

/**
 * How many Pods an owner of any kind is to have, by its subresource `scale`; undefined where the owner is not there. Models
 * getScaleController of v1.34 (pkg/controller/disruption/disruption.go).
 * @throws {Error} in upstream's words, where there is no such kind or it has no size
 */
export async function customScale(
  client: Client,
  { apiVersion, kind, name, uid }: OwnerReference,
  namespace: string,
): Promise<number | undefined> {
  const group = groupOf(apiVersion);
  const base = group === '' ? `/api/${apiVersion}` : `/apis/${apiVersion}`;
  const list = (await ignoreNotFound(client.raw({ method: 'GET', path: base }))) as ResourceList | undefined;
  const { resources = [] } = list ?? {};
  const plural = resources.find((one) => !one.name.includes('/') && one.kind === kind)?.name;
  if (plural === undefined) throw new Error(`no matches for kind "${kind}" in version "${apiVersion}"`);
  if (!resources.some((one) => one.name === `${plural}/scale`)) {
    throw new Error(`${group === '' ? plural : `${plural}.${group}`} does not implement the scale subresource`);
  }
  const path = `${base}/namespaces/${namespace}/${plural}/${name}/scale`;
  const scale = (await ignoreNotFound(client.raw({ method: 'GET', path }))) as Scale | undefined;
  return scale?.metadata?.uid === uid ? (scale.spec?.replicas ?? 0) : undefined;
}
