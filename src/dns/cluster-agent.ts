import type { Clock } from '#base/clock.ts';
import { errorMessage } from '#base/errors.ts';
import type { Log } from '#base/log.ts';
import type { KubeObject } from '#api/object.ts';
import { apiVersionOf, namespaces, pods, type Resource } from '#api/resource.ts';
import { createClient } from '#client/api-client.ts';
import { httpsTransport } from '#client/https-transport.ts';
import { Informer } from '#client/informer.ts';
import type { Connection } from '#client/kubeconfig.ts';
import { nameText, type WireName } from './name.ts';
import { PodIndex } from './pod-index.ts';
import type { ProgrammingLatency } from './programming-latency.ts';
import { Zone } from './zone.ts';
import { syncPods, syncZone } from './zone-sync.ts';

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
  /** Called when the whole of it is known, before anybody is answered from it. */
  readonly onKnown?: (() => Promise<void>) | undefined;
}

/** A cluster as DNS sees it, kept up to date until it is closed. */
export interface ClusterAgent extends Disposable {
  /** One for each domain. */
  readonly zones: ReadonlyMap<WireName, Zone>;
  readonly pods: PodIndex | undefined;
  readonly isReady: () => boolean;
}

/** Objects a page of a list: what is decoded at a time is what memory has to have room for. */
const PAGE = 250;
/** A Pod that is over has no address any more. */
const LIVING = 'status.phase!=Succeeded,status.phase!=Failed';
const SERVICE_NAME = 'kubernetes.io/service-name';

export function followCluster(options: ClusterAgentOptions): ClusterAgent {
  const { connection, selection, clock, log } = options;
  const controller = new AbortController();
  const { signal } = controller;
  const transport = httpsTransport(connection);
  const client = createClient(transport);
  const informers = new Map<string, Informer<KubeObject>>();
  const source = {
    for<T extends KubeObject>(resource: Resource<T>): Informer<T> {
      const key = `${apiVersionOf(resource)}/${resource.plural}`;
      const known = informers.get(key) as unknown as Informer<T> | undefined;
      if (known !== undefined) return known;
      const labelSelector = resource.plural === namespaces.plural ? selection.namespaceLabels : selection.labels;
      const isPods = resource.plural === pods.plural;
      const made = new Informer(client, resource, {
        clock,
        log,
        labelSelector,
        fieldSelector: isPods ? LIVING : undefined,
        pageSize: PAGE,
        keep: isPods ? podStub : stub,
      });
      informers.set(key, made as unknown as Informer<KubeObject>);
      return made;
    },
  };
  const serves = namespaceFilter(selection);
  const { endpointPodNames, noEndpoints } = selection;
  const zones = new Map(selection.zones.map((name) => [name, new Zone(nameText(name), { endpointPodNames })] as const));
  const index = selection.pods ? new PodIndex() : undefined;
  let ready = false;
  const following = [...zones.values()].map((zone, i) => {
    // A slice that is in several zones is one change.
    const latency = i === 0 ? options.latency : undefined;
    return syncZone(zone, { informers: source, signal, serves, noEndpoints, latency });
  });
  if (index !== undefined) following.push(syncPods(index, { informers: source, signal }));
  const known = Promise.all(following).then(() => options.onKnown?.());
  known.then(
    () => {
      ready = true;
      log.info('cluster is known', { services: informers.get('v1/services')?.size, server: connection.server });
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

/** All that has to be remembered of an object to know when it has changed: the zone has the rest in its own form. */
function stub<T extends KubeObject>({ metadata }: T): T {
  const { name, namespace, resourceVersion, labels } = metadata;
  const service = labels?.[SERVICE_NAME];
  // Without a uid an object that changed while we were away is taken for two, one that went and one that came.
  const kept =
    service === undefined
      ? { name, namespace, resourceVersion }
      : { name, namespace, resourceVersion, labels: { [SERVICE_NAME]: service } };
  return { metadata: kept } as unknown as T;
}

/** Pods are told apart by it. */
function podStub<T extends KubeObject>({ metadata }: T): T {
  const { name, namespace, uid, resourceVersion } = metadata;
  return { metadata: { name, namespace, uid, resourceVersion } } as unknown as T;
}
