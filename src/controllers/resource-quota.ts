import { deepEqual } from '#api/equal.ts';
import type { Pod, ResourceQuota } from '#api/generated/types.ts';
import { type KubeObject, objectKey } from '#api/object.ts';
import { type Amounts, sum, texts } from '#api/quota/amounts.ts';
import { hasEnded, quotaCounts, usageOf } from '#api/quota/usage.ts';
import {
  configMaps,
  cronJobs,
  daemonSets,
  deployments,
  ingresses,
  jobs,
  persistentVolumeClaims,
  pods,
  replicaSets,
  replicationControllers,
  type Resource,
  resourceQuotas,
  secrets,
  serviceAccounts,
  services,
  statefulSets,
} from '#api/resource.ts';
import { type ControllerContext, createControllerQueue, ignoreNotFound } from './controller-context.ts';
import { mergeDiff } from './merge-diff.ts';

/** What quotas count. The first are followed as they go; quotas about others are counted anew when they change themselves. */
const COUNTED: readonly Resource[] = [
  pods,
  services,
  persistentVolumeClaims,
  configMaps,
  secrets,
  replicationControllers,
  resourceQuotas,
  deployments,
  replicaSets,
  statefulSets,
  daemonSets,
  jobs,
  cronJobs,
  ingresses,
  serviceAccounts,
];

/** What somebody else writes into the status stands so long, as it does until Kubernetes' next full round. */
const FOREIGN_STATUS_MS = 5 * 60_000;

const BY_NAMESPACE = 'resource-quota/namespace';

/**
 * Counts what quotas are about when they are new and when something is gone. What comes is counted by the API server, in the
 * same write.
 */
export function startResourceQuotaController(context: ControllerContext): void {
  const { client, informers } = context;
  const quotas = informers.for(resourceQuotas);
  quotas.addIndex(BY_NAMESPACE, ({ metadata }) => [metadata.namespace ?? '']);
  const queue = createControllerQueue(context, { name: 'resource-quota', waitFor: [quotas] }, async (key) => {
    const cached = quotas.get(key);
    if (cached === undefined) return;
    // The API server counts on: only the present state may be replaced by what is counted now.
    const quota = await ignoreNotFound(client.get(resourceQuotas, cached.metadata));
    if (quota === undefined) return;
    const hard = quota.spec?.hard ?? {};
    const used = texts(await usedBy(context, quota, Object.keys(hard)));
    const patch = mergeDiff(quota.status ?? {}, { hard, used });
    if (patch === undefined) return;
    const { uid, resourceVersion } = quota.metadata;
    const body = { metadata: { uid, resourceVersion }, status: patch };
    await ignoreNotFound(
      client.patch(resourceQuotas, quota.metadata, { kind: 'merge', body }, { subresource: 'status' }),
    );
  });
  const add = (quota: ResourceQuota): void => queue.add(objectKey(quota));
  quotas.on({
    added: add,
    updated: (quota, old) => {
      if (!deepEqual(quota.spec, old.spec)) add(quota);
      else if (!deepEqual(quota.status?.hard, quota.spec?.hard)) queue.addAfter(objectKey(quota), FOREIGN_STATUS_MS);
    },
  });
  const freed = ({ metadata }: KubeObject): void => quotas.byIndex(BY_NAMESPACE, metadata.namespace ?? '').forEach(add);
  for (const resource of COUNTED) {
    informers.for(resource).on({
      deleted: freed,
      updated: (object, old) => {
        if (resource === pods ? hasEnded(object as Pod) && !hasEnded(old as Pod) : isLess(resource, object, old)) {
          freed(object);
        }
      },
    });
  }
}

/** Services that are of another type now, say. */
function isLess(resource: Resource, object: KubeObject, old: KubeObject): boolean {
  if (resource.plural !== services.plural || resource.group !== services.group) return false;
  const now = usageOf(resource, object);
  return [...usageOf(resource, old)].some(([name, amount]) => amount > (now.get(name) ?? 0n));
}

async function usedBy({ client }: ControllerContext, quota: ResourceQuota, names: readonly string[]): Promise<Amounts> {
  const { namespace = '' } = quota.metadata;
  let used: Amounts = new Map();
  for (const resource of COUNTED.filter((one) => isCountedBy(one, names))) {
    const { items } = await client.list(resource, { namespace });
    for (const object of items) {
      if (quotaCounts(quota.spec ?? {}, resource, object)) used = sum(used, usageOf(resource, object));
    }
  }
  return new Map(names.map((name) => [name, used.get(name) ?? 0n]));
}

/** Whether any of the names is one that objects of a resource can have a share of. */
function isCountedBy({ group, plural }: Resource, names: readonly string[]): boolean {
  const own = `count/${plural}${group === '' ? '' : `.${group}`}`;
  return names.some((name) => {
    if (name.startsWith('count/')) return name === own;
    if (group !== '') return false;
    if (plural === services.plural) return name.startsWith(services.plural);
    if (plural === persistentVolumeClaims.plural) return /persistentvolumeclaims|storage/.test(name);
    return plural === pods.plural || name === plural;
  });
}
