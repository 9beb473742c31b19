import type { Endpoints, EndpointSlice, Service } from '#api/generated/types.ts';
import { objectKey } from '#api/object.ts';
import { endpoints, endpointSlices, services } from '#api/resource.ts';
import { type ControllerContext, createControllerQueue, recorderFor } from '../controller-context.ts';
import { isMirrored, MIRRORED_BY, planMirror } from './endpoint-mirror-plan.ts';
import { writeSlices } from './endpoint-slice.ts';
import { hasSelector } from './service-pods.ts';
import { OwnWrites } from '../own-writes.ts';

const BY_SERVICE = 'endpoint-mirror/service';

/** Keeps EndpointSlices for the Endpoints that users write by hand, since the data plane reads slices only. */
export function startEndpointMirrorController(context: ControllerContext): void {
  const { client, informers } = context;
  const slices = informers.for(endpointSlices);
  const sources = informers.for(endpoints);
  const serviceInformer = informers.for(services);
  const own = new OwnWrites(slices);
  const recorder = recorderFor(context, 'endpoint-slice-mirroring-controller');
  slices.addIndex(BY_SERVICE, (slice) => mirrorKeyOf(slice) ?? []);

  const queue = createControllerQueue(
    context,
    { name: 'endpoint-mirror', waitFor: [slices, sources, serviceInformer] },
    async (key) => {
      const source = sources.get(key);
      const existing = own.view(key, slices.byIndex(BY_SERVICE, key));
      if (source === undefined || !isMirrored(source, serviceInformer.get(key))) {
        await writeSlices(client, { create: [], update: [], delete: existing }, own, key);
        if (source === undefined) own.forget(key);
        return;
      }
      const plan = planMirror(source, existing);
      if (plan.invalid > 0) {
        const message = `Skipped ${plan.invalid} invalid IP addresses when mirroring to EndpointSlices`;
        recorder.record(source, 'Warning', 'InvalidIPAddress', message);
      }
      if (plan.skipped > plan.invalid) {
        const message = `A max of 1000 addresses can be mirrored to EndpointSlices per Endpoints subset. ${plan.skipped} addresses were skipped`;
        recorder.record(source, 'Warning', 'TooManyAddressesToMirror', message);
      }
      await writeSlices(client, plan, own, key);
    },
  );

  const changed = (object: Endpoints | Service): void => queue.add(objectKey(object));
  sources.on({ added: changed, updated: changed, deleted: changed });
  serviceInformer.on({
    added: changed,
    updated: (service, old) => {
      if (hasSelector(service) !== hasSelector(old)) changed(service);
    },
    deleted: changed,
  });
  const sliceChanged = (slice: EndpointSlice, old: EndpointSlice = slice): void => {
    const [key] = mirrorKeyOf(slice) ?? [];
    const [before] = mirrorKeyOf(old) ?? [];
    if (key !== undefined && !own.isOwn(key, slice)) queue.add(key);
    // Another label, and it is somebody else's.
    if (before !== undefined && before !== key) queue.add(before);
  };
  slices.on({ added: (slice) => sliceChanged(slice), updated: sliceChanged, deleted: (slice) => sliceChanged(slice) });
}

function mirrorKeyOf({ metadata: { namespace, labels } }: EndpointSlice): [string] | undefined {
  const service = labels?.['kubernetes.io/service-name'];
  if (service === undefined || labels?.['endpointslice.kubernetes.io/managed-by'] !== MIRRORED_BY) return undefined;
  return [`${namespace}/${service}`];
}
