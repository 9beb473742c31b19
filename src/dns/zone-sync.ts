import type { EndpointSlice, Namespace, Service } from '#api/generated/types.ts';
import { type KubeObject, objectKey, type ObjectMeta } from '#api/object.ts';
import { endpointSlices, namespaces, pods, services } from '#api/resource.ts';
import type { Informer } from '#client/informer.ts';
import type { Informers } from '#client/informers.ts';
import type { ReflectorStore } from '#client/reflector.ts';
import type { PodIndex } from './pod-index.ts';
import type { ProgrammingLatency } from './programming-latency.ts';
import { revisionOf, serviceKey } from './service-entry.ts';
import type { Zone } from './zone.ts';

export interface ZoneStoreOptions {
  /** Namespaces that are not served are as if they were not there. @default all are */
  readonly serves?: ((namespace: string) => boolean) | undefined;
  /** Told of the slices of headless Services, once the zone has them. */
  readonly latency?: ProgrammingLatency | undefined;
}

export interface ZoneStores {
  readonly namespaces: ReflectorStore<Namespace>;
  readonly services: ReflectorStore<Service>;
  readonly slices: ReflectorStore<EndpointSlice>;
}

/** A zone as what holds the objects of a cluster: nobody else has to remember them. */
export function zoneStores(zone: Zone, { serves, latency }: ZoneStoreOptions = {}): ZoneStores {
  const isServed = ({ namespace, name }: ObjectMeta): boolean => serves?.(namespace ?? name) ?? true;
  return {
    namespaces: storeOf({
      holdsAll: serves === undefined,
      isServed,
      keyOf: ({ name }) => name,
      keys: () => zone.namespaceNames(),
      revision: (name) => zone.namespaceRevision(name),
      set: (namespace) => zone.addNamespace(namespace.metadata.name, revisionOf(namespace)),
      remove: (name) => zone.removeNamespace(name),
    }),
    services: storeOf({
      holdsAll: serves === undefined,
      isServed,
      keyOf: ({ namespace = '', name }) => serviceKey(namespace, name),
      keys: () => zone.serviceKeys(),
      revision: (key) => zone.serviceRevision(key),
      set: (service) => zone.setService(service),
      remove: (key) => zone.removeService(key),
    }),
    slices: storeOf({
      // There may be slices that are no Service's.
      holdsAll: false,
      isServed,
      keyOf: (metadata) => objectKey({ metadata }),
      keys: () => zone.sliceKeys(),
      revision: (key) => zone.sliceRevision(key),
      set: (slice: EndpointSlice) => {
        zone.setSlice(slice);
        if (latency !== undefined && isHeadless(zone, slice)) latency.programmed(slice);
      },
      remove: (key) => zone.removeSlice(key),
    }),
  };
}

interface Kept<T> {
  readonly holdsAll: boolean;
  readonly isServed: (metadata: ObjectMeta) => boolean;
  readonly keyOf: (metadata: ObjectMeta) => string;
  readonly keys: () => Iterable<string>;
  /** Of what is known by this key. */
  readonly revision: (key: string) => number | undefined;
  readonly set: (object: T) => void;
  readonly remove: (key: string) => void;
}

function storeOf<T extends KubeObject>(kept: Kept<T>): ReflectorStore<T> {
  const { holdsAll, isServed, keyOf, keys, revision, set, remove } = kept;
  return {
    holdsAll,
    held: ({ metadata }) => {
      const known = revision(keyOf(metadata));
      // Who is called the same is the same to DNS.
      return known === undefined ? undefined : { metadata: { uid: metadata.uid, resourceVersion: `${known}` } };
    },
    set: (object) => void (isServed(object.metadata) && set(object)),
    delete: ({ metadata }) => remove(keyOf(metadata)),
    listing() {
      const unseen = new Set(keys());
      return {
        seen: ({ metadata }) => void unseen.delete(keyOf(metadata)),
        dropOthers: () => {
          for (const key of unseen) remove(key);
        },
      };
    },
  };
}

function isHeadless(zone: Zone, { metadata }: EndpointSlice): boolean {
  const service = metadata.labels?.['kubernetes.io/service-name'] ?? '';
  return zone.service(metadata.namespace ?? '', service)?.shape?.kind === 'headless';
}

export interface ZoneSyncOptions extends ZoneStoreOptions {
  /** May be shared with others of the thread. */
  readonly informers: Pick<Informers, 'for'>;
  readonly signal: AbortSignal;
}

/** Keeps a zone up to date with a cluster whose objects others have too; resolves when all that is there now is in it. */
export async function syncZone(zone: Zone, options: ZoneSyncOptions): Promise<void> {
  const { informers, signal } = options;
  const stores = zoneStores(zone, options);
  await Promise.all([
    feed(informers.for(namespaces), stores.namespaces, signal),
    feed(informers.for(services), stores.services, signal),
    feed(informers.for(endpointSlices), stores.slices, signal),
  ]);
}

/** Only where Pods are looked up by address: they are many, and change often. */
export function syncPods(index: PodIndex, { informers, signal }: ZoneSyncOptions): Promise<void> {
  return feed(informers.for(pods), index, signal);
}

function feed<T extends KubeObject>(
  informer: Informer<T>,
  store: ReflectorStore<T>,
  signal: AbortSignal,
): Promise<void> {
  informer.on({
    added: (object) => store.set(object),
    updated: (object) => store.set(object),
    deleted: (object) => store.delete(object),
  });
  informer.start(signal);
  return informer.synced;
}
