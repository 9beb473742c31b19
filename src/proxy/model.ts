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

/** A Service, or one that only its slices tell of: they may come before it and outlive it. */
interface Entry {
  /** `namespace/name` */
  readonly key: string;
  info: ServiceInfo | undefined;
  slices: readonly SliceInfo[];
  /** What it has programmed, or waits for. */
  claims: readonly FrontendId[];
  /** Its frontends have to be made anew. */
  isDirty: boolean;
}

const NOTHING: readonly never[] = Object.freeze([]);

/**
 * Services and EndpointSlices as they are now, and the frontends that follow from them. A change costs what its own
 * Service costs, however many others there are; of slices only what counts is kept.
 */
export class Model {
  readonly #options: ModelOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #entryOfSlice = new Map<string, Entry>();
  #dirty: Entry[] = [];
  /** Two Services may state the same address and port; the first one has it until it lets go. */
  readonly #owners = new Map<FrontendId, Entry>();
  readonly #waiting = new Map<FrontendId, Set<Entry>>();
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
    return this.#dirty.length > 0;
  }

  setService(service: Service): void {
    const key = objectKey(service);
    const info = this.#faults.take('Service', key, () => ({
      faults: serviceFaults(service),
      value: parseService(service),
    }));
    if (info === undefined) return this.#dropService(key);
    const entry = this.#entry(key);
    entry.info = info;
    this.#mark(entry);
  }

  deleteService(key: string): void {
    this.#faults.forget('Service', key);
    this.#dropService(key);
  }

  #dropService(key: string): void {
    const entry = this.#entries.get(key);
    if (entry?.info === undefined) return;
    entry.info = undefined;
    this.#mark(entry);
  }

  setSlice(slice: EndpointSlice): void {
    const key = objectKey(slice);
    const service = serviceKeyOf(slice);
    const known = this.#entryOfSlice.get(key);
    if (known?.key !== service) this.#dropSlice(key);
    if (service === undefined) return;
    const info = this.#faults.take('EndpointSlice', key, () => readSlice(key, slice, this.#options.nodeName));
    if (info === undefined) return this.#dropSlice(key);
    const entry = this.#entry(service);
    if (entry !== known) this.#entryOfSlice.set(key, entry);
    entry.slices = exact([...without(entry.slices, key), info]);
    this.#mark(entry);
  }

  deleteSlice(key: string): void {
    this.#faults.forget('EndpointSlice', key);
    this.#dropSlice(key);
  }

  #dropSlice(key: string): void {
    const entry = this.#entryOfSlice.get(key);
    if (entry === undefined) return;
    this.#entryOfSlice.delete(key);
    entry.slices = without(entry.slices, key);
    this.#mark(entry);
  }

  #entry(key: string): Entry {
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      entry = { key, info: undefined, slices: NOTHING, claims: NOTHING, isDirty: false };
      this.#entries.set(key, entry);
    }
    return entry;
  }

  #mark(entry: Entry): void {
    if (entry.isDirty) return;
    entry.isDirty = true;
    this.#dirty.push(entry);
  }

  /** What differs since the last call. */
  takeChanges(): FrontendChange[] {
    const changes = new Map<FrontendId, Frontend | undefined>();
    // Services that waited for an address become dirty on the way; an array's end is looked for at each turn.
    for (const entry of this.#dirty) {
      entry.isDirty = false;
      this.#recompute(entry, changes);
      const { info, slices } = entry;
      if (info === undefined && slices.length === 0) this.#entries.delete(entry.key);
    }
    this.#dirty = [];
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
    for (const entry of this.#entries.values()) if (entry.info !== undefined) this.#mark(entry);
  }

  /** What load balancers may ask, of Services where that changed since the last call. */
  takeHealth(): ReadonlyMap<string, ServiceHealth | undefined> {
    const health = this.#health;
    this.#health = new Map();
    return health;
  }

  #recompute(entry: Entry, changes: Map<FrontendId, Frontend | undefined>): void {
    const { key, info, slices } = entry;
    const { families } = this.#options;
    const frontends = info === undefined ? [] : serviceFrontends(key, info, slices, this.#node, families);
    this.#checkHealth(entry);
    this.gaps.set(key, frontends);
    // Of one address that a Service states twice the first counts: cluster addresses come first.
    const wanted = new Map<FrontendId, Frontend>();
    for (const frontend of frontends.toReversed()) wanted.set(idOf(frontend), frontend);
    for (const id of entry.claims) {
      if (wanted.has(id)) continue;
      this.#release(id, entry);
      if (!this.#owners.has(id)) changes.set(id, undefined);
    }
    for (const [id, frontend] of wanted) {
      if (this.#claim(id, entry)) changes.set(id, frontend);
    }
    entry.claims = exact([...wanted.keys()]);
  }

  #claim(id: FrontendId, service: Entry): boolean {
    const owner = this.#owners.get(id);
    if (owner === undefined || owner === service) {
      this.#owners.set(id, service);
      return true;
    }
    const waiting = this.#waiting.get(id) ?? new Set();
    if (!waiting.has(service)) {
      this.#options.log.warn('two services state one address', {
        frontend: id,
        service: service.key,
        owner: owner.key,
      });
    }
    this.#waiting.set(id, waiting.add(service));
    return false;
  }

  #release(id: FrontendId, service: Entry): void {
    const waiting = this.#waiting.get(id);
    waiting?.delete(service);
    if (waiting?.size === 0) this.#waiting.delete(id);
    if (this.#owners.get(id) !== service) return;
    this.#owners.delete(id);
    const [next] = waiting ?? [];
    // Its turn comes behind the one at work, even if it had it already.
    if (next !== undefined) this.#mark(next);
  }

  #checkHealth({ key, info, slices }: Entry): void {
    const health = info === undefined ? undefined : serviceHealth(info, slices);
    if (health === undefined && !this.#checked.delete(key)) return;
    if (health !== undefined) this.#checked.add(key);
    this.#health.set(key, health);
  }
}

function serviceKeyOf(slice: KubeObject): string | undefined {
  const { labels, namespace } = slice.metadata;
  const name = labels?.[SERVICE_NAME];
  return name === undefined || namespace === undefined ? undefined : `${namespace}/${name}`;
}

function without(slices: readonly SliceInfo[], key: string): readonly SliceInfo[] {
  const others = slices.filter((one) => one.key !== key);
  return others.length === 0 ? NOTHING : others;
}
