import type { EndpointSlice } from '#api/generated/types.ts';
import type { ObjectMeta } from '#api/object.ts';
import { endpointSlices, namespaces, pods, services } from '#api/resource.ts';
import type { Informers } from '#client/informers.ts';
import type { PodIndex } from './pod-index.ts';
import type { ProgrammingLatency } from './programming-latency.ts';
import type { Zone } from './zone.ts';

export interface ZoneSyncOptions {
  /** May be shared with others of the thread. */
  readonly informers: Pick<Informers, 'for'>;
  /** Namespaces that are not served are as if they were not there. @default all are */
  readonly serves?: ((namespace: string) => boolean) | undefined;
  /** Without endpoints there are only the addresses of Services. @default false */
  readonly noEndpoints?: boolean | undefined;
  /** Told of the slices of headless Services, once the zone has them. */
  readonly latency?: ProgrammingLatency | undefined;
  readonly signal: AbortSignal;
}

/** Keeps a zone up to date with a cluster; resolves when all that is there now is in it. */
export async function syncZone(zone: Zone, options: ZoneSyncOptions): Promise<void> {
  const { informers, signal, noEndpoints = false, latency } = options;
  const serves = ({ metadata }: { readonly metadata: ObjectMeta }): boolean =>
    options.serves?.(metadata.namespace ?? metadata.name) ?? true;
  const allNamespaces = informers.for(namespaces);
  const allServices = informers.for(services);
  const allSlices = informers.for(endpointSlices);
  allNamespaces.on({
    added: (namespace) => void (serves(namespace) && zone.addNamespace(namespace.metadata.name)),
    deleted: (namespace) => zone.removeNamespace(namespace.metadata.name),
  });
  allServices.on({
    added: (service) => void (serves(service) && zone.setService(service)),
    updated: (service) => void (serves(service) && zone.setService(service)),
    deleted: (service) => zone.removeService(service),
  });
  const set = (slice: EndpointSlice): void => {
    zone.setSlice(slice);
    if (latency !== undefined && isHeadless(zone, slice)) latency.programmed(slice);
  };
  allSlices.on({
    added: (slice) => void (serves(slice) && set(slice)),
    updated: (slice, old) => {
      if (!serves(slice)) return;
      if (
        slice.metadata.labels?.['kubernetes.io/service-name'] !== old.metadata.labels?.['kubernetes.io/service-name']
      ) {
        zone.removeSlice(old);
      }
      set(slice);
    },
    deleted: (slice) => zone.removeSlice(slice),
  });
  const all = noEndpoints ? [allNamespaces, allServices] : [allNamespaces, allServices, allSlices];
  for (const informer of all) informer.start(signal);
  await Promise.all(all.map((informer) => informer.synced));
}

function isHeadless(zone: Zone, { metadata }: EndpointSlice): boolean {
  const service = metadata.labels?.['kubernetes.io/service-name'] ?? '';
  return zone.service(metadata.namespace ?? '', service)?.shape?.kind === 'headless';
}

/** Only where Pods are looked up by address: they are many, and change often. */
export async function syncPods(index: PodIndex, { informers, signal }: ZoneSyncOptions): Promise<void> {
  const allPods = informers.for(pods);
  allPods.on({
    added: (pod) => index.setPod(pod),
    updated: (pod) => index.setPod(pod),
    deleted: (pod) => index.removePod(pod),
  });
  allPods.start(signal);
  await allPods.synced;
}
