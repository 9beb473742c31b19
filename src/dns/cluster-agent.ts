import type { Clock } from '#base/clock.ts';
import { errorMessage } from '#base/errors.ts';
import type { Log } from '#base/log.ts';
import type { KubeObject } from '#api/object.ts';
import { endpointSlices, namespaces, pods, type Resource, services } from '#api/resource.ts';
import { createClient } from '#client/api-client.ts';
import { httpsTransport } from '#client/https-transport.ts';
import type { Connection } from '#client/kubeconfig.ts';
import { Reflector, type ReflectorOptions, type ReflectorStore } from '#client/reflector.ts';
import type { ApiMetrics } from './api-metrics.ts';
import { nameText, type WireName } from './name.ts';
import { PodIndex } from './pod-index.ts';
import type { ProgrammingLatency } from './programming-latency.ts';
import { Zone } from './zone.ts';
import { zoneStores } from './zone-sync.ts';

/** What is followed of a cluster. */
export interface ClusterSelection {
  readonly zones: readonly WireName[];
  readonly namespaces: readonly string[];
  readonly namespaceLabels: string | undefined;
  readonly labels: string | undefined;
  readonly endpointPodNames: boolean;
  readonly noEndpoints: boolean;
  /** Whether Pods are followed too: they are many. */
  readonly pods: boolean;
}

export interface ClusterAgentOptions {
  readonly connection: Connection;
  readonly selection: ClusterSelection;
  readonly clock: Clock;
  readonly log: Log;
  readonly latency?: ProgrammingLatency | undefined;
  readonly api?: ApiMetrics | undefined;
  /** Called when the whole of it is known, before anybody is answered from it. */
  readonly onKnown?: (() => void) | undefined;
}

/** A cluster as DNS sees it, kept up to date until it is closed. */
export interface ClusterAgent extends Disposable {
  /** One for each domain. */
  readonly zones: ReadonlyMap<WireName, Zone>;
  readonly pods: PodIndex | undefined;
  readonly isReady: () => boolean;
}

/** Objects a page of a list: as many as Kubernetes' own clients ask for. */
const PAGE = 500;
/** A Pod that is over has no address any more. */
const LIVING = 'status.phase!=Succeeded,status.phase!=Failed';

export function followCluster(options: ClusterAgentOptions): ClusterAgent {
  const { connection, selection, clock, log } = options;
  const controller = new AbortController();
  const { signal } = controller;
  const transport = httpsTransport(connection, { observe: options.api?.observer(connection.server) });
  const client = createClient(transport);
  const follow = <T extends KubeObject>(
    resource: Resource<T>,
    store: ReflectorStore<T>,
    selectors: Pick<ReflectorOptions, 'labelSelector' | 'fieldSelector'>,
  ): Promise<void> => {
    const reflector = new Reflector(client, resource, store, { clock, log, pageSize: PAGE, ...selectors });
    reflector.start(signal);
    return reflector.synced;
  };
  const { endpointPodNames, noEndpoints, labels, namespaceLabels } = selection;
  const zones = new Map(selection.zones.map((name) => [name, new Zone(nameText(name), { endpointPodNames })] as const));
  const serves = namespaceFilter(selection);
  // A slice that is in several zones is one change.
  const stores = [...zones.values()].map((zone, i) =>
    zoneStores(zone, { serves, latency: i === 0 ? options.latency : undefined }),
  );
  const following = [
    follow(namespaces, together(stores.map((own) => own.namespaces)), { labelSelector: namespaceLabels }),
    follow(services, together(stores.map((own) => own.services)), { labelSelector: labels }),
  ];
  if (!noEndpoints)
    following.push(follow(endpointSlices, together(stores.map((own) => own.slices)), { labelSelector: labels }));
  const index = selection.pods ? new PodIndex() : undefined;
  if (index !== undefined) following.push(follow(pods, index, { labelSelector: labels, fieldSelector: LIVING }));
  let ready = false;
  const known = Promise.all(following).then(() => options.onKnown?.());
  known.then(
    () => {
      ready = true;
      const [zone] = zones.values();
      log.info('cluster is known', { services: zone?.size, server: connection.server });
    },
    (error: unknown) => {
      if (!signal.aborted) log.error('cluster cannot be followed', { error: errorMessage(error) });
    },
  );
  return {
    zones,
    pods: index,
    isReady: () => ready,
    [Symbol.dispose]() {
      controller.abort();
      transport[Symbol.dispose]();
    },
  };
}

function namespaceFilter({ namespaces: only }: ClusterSelection): ((namespace: string) => boolean) | undefined {
  if (only.length === 0) return undefined;
  const served = new Set(only);
  return (namespace) => served.has(namespace);
}

/** Several domains of one cluster have its objects each. */
function together<T extends KubeObject>(stores: readonly ReflectorStore<T>[]): ReflectorStore<T> {
  const [first] = stores;
  if (first !== undefined && stores.length === 1) return first;
  return {
    holdsAll: stores.every(({ holdsAll }) => holdsAll),
    held: (object) => first?.held(object),
    set: (object) => stores.forEach((store) => store.set(object)),
    delete: (object) => stores.forEach((store) => store.delete(object)),
    listing() {
      const listings = stores.map((store) => store.listing());
      return {
        seen: (object) => listings.forEach((listing) => listing.seen(object)),
        dropOthers: (gone) => listings.forEach((listing) => listing.dropOthers(gone)),
      };
    },
  };
}
