import { endpointSlices, namespaces, services } from '#api/resource.ts';
import { type Clock } from '#base/clock.ts';
import { type Log } from '#base/log.ts';
import { type Client } from '#client/client.ts';
import { Informer } from '#client/informer.ts';
import { type Zone } from './zone.ts';

export interface ZoneSyncOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** Keeps a zone up to date with a cluster; resolves when all that is there now is in it. */
export async function syncZone(zone: Zone, { client, clock, log, signal }: ZoneSyncOptions): Promise<void> {
  const allNamespaces = new Informer(client, namespaces, { clock, log });
  const allServices = new Informer(client, services, { clock, log });
  const allSlices = new Informer(client, endpointSlices, { clock, log });
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
