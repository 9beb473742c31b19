import { errorMessage } from '#base/errors.ts';
import type { Cidr } from '#base/cidr.ts';
import { type IpFamily, parseIp } from '#base/ip.ts';
import type { LoadBalancerIngress, Service } from '#api/generated/types.ts';
import { objectKey } from '#api/object.ts';
import { services } from '#api/resource.ts';
import type { EventRecorder } from '#client/events.ts';
import { type ControllerContext, createControllerQueue, ignoreNotFound, recorderFor } from '../controller-context.ts';
import { LoadBalancerPool } from './load-balancer-pool.ts';
import { OwnWrites } from '../own-writes.ts';

/** Keeps a Service until its load balancer is gone (KEP-980). */
const FINALIZER = 'service.kubernetes.io/load-balancer-cleanup';

/**
 * Gives each Service of type LoadBalancer its addresses, in the words of upstream's service controller
 * (cloud-provider/controllers/service/controller.go, 1.34). The balancing itself is every node's own work: a VIP.
 */
export function startLoadBalancerController(context: ControllerContext, ranges: readonly Cidr[]): void {
  if (ranges.length === 0) return;
  const informer = context.informers.for(services);
  const pool = new LoadBalancerPool(ranges);
  const controller = new LoadBalancerController(context, pool);
  let isRestored = false;
  const queue = createControllerQueue(context, { name: 'load-balancer', waitFor: [informer] }, async (key) => {
    if (!isRestored) for (const service of informer.list()) restore(pool, service);
    isRestored = true;
    for (const waiting of await controller.reconcile(key)) queue.add(waiting);
  });
  const changed = (service: Service): void => {
    const key = objectKey(service);
    if (wantsBalancer(service) || hasFinalizer(service) || pool.has(key)) queue.add(key);
  };
  informer.on({ added: changed, updated: changed, deleted: changed });
}

class LoadBalancerController {
  readonly #context: ControllerContext;
  readonly #pool: LoadBalancerPool;
  readonly #own: OwnWrites<Service>;
  readonly #recorder: EventRecorder;
  /** Got no address yet: somebody else's release may change that. */
  readonly #waiting = new Set<string>();

  constructor(context: ControllerContext, pool: LoadBalancerPool) {
    this.#context = context;
    this.#pool = pool;
    this.#own = new OwnWrites(context.informers.for(services));
    this.#recorder = recorderFor(context, 'service-controller');
  }

  /** The keys of others that have something to hope for now. */
  async reconcile(key: string): Promise<readonly string[]> {
    const cached = this.#context.informers.for(services).get(key);
    const [service] = cached === undefined ? [] : this.#own.view(key, [cached]);
    const { releases } = this.#pool;
    if (service !== undefined && wantsBalancer(service)) await this.#ensure(key, service);
    else await this.#remove(key, service);
    return this.#pool.releases === releases ? [] : [...this.#waiting].filter((one) => one !== key);
  }

  async #remove(key: string, service: Service | undefined): Promise<void> {
    this.#waiting.delete(key);
    if (service === undefined) this.#own.forget(key);
    const isOurs = service !== undefined && hasFinalizer(service);
    if (isOurs) this.#recorder.record(service, 'Normal', 'DeletingLoadBalancer', 'Deleting load balancer');
    this.#pool.release(key);
    if (isOurs) {
      await this.#setFinalizers(
        key,
        service,
        (service.metadata.finalizers ?? []).filter((name) => name !== FINALIZER),
      );
      this.#recorder.record(service, 'Normal', 'DeletedLoadBalancer', 'Deleted load balancer');
    }
  }

  async #ensure(key: string, service: Service): Promise<void> {
    const kept = hasFinalizer(service)
      ? service
      : await this.#setFinalizers(key, service, [...(service.metadata.finalizers ?? []), FINALIZER]);
    if (kept === undefined) return;
    const families = familiesOf(kept);
    for (const family of this.#pool.families) if (!families.includes(family)) this.#pool.release(key, family);
    const isNew = !this.#pool.has(key);
    if (isNew && !this.#waiting.has(key)) {
      this.#recorder.record(kept, 'Normal', 'EnsuringLoadBalancer', 'Ensuring load balancer');
    }
    await this.#setIngress(key, kept, this.#takeAll(key, kept, families));
    if (isNew && this.#pool.has(key)) {
      this.#recorder.record(kept, 'Normal', 'EnsuredLoadBalancer', 'Ensured load balancer');
    }
  }

  /** Of a Service of two families in a cluster with addresses of one, that one's is all there is. */
  #takeAll(key: string, service: Service, families: readonly IpFamily[]): readonly string[] {
    const wanted = parseIp(service.spec.loadBalancerIP ?? '');
    this.#waiting.delete(key);
    const served = families.filter((family) => this.#pool.families.includes(family));
    return (served.length === 0 ? families.slice(0, 1) : served).flatMap((family) => {
      try {
        return [this.#pool.take(key, family, wanted?.family === family ? service.spec.loadBalancerIP : undefined)];
      } catch (error) {
        this.#waiting.add(key);
        const message = `Error syncing load balancer: ${errorMessage(error)}`;
        this.#recorder.record(service, 'Warning', 'SyncLoadBalancerFailed', message);
        // Who asks for another address keeps his own while that cannot be had.
        return this.#pool.has(key) ? [this.#pool.take(key, family)] : [];
      }
    });
  }

  async #setFinalizers(key: string, service: Service, finalizers: readonly string[]): Promise<Service | undefined> {
    const { uid, resourceVersion } = service.metadata;
    // The whole list is written, so nobody else may have written meanwhile.
    const body = { metadata: { uid, resourceVersion, finalizers } };
    return this.#patch(key, service, body);
  }

  async #setIngress(key: string, service: Service, addresses: readonly string[]): Promise<void> {
    const ingress = addresses.map((ip): LoadBalancerIngress => ({ ip, ipMode: 'VIP' }));
    const present = service.status?.loadBalancer?.ingress ?? [];
    if (JSON.stringify(present.map(({ ip, ipMode }) => ({ ip, ipMode }))) === JSON.stringify(ingress)) return;
    const { uid, resourceVersion } = service.metadata;
    const status = { loadBalancer: { ingress: ingress.length === 0 ? null : ingress } };
    await this.#patch(key, service, { metadata: { uid, resourceVersion }, status }, 'status');
  }

  async #patch(key: string, service: Service, body: object, subresource?: string): Promise<Service | undefined> {
    const { client } = this.#context;
    const patched = client.patch(services, service.metadata, { kind: 'merge', body }, { subresource });
    const written = await ignoreNotFound(patched);
    if (written !== undefined) this.#own.wrote(key, written);
    return written;
  }
}

/** A class names somebody else who does it. */
function wantsBalancer({ metadata, spec }: Service): boolean {
  return (
    spec.type === 'LoadBalancer' && spec.loadBalancerClass === undefined && metadata.deletionTimestamp === undefined
  );
}

/** Of a Service with a class it is somebody else's. */
function hasFinalizer({ metadata, spec }: Service): boolean {
  return spec.loadBalancerClass === undefined && metadata.finalizers?.includes(FINALIZER) === true;
}

function familiesOf({ spec }: Service): readonly IpFamily[] {
  return (spec.ipFamilies ?? ['IPv4']).map((name) => (name === 'IPv6' ? 6 : 4));
}

function restore(pool: LoadBalancerPool, service: Service): void {
  if (!wantsBalancer(service)) return;
  for (const { ip } of service.status?.loadBalancer?.ingress ?? []) pool.restore(objectKey(service), ip ?? '');
}
