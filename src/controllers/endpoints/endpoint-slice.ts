import { errorMessage } from '#base/errors.ts';
import type { EndpointSlice, Node, Pod, Service } from '#api/generated/types.ts';
import { type NewObject, objectKey } from '#api/object.ts';
import { endpointSlices, nodes } from '#api/resource.ts';
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
import { isTerminating } from '../pod-state.ts';
import { patchEndpointSlices } from './endpoint-slice-patch.ts';
import { type EndpointSlicePlan, MANAGED_BY, planEndpointSlices, type ServicePlan } from './endpoint-slice-plan.ts';
import { OwnWrites } from '../own-writes.ts';
import { PodChanges } from './pod-changes.ts';
import { selectsPods, ServicePods } from './service-pods.ts';
import { HintNotes } from './topology-hint-notes.ts';
import { wantsTopologyHints } from './topology-hints.ts';
import { earlier, TriggerTimes } from './trigger-time.ts';
import { WriteEcho } from './write-echo.ts';
import { capacityKey, zoneCapacity } from './zone-capacity.ts';

const BY_SERVICE = 'endpoint-slice/service';

/** Keeps EndpointSlices for the Pods that Services select. Slices of a deleted Service go by garbage collection. */
export function startEndpointSliceController(context: ControllerContext): void {
  const controller = new EndpointSliceController(context);
  const { slices, nodes: nodeInformer, servicePods } = controller;
  const waitFor = [slices, nodeInformer, servicePods.services, servicePods.pods];
  const queue = createControllerQueue(context, { name: 'endpoint-slice', waitFor }, (key) => controller.reconcile(key));
  controller.again = (key, pod) => {
    controller.changes.note(key, pod);
    queue.add(key);
  };
  servicePods.watch(controller.again);
  slices.on({
    added: (slice) => controller.sliceChanged(slice),
    updated: (slice, old) => controller.sliceChanged(slice, old),
    deleted: (slice) => controller.sliceChanged(slice),
  });
  const everything = (): void => controller.all(() => true);
  nodeInformer.on({
    added: everything,
    updated: (node, old) => {
      if (zoneOf(node)?.zone !== zoneOf(old)?.zone) everything();
      else if (capacityKey(node) !== capacityKey(old)) controller.all(wantsTopologyHints);
    },
    deleted: everything,
  });
}

class EndpointSliceController {
  readonly slices: Informer<EndpointSlice>;
  readonly nodes: Informer<Node>;
  readonly servicePods: ServicePods;
  readonly changes = new PodChanges();
  /** Has a Service looked at; where only this Pod of it changed, that is known to be all. */
  again: (key: string, pod?: Pod) => void = () => {};
  readonly #client: Client;
  readonly #own: OwnWrites<EndpointSlice>;
  readonly #echo: WriteEcho<EndpointSlice>;
  readonly #triggerTimes = new TriggerTimes();
  readonly #recorder: EventRecorder;
  readonly #notes: HintNotes;

  constructor(context: ControllerContext) {
    const { client, informers } = context;
    this.#client = client;
    this.slices = informers.for(endpointSlices);
    this.nodes = informers.for(nodes);
    this.servicePods = new ServicePods(informers);
    this.#own = new OwnWrites(this.slices);
    this.#echo = new WriteEcho(this.#own);
    this.#recorder = recorderFor(context, 'endpoint-slice-controller');
    this.#notes = new HintNotes(this.#recorder);
    this.slices.addIndex(BY_SERVICE, (slice) => serviceKeyOf(slice) ?? []);
  }

  sliceChanged(slice: EndpointSlice, old: EndpointSlice = slice): void {
    const [key] = serviceKeyOf(slice) ?? [];
    const [before] = serviceKeyOf(old) ?? [];
    if (key !== undefined && this.#echo.isForeign(key, slice)) this.again(key);
    // Another label, and it is somebody else's.
    if (before !== undefined && before !== key) this.again(before);
  }

  all(concerns: (service: Service) => boolean): void {
    for (const service of this.servicePods.services.list()) if (concerns(service)) this.again(objectKey(service));
  }

  async reconcile(key: string): Promise<void> {
    const { changes, servicePods } = this;
    const service = servicePods.services.get(key);
    const noted = changes.take(key);
    if (service === undefined || !selectsPods(service)) {
      this.#triggerTimes.forget(key);
      this.#notes.forget(key);
      this.#own.forget(key);
      return;
    }
    const changed = noted?.map((pod) => servicePods.podOf(service, pod));
    changes.begin(key);
    try {
      const plan = this.#plan(key, service, changed);
      const write = (): Promise<void> => writeSlices(this.#client, plan, this.#own, key);
      await this.#echo.during(key, plan.update, write, () => this.again(key));
      this.#notes.tell(key, service, plan.hints);
    } catch (error) {
      changes.note(key, undefined);
      this.#tell(service, error);
      throw error;
    }
  }

  /** What another's write stood in the way of is right at the next try. */
  #tell(service: Service, error: unknown): void {
    if (isOvertaken(error)) return;
    const { namespace, name } = service.metadata;
    const message = `Error updating Endpoint Slices for Service ${namespace}/${name}: ${errorMessage(error)}`;
    this.#recorder.record(service, 'Warning', 'FailedToUpdateEndpointSlices', message);
  }

  /** `changed` undefined: any of its Pods may be another than before. */
  #plan(key: string, service: Service, changed: readonly (Pod | undefined)[] | undefined): ServicePlan {
    const state = {
      service,
      slices: this.#own.view(key, this.slices.byIndex(BY_SERVICE, key)).filter((slice) => !isTerminating(slice)),
      zoneOf: (name: string) => zoneOf(this.nodes.get(name)),
    };
    const known = changed?.filter((pod) => pod !== undefined) ?? [];
    const first = changed === undefined ? undefined : this.#triggerTimes.after(service, known);
    if (changed !== undefined && known.length === changed.length) {
      const patch = patchEndpointSlices({ ...state, triggerTime: first }, known);
      if (patch !== undefined) return patch;
    }
    const pods = this.servicePods.podsOf(service);
    const triggerTime = earlier(first, this.#triggerTimes.next(service, pods));
    const capacity = wantsTopologyHints(service) ? zoneCapacity(this.nodes.list()) : undefined;
    return planEndpointSlices({ ...state, pods, capacity, triggerTime });
  }
}

/** Makes the plan come true; `own` sees each write before its watch does. */
export async function writeSlices(
  client: Client,
  plan: EndpointSlicePlan,
  own: OwnWrites<EndpointSlice>,
  key: string,
): Promise<void> {
  const update = async (slice: EndpointSlice): Promise<void> => {
    own.wrote(key, await client.update(endpointSlices, slice));
  };
  const create = async (slice: NewObject<EndpointSlice>): Promise<void> => {
    try {
      own.wrote(key, await client.create(endpointSlices, slice));
    } catch (error) {
      // The Service goes with it.
      if (!isNamespaceTerminating(error)) throw error;
    }
  };
  const remove = async (slice: EndpointSlice): Promise<void> => {
    await ignoreNotFound(client.delete(endpointSlices, slice.metadata, { preconditions: { uid: slice.metadata.uid } }));
    own.deleted(key, slice);
  };
  await Promise.all([...plan.update.map(update), ...plan.create.map(create), ...plan.delete.map(remove)]);
}

function serviceKeyOf(slice: EndpointSlice): [string] | undefined {
  const { namespace, labels } = slice.metadata;
  const service = labels?.['kubernetes.io/service-name'];
  if (service === undefined || labels?.['endpointslice.kubernetes.io/managed-by'] !== MANAGED_BY) return undefined;
  return [`${namespace}/${service}`];
}

function zoneOf(node: Node | undefined): { readonly zone: string | undefined } | undefined {
  return node === undefined ? undefined : { zone: node.metadata.labels?.['topology.kubernetes.io/zone'] };
}
