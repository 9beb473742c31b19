import { deepEqual } from '#api/equal.ts';
import { type Endpoints, type Service } from '#api/generated/types.ts';
import { objectKey, splitKey } from '#api/object.ts';
import { endpoints, services } from '#api/resource.ts';
import { isReason } from '#client/client.ts';
import { type ControllerContext, createControllerQueue, ignoreNotFound } from './controller-context.ts';
import { desiredSubsets, truncateSubsets } from './endpoints-desired.ts';
import { OwnWrites } from './own-writes.ts';
import { selectsPods, ServicePods } from './service-pods.ts';
import { TriggerTimes } from './trigger-time.ts';

const MANAGED_BY_LABEL = 'endpoints.kubernetes.io/managed-by';
const MANAGED_BY = 'endpoint-controller';
const HEADLESS = 'service.kubernetes.io/headless';
const TRIGGER_TIME = 'endpoints.kubernetes.io/last-change-trigger-time';
const OVER_CAPACITY = 'endpoints.kubernetes.io/over-capacity';

/**
 * The Endpoints object as it has to be, or undefined when `current` is that already. The trigger time alone is no reason
 * to write.
 */
function planEndpoints(
  service: Service,
  pods: Parameters<typeof desiredSubsets>[1],
  current: Endpoints | undefined,
  triggerTime: string | undefined,
): Pick<Endpoints, 'metadata' | 'subsets'> | undefined {
  const all = desiredSubsets(service, pods);
  const truncated = truncateSubsets(all);
  const subsets = truncated ?? all;
  const { name, namespace, labels: serviceLabels } = service.metadata;
  const headless = isHeadless(service) ? { [HEADLESS]: '' } : {};
  const labels = { ...serviceLabels, [MANAGED_BY_LABEL]: MANAGED_BY, ...headless };
  const overCapacity = truncated === undefined ? undefined : 'truncated';
  if (
    current?.metadata.annotations?.[OVER_CAPACITY] === overCapacity &&
    deepEqual(current?.subsets ?? [], subsets) &&
    deepEqual(current?.metadata.labels, labels)
  ) {
    return undefined;
  }
  const metadata = {
    ...(current?.metadata ?? { name, namespace }),
    labels,
    annotations: { ...current?.metadata.annotations, [OVER_CAPACITY]: overCapacity, [TRIGGER_TIME]: triggerTime },
  };
  return { metadata: withoutUndefined(metadata) as Endpoints['metadata'], subsets };
}

function isHeadless({ spec: { clusterIP = '' } }: Service): boolean {
  return clusterIP === '' || clusterIP === 'None';
}

function withoutUndefined<M extends { annotations: Record<string, string | undefined> }>(metadata: M): object {
  const { annotations, ...rest } = metadata;
  const entries = Object.entries(annotations).filter(([, value]) => value !== undefined);
  return entries.length === 0 ? rest : { ...rest, annotations: Object.fromEntries(entries) };
}

/** Keeps the Endpoints of Services with a selector, for those who still read them; EndpointSlices are what counts. */
export function startEndpointsController(context: ControllerContext): void {
  const { client, informers } = context;
  const endpointsInformer = informers.for(endpoints);
  const servicePods = new ServicePods(informers);
  const own = new OwnWrites(endpointsInformer);
  const triggerTimes = new TriggerTimes();

  const remove = async (key: string): Promise<void> => {
    const current = endpointsInformer.get(key);
    triggerTimes.forget(key);
    own.forget(key);
    if (current === undefined || current.metadata.labels?.[MANAGED_BY_LABEL] !== MANAGED_BY) return;
    // The cache may be behind: only a Service that is surely gone takes its Endpoints with it.
    if ((await ignoreNotFound(client.get(services, splitKey(key)))) !== undefined) return;
    await ignoreNotFound(client.delete(endpoints, current.metadata));
  };
  const queue = createControllerQueue(
    context,
    {
      name: 'endpoints',
      waitFor: [endpointsInformer, servicePods.services, servicePods.pods],
      yields: true,
    },
    async (key) => {
      const service = servicePods.services.get(key);
      if (service === undefined) return remove(key);
      if (!selectsPods(service)) return;
      const cached = endpointsInformer.get(key);
      const [current] = own.view(key, cached === undefined ? [] : [cached]);
      const pods = servicePods.podsOf(service);
      const plan = planEndpoints(service, pods, current, triggerTimes.next(service, pods));
      if (plan === undefined) return;
      const object = { apiVersion: 'v1', kind: 'Endpoints', ...plan } as const;
      try {
        const write = current === undefined ? client.create(endpoints, object) : client.update(endpoints, object);
        own.wrote(key, await write);
      } catch (error) {
        // The namespace is on its way out, and the Service with it.
        if (!isReason(error, 'Forbidden')) throw error;
      }
    },
  );
  servicePods.watch((key) => queue.add(key));
  const changed = (object: Endpoints): void => {
    const key = objectKey(object);
    if (!own.isOwn(key, object)) queue.add(key);
  };
  endpointsInformer.on({ added: changed, updated: changed, deleted: changed });
}
