import { type EndpointSlice, type Node } from '#api/generated/types.ts';
import { type NewObject, objectKey } from '#api/object.ts';
import { endpointSlices, nodes } from '#api/resource.ts';
import { type Client, isReason } from '#client/client.ts';
import { type ControllerContext, createControllerQueue, ignoreNotFound, recorderFor } from './controller-context.ts';
import { type EndpointSlicePlan, MANAGED_BY, planEndpointSlices } from './endpoint-slice-plan.ts';
import { OwnWrites } from './own-writes.ts';
import { selectsPods, ServicePods } from './service-pods.ts';
import { HintNotes } from './topology-hint-notes.ts';
import { wantsTopologyHints } from './topology-hints.ts';
import { TriggerTimes } from './trigger-time.ts';
import { capacityKey, zoneCapacity } from './zone-capacity.ts';

const BY_SERVICE = 'endpoint-slice/service';

/** Keeps EndpointSlices for the Pods that Services select. Slices of a deleted Service go by garbage collection. */
export function startEndpointSliceController(context: ControllerContext): void {
  const { client, informers } = context;
  const slices = informers.for(endpointSlices);
  const nodeInformer = informers.for(nodes);
  const servicePods = new ServicePods(informers);
  const own = new OwnWrites(slices);
  const triggerTimes = new TriggerTimes();
  const notes = new HintNotes(recorderFor(context, 'endpoint-slice-controller'));
  slices.addIndex(BY_SERVICE, (slice) => serviceKeyOf(slice) ?? []);

  const queue = createControllerQueue(
    context,
    { name: 'endpoint-slice', waitFor: [slices, nodeInformer, servicePods.services, servicePods.pods] },
    async (key) => {
      const service = servicePods.services.get(key);
      if (service === undefined || !selectsPods(service)) {
        triggerTimes.forget(key);
        notes.forget(key);
        own.forget(key);
        return;
      }
      const pods = servicePods.podsOf(service);
      const plan = planEndpointSlices({
        service,
        pods,
        slices: own.view(key, slices.byIndex(BY_SERVICE, key)),
        zoneOf: (name) => zoneOf(nodeInformer.get(name)),
        capacity: wantsTopologyHints(service) ? zoneCapacity(nodeInformer.list()) : undefined,
        triggerTime: triggerTimes.next(service, pods),
      });
      await writeSlices(client, plan, own, key);
      notes.tell(key, service, plan.hints);
    },
  );

  servicePods.watch((key) => queue.add(key));
  const sliceChanged = (slice: EndpointSlice): void => {
    for (const key of serviceKeyOf(slice) ?? []) if (!own.isOwn(key, slice)) queue.add(key);
  };
  slices.on({ added: sliceChanged, updated: sliceChanged, deleted: sliceChanged });
  const everything = (): void => {
    for (const service of servicePods.services.list()) queue.add(objectKey(service));
  };
  const sharedOut = (): void => {
    for (const service of servicePods.services.list()) if (wantsTopologyHints(service)) queue.add(objectKey(service));
  };
  nodeInformer.on({
    added: everything,
    updated: (node, old) => {
      if (zoneOf(node)?.zone !== zoneOf(old)?.zone) everything();
      else if (capacityKey(node) !== capacityKey(old)) sharedOut();
    },
    deleted: everything,
  });
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
      // The namespace is on its way out, and the Service with it.
      if (!isReason(error, 'Forbidden')) throw error;
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
