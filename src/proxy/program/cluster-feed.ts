import type { EndpointSlice, Node, Service } from '#api/generated/types.ts';
import type { KubeObject } from '#api/object.ts';
import { endpointSlices, nodes, serviceCidrs, services, type Resource } from '#api/resource.ts';
import { parseCidr, type Cidr } from '#base/cidr.ts';
import type { Clock } from '#base/clock.ts';
import { errorMessage } from '#base/errors.ts';
import type { Log } from '#base/log.ts';
import { isReason, type Client } from '#client/client.ts';
import { Informer } from '#client/informer.ts';
import type { Proxy } from '../sync.ts';

export interface FeedOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** Upstream's: what another proxy takes care of need not even be sent. */
const OWN_OBJECTS = '!service.kubernetes.io/service-proxy-name,!service.kubernetes.io/headless';
/** Objects a page of a list: what is decoded at a time is what memory has to have room for. */
const PAGE = 500;

/** Services and EndpointSlices to the proxy, from now on. Resolves when it knows all that there are. */
export async function feedServices(proxy: Proxy, options: FeedOptions): Promise<void> {
  const follow = <T extends Service | EndpointSlice>(resource: Resource<T>): Promise<void> => {
    const informer = new Informer<T>(options.client, resource, {
      ...options,
      labelSelector: OWN_OBJECTS,
      pageSize: PAGE,
      keep: stub,
    });
    const set = (object: T): void => proxy.note({ kind: 'set', object });
    informer.on({ added: set, updated: set, deleted: (object) => proxy.note({ kind: 'delete', object }) });
    informer.start(options.signal);
    return informer.synced;
  };
  await Promise.all([follow(services), follow(endpointSlices)]);
}

/** All that has to be remembered of an object to know when it has changed: the model has the rest in its own form. */
function stub<T extends KubeObject>({ apiVersion, kind, metadata }: T): T {
  const { name, namespace, uid, resourceVersion } = metadata;
  return { apiVersion, kind, metadata: { name, namespace, uid, resourceVersion } } as unknown as T;
}

/** The one Node that is ours. */
export function nodeInformer(name: string, options: FeedOptions): Informer<Node> {
  return new Informer(options.client, nodes, { ...options, fieldSelector: `metadata.name=${name}` });
}

/**
 * Where cluster addresses come from: clusters before 1.33 need not serve it, and it only decides what becomes of packets
 * to addresses that nobody has. Resolves when the proxy was told, or nothing can be known.
 */
export async function feedServiceCidrs(proxy: Proxy, options: FeedOptions): Promise<void> {
  try {
    await options.client.list(serviceCidrs, { limit: 1, signal: options.signal });
  } catch (error) {
    const isOld = isReason(error, 'NotFound');
    options.log[isOld ? 'debug' : 'warn']('packets to cluster addresses that nobody has are not dropped', {
      reason: isOld ? 'the cluster serves no ServiceCIDRs' : errorMessage(error),
    });
    return;
  }
  const informer = new Informer(options.client, serviceCidrs, options);
  const tell = (): void => proxy.setServiceCidrs(informer.list().flatMap(({ spec }) => cidrsOf(spec?.cidrs ?? [])));
  informer.on({ added: tell, updated: tell, deleted: tell });
  informer.start(options.signal);
  await informer.synced;
}

function cidrsOf(texts: readonly string[]): readonly Cidr[] {
  return texts.flatMap((text) => parseCidr(text) ?? []);
}
