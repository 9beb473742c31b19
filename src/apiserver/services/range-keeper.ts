import { formatCidr, type Cidr } from '#base/cidr.ts';
import type { Clock } from '#base/clock.ts';
import { errorMessage } from '#base/errors.ts';
import type { Log } from '#base/log.ts';
import { WorkQueue } from '#base/work-queue.ts';
import type { IPAddress, Service, ServiceCIDR } from '#api/generated/types.ts';
import type { ApiHandler } from '#api/request.ts';
import { ipAddresses, serviceCidrs, services } from '#api/resource.ts';
import type { ObjectStorage } from '../storage/object-storage.ts';
import { repairOfAddress, repairsOfService, type Repair, type RepairView } from './address-repair.ts';
import { ensureDefaultRange } from './default-range.ts';
import { ipAddressOf } from './ip-address-object.ts';
import { KeeperClient } from './keeper-client.ts';
import { planRange } from './range-plan.ts';
import { cidrsOf, DEFAULT_RANGE } from './service-ranges.ts';

export interface RangeKeeperOptions {
  readonly storage: ObjectStorage;
  /** The API of the same server. */
  readonly handle: ApiHandler;
  readonly clock: Clock;
  readonly log: Log;
  readonly serviceCidrs: readonly Cidr[];
  readonly signal: AbortSignal;
}

/** How often everything is looked through: what no event tells of, as an orphan that has become old enough. */
const SWEEP_MS = 30_000;
const COMPONENT = 'ipallocator-repair-controller';
const DEFAULT_COMPONENT = 'kubernetes-service-cidr-controller';

/**
 * Keeps the objects about Service addresses true: the default ServiceCIDR, finalizer and condition of each, an IPAddress
 * for each ClusterIP and none without one. Allocation itself never waits for it.
 */
export class RangeKeeper {
  readonly #options: RangeKeeperOptions;
  readonly #client: KeeperClient;
  readonly #ranges: WorkQueue;
  readonly #services: WorkQueue;
  #cidrs: readonly Cidr[] = [];
  /** Out of range and taken twice are told once for each Service, and a default range of others once, not at each look. */
  readonly #told = new Map<string, string>();

  constructor(options: RangeKeeperOptions) {
    const { clock, log, handle } = options;
    this.#options = options;
    this.#client = new KeeperClient(handle, clock);
    const onError = (key: string, error: unknown): void =>
      log.warn('a Service range could not be put right, trying again', { key, error: errorMessage(error) });
    this.#ranges = new WorkQueue((name) => this.#keepRange(name), { clock, onError });
    this.#services = new WorkQueue((key) => this.#repairService(key), { clock, onError });
  }

  /** Resolves when the default range exists; the rest is done beside the requests. */
  async start(): Promise<void> {
    const { storage, signal, clock } = this.#options;
    await ensureDefaultRange(this.#options);
    this.#follow();
    const every = async (): Promise<void> => {
      while (!signal.aborted) {
        await this.#sweep();
        await clock.sleep(SWEEP_MS, signal);
      }
    };
    // It ends with the sleep that the signal breaks off.
    every().catch(() => {});
    for (const { key } of storage.cache(serviceCidrs).list()) this.#ranges.add(key);
    signal.addEventListener('abort', () => {
      this.#ranges.stop();
      this.#services.stop();
    });
  }

  /** Resolves when all that is known has been put right. */
  async idle(): Promise<void> {
    await Promise.all([this.#ranges.idle(), this.#services.idle()]);
  }

  #follow(): void {
    const { storage } = this.#options;
    this.#cidrs = this.#allRanges().flatMap(cidrsOf);
    storage.cache(serviceCidrs).subscribe(({ type, current }) => {
      this.#cidrs = this.#allRanges().flatMap(cidrsOf);
      if (type === 'DELETED' && current.key === DEFAULT_RANGE) this.#ranges.addAfter(DEFAULT_RANGE, 0);
      // One that comes or goes may set another free.
      for (const { key } of storage.cache(serviceCidrs).list()) this.#ranges.add(key);
    });
    storage.cache(services).subscribe(({ type, current }) => {
      if (type === 'DELETED') this.#told.delete(current.key);
      else if (repairsOfService(current.object as Service, this.#view()).length > 0) this.#services.add(current.key);
    });
    storage.cache(ipAddresses).subscribe(({ type, current }) => {
      if (type === 'ADDED') return;
      const { namespace = '', name = '' } = (current.object as IPAddress).spec.parentRef;
      if (type === 'DELETED') for (const key of this.#terminating()) this.#ranges.add(key);
      if (storage.cache(services).get(`${namespace}/${name}`) !== undefined) this.#services.add(`${namespace}/${name}`);
    });
  }

  #view(): RepairView {
    const { storage } = this.#options;
    return {
      ranges: this.#cidrs,
      address: (ip) => storage.cache(ipAddresses).get(ip)?.object as IPAddress | undefined,
      service: (namespace, name) => storage.cache(services).get(`${namespace}/${name}`)?.object as Service | undefined,
    };
  }

  #allRanges(): readonly ServiceCIDR[] {
    return [...this.#options.storage.cache(serviceCidrs).list()].map(({ object }) => object as ServiceCIDR);
  }

  *#addresses(): Generator<IPAddress, void, undefined> {
    for (const { object } of this.#options.storage.cache(ipAddresses).list()) yield object as IPAddress;
  }

  #terminating(): readonly string[] {
    const going = this.#allRanges().filter(({ metadata }) => metadata.deletionTimestamp !== undefined);
    return going.map(({ metadata }) => metadata.name);
  }

  async #sweep(): Promise<void> {
    const { storage, clock, log } = this.#options;
    const view = this.#view();
    for (const { key, object } of storage.cache(services).list()) {
      if (repairsOfService(object as Service, view).length > 0) this.#services.add(key);
    }
    await this.#services.idle();
    try {
      for (const address of Array.from(this.#addresses())) {
        const repair = repairOfAddress(address, this.#view(), clock.now());
        if (repair !== undefined) await this.#do(repair);
      }
    } catch (error) {
      log.warn('an orphaned IPAddress could not be removed, trying again', { error: errorMessage(error) });
    }
    for (const key of this.#terminating()) this.#ranges.add(key);
  }

  async #repairService(key: string): Promise<void> {
    const stored = this.#options.storage.cache(services).get(key);
    if (stored === undefined) return;
    for (const repair of repairsOfService(stored.object as Service, this.#view())) await this.#do(repair, key);
  }

  async #do({ warning, remove, create }: Repair, key: string = ''): Promise<void> {
    const lasting = warning !== undefined && remove === undefined && create === undefined;
    if (warning !== undefined && !(lasting && this.#told.get(key) === warning.note)) {
      if (lasting) this.#told.set(key, warning.note);
      const { about, reason, action, note } = warning;
      await this.#client.warn(about, { component: COMPONENT, reason, action, note });
    }
    if (remove !== undefined) await this.#client.delete(ipAddresses, remove);
    if (create !== undefined) await this.#client.create(ipAddresses, ipAddressOf(create.ip, create.service));
  }

  async #keepDefault(): Promise<void> {
    const other = await ensureDefaultRange(this.#options);
    if (other === undefined || this.#told.has(DEFAULT_RANGE)) return;
    const own = this.#options.serviceCidrs.map(formatCidr).join(' ');
    const stored = other.spec.cidrs?.join(' ') ?? '';
    const note = `The default ServiceCIDR [${stored}] does not match the controller flag configurations [${own}]`;
    this.#told.set(DEFAULT_RANGE, note);
    const reason = 'KubernetesDefaultServiceCIDRInconsistent';
    await this.#client.warn(other, { component: DEFAULT_COMPONENT, reason, action: '', note });
  }

  async #keepRange(name: string): Promise<void> {
    const { storage, clock } = this.#options;
    if (name === DEFAULT_RANGE) await this.#keepDefault();
    const stored = storage.cache(serviceCidrs).get(name);
    if (stored === undefined) return;
    const range = stored.object as ServiceCIDR;
    const step = planRange(range, this.#allRanges(), this.#addresses(), clock.now());
    switch (step.kind) {
      case 'none':
        return;
      case 'wait':
        return this.#ranges.addAfter(name, step.ms);
      case 'add-finalizer':
      case 'remove-finalizer': {
        const { resourceVersion } = range.metadata;
        return this.#client.merge(serviceCidrs, name, { metadata: { resourceVersion, finalizers: step.finalizers } });
      }
      case 'set-conditions':
        return this.#client.merge(serviceCidrs, name, { status: { conditions: step.conditions } }, '/status');
    }
  }
}
