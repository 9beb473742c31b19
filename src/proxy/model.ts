import type { EndpointSlice, Service } from '#api/generated/types.ts';
import { objectKey, type KubeObject } from '#api/object.ts';
import type { Log } from '#base/log.ts';
import type { IpFamily } from '#base/ip.ts';
import { FaultLog } from './fault-log.ts';
import { serviceFaults } from './faults.ts';
import { exact } from './exact-list.ts';
import { idOf, type Frontend, type FrontendChange, type FrontendId } from './frontend.ts';
import { LocalGaps } from './local-gaps.ts';
import { serviceFrontends, type NodeView } from './service-frontends.ts';
import { serviceHealth, type ServiceHealth } from './service-health.ts';
import { readSlice, type SliceInfo } from './slice-info.ts';
import { parseService, type ServiceInfo } from './service-ports.ts';

const SERVICE_NAME = 'kubernetes.io/service-name';

export interface ModelOptions {
  readonly nodeName: string;
  readonly zone?: string | undefined;
  /** Of which frontends are made. */
  readonly families: readonly IpFamily[];
  readonly log: Log;
}

/**
 * Services and EndpointSlices as they are now, and the frontends that follow from them. A change costs what its own
 * Service costs, however many others there are; of slices only what counts is kept.
 */
export class Model {
  readonly #options: ModelOptions;
  readonly #services = new Map<string, ServiceInfo>();
  /** By Service, then by slice. Slices may come before their Service and outlive it. */
  readonly #slices = new Map<string, readonly SliceInfo[]>();
  readonly #serviceOfSlice = new Map<string, string>();
  readonly #dirty = new Set<string>();
  /** What each Service has programmed. */
  readonly #claims = new Map<string, readonly FrontendId[]>();
  /** Two Services may state the same address and port; the first one has it until it lets go. */
  readonly #owners = new Map<FrontendId, string>();
  readonly #waiting = new Map<FrontendId, Set<string>>();
  readonly #faults: FaultLog;
  readonly gaps: LocalGaps = new LocalGaps();

  #node: NodeView;
  /** Services with a health check port. */
  readonly #checked = new Set<string>();
  #health = new Map<string, ServiceHealth | undefined>();

  constructor(options: ModelOptions) {
    this.#options = options;
    this.#node = { nodeName: options.nodeName, zone: options.zone };
    this.#faults = new FaultLog(options.log);
  }

  get hasChanges(): boolean {
    return this.#dirty.size > 0;
  }

  setService(service: Service): void {
    const key = objectKey(service);
    const info = this.#faults.take('Service', key, () => ({
      faults: serviceFaults(service),
      value: parseService(service),
    }));
    if (info !== undefined) this.#services.set(key, info);
    else if (!this.#services.delete(key)) return;
    this.#dirty.add(key);
  }

  deleteService(key: string): void {
    this.#faults.forget('Service', key);
    if (this.#services.delete(key)) this.#dirty.add(key);
  }

  setSlice(slice: EndpointSlice): void {
    const key = objectKey(slice);
    const service = serviceKeyOf(slice);
    if (this.#serviceOfSlice.get(key) !== service) this.#dropSlice(key);
    if (service === undefined) return;
    const info = this.#faults.take('EndpointSlice', key, () => readSlice(key, slice, this.#options.nodeName));
    if (info === undefined) return this.#dropSlice(key);
    this.#serviceOfSlice.set(key, service);
    const others = this.#slices.get(service)?.filter((one) => one.key !== key) ?? [];
    this.#slices.set(service, exact([...others, info]));
    this.#dirty.add(service);
  }

  deleteSlice(key: string): void {
    this.#faults.forget('EndpointSlice', key);
    this.#dropSlice(key);
  }

  #dropSlice(key: string): void {
    const service = this.#serviceOfSlice.get(key);
    if (service === undefined) return;
    this.#serviceOfSlice.delete(key);
    const others = this.#slices.get(service)?.filter((one) => one.key !== key) ?? [];
    if (others.length === 0) this.#slices.delete(service);
    else this.#slices.set(service, others);
    this.#dirty.add(service);
  }

  /** What differs since the last call. */
  takeChanges(): FrontendChange[] {
    const changes = new Map<FrontendId, Frontend | undefined>();
    // Services that waited for an address become dirty on the way; a Set visits what is added while it is walked.
    for (const service of this.#dirty) this.#recompute(service, changes);
    this.#dirty.clear();
    return [...changes].map(([id, frontend]) => ({ id, frontend }));
  }

  /** The node is in another zone: hints may tell other endpoints. */
  setZone(zone: string | undefined): void {
    if (zone === this.#node.zone) return;
    this.#node = { ...this.#node, zone };
    this.markAll();
  }

  /** Makes the next `takeChanges` return every frontend. */
  markAll(): void {
    for (const service of this.#services.keys()) this.#dirty.add(service);
  }

  owns(id: FrontendId): boolean {
    return this.#owners.has(id);
  }

  /** What load balancers may ask, of Services where that changed since the last call. */
  takeHealth(): ReadonlyMap<string, ServiceHealth | undefined> {
    const health = this.#health;
    this.#health = new Map();
    return health;
  }

  #recompute(service: string, changes: Map<FrontendId, Frontend | undefined>): void {
    const frontends = this.#frontends(service);
    this.#checkHealth(service);
    this.gaps.set(service, frontends);
    // Of one address that a Service states twice the first counts: cluster addresses come first.
    const wanted = new Map<FrontendId, Frontend>();
    for (const frontend of frontends.toReversed()) wanted.set(idOf(frontend), frontend);
    for (const id of this.#claims.get(service) ?? []) {
      if (wanted.has(id)) continue;
      this.#release(id, service);
      if (!this.#owners.has(id)) changes.set(id, undefined);
    }
    for (const [id, frontend] of wanted) {
      if (this.#claim(id, service)) changes.set(id, frontend);
    }
    if (wanted.size === 0) this.#claims.delete(service);
    else this.#claims.set(service, exact([...wanted.keys()]));
  }

  #claim(id: FrontendId, service: string): boolean {
    const owner = this.#owners.get(id);
    if (owner === undefined || owner === service) {
      this.#owners.set(id, service);
      return true;
    }
    const waiting = this.#waiting.get(id) ?? new Set();
    if (!waiting.has(service)) {
      this.#options.log.warn('two services state one address', { frontend: id, service, owner });
    }
    this.#waiting.set(id, waiting.add(service));
    return false;
  }

  #release(id: FrontendId, service: string): void {
    const waiting = this.#waiting.get(id);
    waiting?.delete(service);
    if (waiting?.size === 0) this.#waiting.delete(id);
    if (this.#owners.get(id) !== service) return;
    this.#owners.delete(id);
    const [next] = waiting ?? [];
    if (next === undefined) return;
    // Behind the one at work, even if it had its turn already.
    this.#dirty.delete(next);
    this.#dirty.add(next);
  }

  #checkHealth(service: string): void {
    const info = this.#services.get(service);
    const slices = info === undefined || info.healthCheckPort === 0 ? [] : (this.#slices.get(service) ?? []);
    const health = info === undefined ? undefined : serviceHealth(info, slices);
    if (health === undefined && !this.#checked.delete(service)) return;
    if (health !== undefined) this.#checked.add(service);
    this.#health.set(service, health);
  }

  #frontends(service: string): Frontend[] {
    const info = this.#services.get(service);
    if (info === undefined) return [];
    const slices = this.#slices.get(service) ?? [];
    return serviceFrontends(service, info, slices, this.#node, this.#options.families);
  }
}

function serviceKeyOf(slice: KubeObject): string | undefined {
  const { labels, namespace } = slice.metadata;
  const name = labels?.[SERVICE_NAME];
  return name === undefined || namespace === undefined ? undefined : `${namespace}/${name}`;
}
