import { errorMessage } from '#base/errors.ts';
import { deepEqual } from '#api/equal.ts';
import type { Endpoints, Service } from '#api/generated/types.ts';
import { type KubeObject, objectKey, splitKey } from '#api/object.ts';
import { endpoints, services } from '#api/resource.ts';
import type { Client } from '#client/client.ts';
import type { EventRecorder } from '#client/events.ts';
import type { Informer } from '#client/informer.ts';
import {
  type ControllerContext,
  createControllerQueue,
  ignoreNotFound,
  isOvertaken,
  recorderFor,
} from '../controller-context.ts';
import { isNamespaceTerminating } from '../owned-pods.ts';
import { DesiredSubsets } from './endpoints-desired.ts';
import { OwnWrites } from '../own-writes.ts';
import { Lull } from './lull.ts';
import { PodChanges } from './pod-changes.ts';
import { selectsPods, ServicePods } from './service-pods.ts';
import { TriggerTimes } from './trigger-time.ts';

const MANAGED_BY_LABEL = 'endpoints.kubernetes.io/managed-by';
const MANAGED_BY = 'endpoint-controller';
const HEADLESS = 'service.kubernetes.io/headless';
const TRIGGER_TIME = 'endpoints.kubernetes.io/last-change-trigger-time';
const OVER_CAPACITY = 'endpoints.kubernetes.io/over-capacity';

/**
 * A Service's Endpoints are one large object, which takes longer to write than a slice that nobody should wait for because of
 * it. So they come after the slices, and once for a burst of Pods.
 */
const LULL = { quietMs: 10, longestMs: 100 };

/**
 * The Endpoints object as it has to be, or undefined when `current` is that already. The trigger time alone is no reason
 * to write.
 */
function planEndpoints(
  desired: DesiredSubsets,
  current: Endpoints | undefined,
  triggerTime: string | undefined,
): Pick<Endpoints, 'metadata' | 'subsets'> | undefined {
  const { service } = desired;
  const { subsets, isTruncated } = desired.get();
  const { name, namespace, labels: serviceLabels } = service.metadata;
  const { [HEADLESS]: _, ...copied } = serviceLabels ?? {};
  const labels = { ...copied, [MANAGED_BY_LABEL]: MANAGED_BY, ...(isHeadless(service) ? { [HEADLESS]: '' } : {}) };
  const overCapacity = isTruncated ? 'truncated' : undefined;
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
  const controller = new EndpointsController(context);
  const { current, servicePods } = controller;
  const waitFor = [current, servicePods.services, servicePods.pods];
  const options = { name: 'endpoints', waitFor, yields: true };
  const queue = createControllerQueue(context, options, (key) => controller.reconcile(key));
  const lull = new Lull({ ...LULL, clock: context.clock, onLull: (key) => queue.add(key) });
  servicePods.watch((key, pod) => {
    controller.changes.note(key, pod);
    if (pod === undefined) queue.add(key);
    else lull.disturb(key);
  });
  const changed = (object: Endpoints): void => {
    if (!controller.isOwn(object)) queue.add(objectKey(object));
  };
  current.on({ added: changed, updated: changed, deleted: changed });
}

class EndpointsController {
  readonly current: Informer<Endpoints>;
  readonly servicePods: ServicePods;
  readonly changes = new PodChanges();
  readonly #client: Client;
  readonly #own: OwnWrites<Endpoints>;
  readonly #recorder: EventRecorder;
  readonly #triggerTimes = new TriggerTimes();
  readonly #desired = new Map<string, DesiredSubsets>();

  constructor(context: ControllerContext) {
    const { client, informers } = context;
    this.#recorder = recorderFor(context, 'endpoint-controller');
    this.#client = client;
    this.current = informers.for(endpoints);
    this.servicePods = new ServicePods(informers);
    this.#own = new OwnWrites(this.current);
  }

  isOwn(object: Endpoints): boolean {
    return this.#own.isOwn(objectKey(object), object);
  }

  async reconcile(key: string): Promise<void> {
    const service = this.servicePods.services.get(key);
    if (service === undefined) return this.#remove(key);
    if (!selectsPods(service)) {
      this.#desired.delete(key);
      return;
    }
    const cached = this.current.get(key);
    const [current] = this.#own.view(key, cached === undefined ? [] : [cached]);
    const { desired, triggerTime } = this.#follow(key, service);
    const plan = planEndpoints(desired, current, triggerTime);
    if (plan === undefined) return;
    const object = { apiVersion: 'v1', kind: 'Endpoints', ...plan } as const;
    try {
      const write =
        current === undefined ? this.#client.create(endpoints, object) : this.#client.update(endpoints, object);
      this.#own.wrote(key, await write);
    } catch (error) {
      // The Service goes with it.
      if (isNamespaceTerminating(error)) return;
      this.#tell(service, current, error);
      throw error;
    }
  }

  /** What another's write stood in the way of is right at the next try. */
  #tell(service: Service, current: Endpoints | undefined, error: unknown): void {
    if (isOvertaken(error)) return;
    const { namespace, name } = service.metadata;
    const about = current ?? { apiVersion: 'v1', kind: 'Endpoints', metadata: { namespace, name } };
    const [reason, what] =
      current === undefined
        ? ['FailedToCreateEndpoint', `create endpoint for service ${namespace}/${name}`]
        : ['FailedToUpdateEndpoint', `update endpoint ${namespace}/${name}`];
    this.#recorder.record(about as KubeObject, 'Warning', reason, `Failed to ${what}: ${errorMessage(error)}`);
  }

  /** What the Service's Pods come to by now, and since when. */
  #follow(key: string, service: Service): { desired: DesiredSubsets; triggerTime: string | undefined } {
    const changed = this.changes.take(key);
    this.changes.begin(key);
    const known = this.#desired.get(key);
    if (known?.service !== service || changed === undefined) {
      const pods = this.servicePods.podsOf(service);
      const desired = new DesiredSubsets(service, pods);
      this.#desired.set(key, desired);
      return { desired, triggerTime: this.#triggerTimes.next(service, pods) };
    }
    const pods = changed.map((podKey) => {
      const pod = this.servicePods.podOf(service, podKey);
      known.set(podKey, pod);
      if (pod === undefined) this.#triggerTimes.drop(service, splitKey(podKey).name);
      return pod;
    });
    const present = pods.filter((pod) => pod !== undefined);
    return { desired: known, triggerTime: this.#triggerTimes.after(service, present) };
  }

  async #remove(key: string): Promise<void> {
    const current = this.current.get(key);
    this.changes.take(key);
    this.#desired.delete(key);
    this.#triggerTimes.forget(key);
    this.#own.forget(key);
    if (current === undefined || current.metadata.labels?.[MANAGED_BY_LABEL] !== MANAGED_BY) return;
    // The cache may be behind: only a Service that is surely gone takes its Endpoints with it.
    if ((await ignoreNotFound(this.#client.get(services, splitKey(key)))) !== undefined) return;
    await ignoreNotFound(this.#client.delete(endpoints, current.metadata));
  }
}
