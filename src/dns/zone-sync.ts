import { endpointSlices, namespaces, services } from '#api/resource.ts';
import { type Informers } from '#client/informers.ts';
import { type Zone } from './zone.ts';

export interface ZoneSyncOptions {
  /** May be shared with others of the thread. */
  readonly informers: Informers;
  readonly signal: AbortSignal;
}

/** Keeps a zone up to date with a cluster; resolves when all that is there now is in it. */
export async function syncZone(zone: Zone, { informers, signal }: ZoneSyncOptions): Promise<void> {
  const allNamespaces = informers.for(namespaces);
  const allServices = informers.for(services);
  const allSlices = informers.for(endpointSlices);
  allNamespaces.on({
    added: (namespace) => zone.addNamespace(namespace.metadata.name),
    deleted: (namespace) => zone.removeNamespace(namespace.metadata.name),
  });
  allServices.on({
    added: (service) => zone.setService(service),
    updated: (service) => zone.setService(service),
    deleted: (service) => zone.removeService(service),
  });
  allSlices.on({
    added: (slice) => zone.setSlice(slice),
    updated: (slice, old) => {
      if (
        slice.metadata.labels?.['kubernetes.io/service-name'] !== old.metadata.labels?.['kubernetes.io/service-name']
      ) {
        zone.removeSlice(old);
      }
      zone.setSlice(slice);
    },
    deleted: (slice) => zone.removeSlice(slice),
  });
  const all = [allNamespaces, allServices, allSlices];
  for (const informer of all) informer.start(signal);
  await Promise.all(all.map((informer) => informer.synced));
}
