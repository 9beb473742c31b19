import { deepEqual } from '#api/equal.ts';
import type { Endpoints, EndpointSlice, Service } from '#api/generated/types.ts';
import { type KubeObject, type NewObject, objectKey } from '#api/object.ts';
import { endpoints, endpointSlices, type Resource, services } from '#api/resource.ts';
import type { Informer } from '#client/informer.ts';
import { type ControllerContext, createControllerQueue } from './controller-context.ts';

/** default/kubernetes as it has to be; all three have the same name. */
export interface KubernetesService {
  readonly service: NewObject<Service>;
  readonly endpoints: NewObject<Endpoints>;
  readonly endpointSlice: NewObject<EndpointSlice>;
}

/**
 * Keeps the API server's own Service: `kubectl delete service --all` takes it along, and Pods find the API through it. It is
 * made again when it is gone and otherwise left as its users want it; where it leads is put right as well. Models
 * kubernetesservice/controller.go of v1.34, which looks every ten seconds.
 */
export function startKubernetesService(context: ControllerContext, wanted: KubernetesService): void {
  const { informers } = context;
  const key = objectKey(wanted.service as Service);
  const parts = [
    keeper(context, services, wanted.service, () => true),
    keeper(context, endpoints, wanted.endpoints, (now, { metadata, subsets }) =>
      deepEqual([now.subsets, now.metadata.labels], [subsets, metadata.labels]),
    ),
    keeper(context, endpointSlices, wanted.endpointSlice, (now, { metadata, endpoints: list, ports }) =>
      deepEqual([now.endpoints, now.ports, now.metadata.labels], [list, ports, metadata.labels]),
    ),
  ];
  const waitFor = [informers.for(services), informers.for(endpoints), informers.for(endpointSlices)];
  const queue = createControllerQueue(context, { name: 'kubernetes-service', waitFor }, async () => {
    // The Service first: it has its address to get back.
    for (const { keep } of parts) await keep();
  });
  for (const { follow } of parts) follow(() => queue.add(key));
  queue.add(key);
}

interface Keeper {
  /** Makes the object when it is missing, and right when it is not. */
  readonly keep: () => Promise<void>;
  readonly follow: (changed: () => void) => void;
}

function keeper<T extends KubeObject>(
  { client, informers }: ControllerContext,
  resource: Resource<T>,
  wanted: NewObject<T>,
  isRight: (now: T, wanted: NewObject<T>) => boolean,
): Keeper {
  const informer: Informer<T> = informers.for(resource);
  const key = objectKey(wanted as unknown as T);
  return {
    async keep() {
      const now = informer.get(key);
      if (now === undefined) await client.create(resource, wanted);
      else if (!isRight(now, wanted)) {
        await client.update(resource, {
          ...now,
          ...wanted,
          metadata: { ...now.metadata, labels: wanted.metadata.labels },
        });
      }
    },
    follow(changed) {
      const look = (object: T): void => {
        if (objectKey(object) === key) changed();
      };
      informer.on({ added: look, updated: look, deleted: look });
    },
  };
}
