import type { Cidr } from '#base/cidr.ts';
import type { Clock } from '#base/clock.ts';
import { errorMessage } from '#base/errors.ts';
import { formatIp, type Ip } from '#base/ip.ts';
import { forbidden, invalid } from '#api/field-error.ts';
import type { IPAddress, Service, ServiceCIDR, ServiceSpec } from '#api/generated/types.ts';
import { ipAddresses, serviceCidrs } from '#api/resource.ts';
import { parseLegacyIp } from '#api/service/legacy-ip.ts';
import { isHeadless, needsClusterIp } from '#api/service/traits.ts';
import { internalError } from '#api/status.ts';
import { IpSpace } from '#alloc/ip-space.ts';
import type { Pool } from '#alloc/pool.ts';
import { StatusError } from '../status-error.ts';
import type { KindCache } from '../storage/kind-cache.ts';
import type { ObjectStorage, SideWrite } from '../storage/object-storage.ts';
import { refersTo, storedIpAddress } from './ip-address-object.ts';
import type { Draft } from './reserved-service.ts';
import { invalidService } from './service-error.ts';
import { familyName, isSettledPreference, type FamilyName } from './service-families.ts';
import { blocksOf } from './service-ranges.ts';
import { addressesOf, isExemptFromDeny } from './service-traits.ts';

export interface ClusterIpsOptions {
  /** One block a family; the first is the family that Services have unless they say otherwise. */
  readonly serviceCidrs: readonly Cidr[];
  /** `deny`: nobody chooses an address. @default 'allow' */
  readonly staticClusterIps?: 'allow' | 'deny' | undefined;
  readonly storage: ObjectStorage;
  readonly clock: Clock;
}

/**
 * The addresses of all Services. What is taken is what an IPAddress object says, and what is being written at the moment;
 * what there is to take is what the ServiceCIDRs say. Both are followed as they change, whoever changes them.
 */
export class ClusterIps {
  readonly families: readonly FamilyName[];
  readonly #options: ClusterIpsOptions;
  readonly #spaces = new Map<FamilyName, IpSpace>();
  /** The spaces for those who give back: an address with an object stays taken. */
  readonly #pools = new Map<FamilyName, Pool<Ip>>();

  constructor(options: ClusterIpsOptions) {
    this.#options = options;
    this.families = options.serviceCidrs.map(({ family }) => familyName(family));
    for (const family of this.families) {
      const space = new IpSpace();
      this.#spaces.set(family, space);
      this.#pools.set(
        family,
        keeping(space, (ip) => this.#addresses.get(formatIp(ip)) !== undefined),
      );
    }
  }

  // Not kept from the start: a cache that is asked for before the storage is loaded would think it has seen all changes.
  get #addresses(): KindCache {
    return this.#options.storage.cache(ipAddresses);
  }

  get #ranges(): KindCache {
    return this.#options.storage.cache(serviceCidrs);
  }

  /** Takes what is stored, the addresses of `services` included that lack their object, and follows it from there. */
  load(services: Iterable<Service>): void {
    this.#setBlocks();
    for (const { key } of this.#addresses.list()) this.#hold(key);
    for (const { spec } of services) for (const ip of addressesOf(spec)) this.#hold(ip);
    this.#ranges.subscribe(() => this.#setBlocks());
    this.#addresses.subscribe(({ type, current }) => {
      if (type === 'DELETED') this.#release(current.key);
      else this.#hold(current.key);
    });
  }

  /** Gives a Service the addresses that it needs, and takes from it those that it needs no more. */
  assign(service: Service, spec: ServiceSpec, old: Service | undefined, draft: Draft): ServiceSpec {
    if (old === undefined || old.spec.type === 'ExternalName') return this.#assignAll(service, spec, draft);
    const before = old.spec;
    if (isHeadless(before) || isSettledPreference(spec, before)) return spec;
    if (spec.type === 'ExternalName') {
      this.#giveBack(old, addressesOf(before), draft);
      return spec;
    }
    return this.#assignSecond(service, spec, old, draft);
  }

  #assignSecond(service: Service, spec: ServiceSpec, old: Service, draft: Draft): ServiceSpec {
    const [was, is] = [old.spec.ipFamilies?.length ?? 0, spec.ipFamilies?.length ?? 0];
    if (was === 2 && is === 1) this.#giveBack(old, addressesOf(old.spec).slice(1), draft);
    // A family that is not here is for validation to refuse.
    if (was !== 1 || is !== 2 || !this.#pools.has((spec.ipFamilies?.[1] ?? '') as FamilyName)) return spec;
    const [first = '', second] = spec.clusterIPs ?? [];
    return { ...spec, clusterIPs: [first, this.#take(service, spec, 1, second, draft)] };
  }

  /** What goes from the store together with a Service. */
  removal(service: Service): SideWrite[] {
    return addressesOf(service.spec).flatMap((text) => this.#deletionOf(service, text));
  }

  #assignAll(service: Service, spec: ServiceSpec, draft: Draft): ServiceSpec {
    if (!needsClusterIp(spec) || isHeadless(spec)) return spec;
    const wanted = spec.clusterIPs ?? [];
    const clusterIPs = (spec.ipFamilies ?? []).map((_, i) => this.#take(service, spec, i, wanted[i], draft));
    return { ...spec, clusterIP: clusterIPs[0], clusterIPs };
  }

  #take(service: Service, spec: ServiceSpec, index: number, wanted: string | undefined, draft: Draft): string {
    const pool = this.#pools.get((spec.ipFamilies?.[index] ?? '') as FamilyName);
    const ip = wanted === undefined || wanted === '' ? next(pool, draft) : this.#wanted(service, spec, wanted, draft);
    if (!draft.dryRun) {
      const object = storedIpAddress(ip, service, this.#options.clock);
      draft.beside.push({ cache: this.#addresses, key: formatIp(ip), object, expected: 0 });
    }
    return wanted === undefined || wanted === '' ? formatIp(ip) : wanted;
  }

  #wanted(service: Service, { clusterIPs = [], ipFamilies = [] }: ServiceSpec, text: string, draft: Draft): Ip {
    if (this.#options.staticClusterIps === 'deny' && !isExemptFromDeny(service)) {
      throw invalidService(service, [forbidden('spec.clusterIPs', 'this cluster lets nobody choose an address')]);
    }
    const ip = parseLegacyIp(text);
    const pool = ip === undefined ? undefined : this.#pools.get(familyName(ip.family));
    if (ip === undefined || pool === undefined) throw new RangeError(`Cannot take "${text}": no such family here`);
    try {
      draft.reservation.allocate(pool, ip);
      return ip;
    } catch (error) {
      const detail = `failed to allocate IP ${text}: ${errorMessage(error)}`;
      // Those that are not asked for are shown as yet to come.
      const shown = ipFamilies.map((_, i) => clusterIPs[i] ?? '');
      throw invalidService(service, [invalid('spec.clusterIPs', shown, detail)]);
    }
  }

  #giveBack(old: Service, addresses: readonly string[], draft: Draft): void {
    if (draft.dryRun) return;
    for (const text of addresses) draft.beside.push(...this.#deletionOf(old, text));
  }

  /** Somebody else's object of that address stays, and one that waits for its finalizers is left to the repair. */
  #deletionOf(service: Service, text: string): SideWrite[] {
    const ip = parseLegacyIp(text);
    if (ip === undefined) return [];
    const key = formatIp(ip);
    const stored = this.#addresses.get(key);
    if (stored === undefined) {
      // Never had an object: nothing will tell that it is free.
      this.#release(key);
      return [];
    }
    const { metadata } = stored.object;
    if (!refersTo(stored.object as IPAddress, service) || (metadata.finalizers?.length ?? 0) > 0) return [];
    return [{ cache: this.#addresses, key, object: undefined }];
  }

  #setBlocks(): void {
    const ranges = [...this.#ranges.list()].map(({ object }) => object as ServiceCIDR);
    const blocks = blocksOf(ranges, this.#options.serviceCidrs);
    for (const [family, space] of this.#spaces) {
      space.setBlocks(blocks.filter(({ cidr }) => familyName(cidr.family) === family));
    }
  }

  #hold(text: string): void {
    const ip = parseLegacyIp(text);
    if (ip !== undefined) this.#spaces.get(familyName(ip.family))?.hold(ip);
  }

  #release(text: string): void {
    const ip = parseLegacyIp(text);
    if (ip !== undefined) this.#spaces.get(familyName(ip.family))?.release(ip);
  }
}

function next(pool: Pool<Ip> | undefined, { reservation }: Draft): Ip {
  try {
    if (pool === undefined) throw new RangeError('no range of this family');
    return reservation.allocateNext(pool);
  } catch (error) {
    throw new StatusError(internalError(`failed to allocate a serviceIP: ${errorMessage(error)}`));
  }
}

/** A pool that does not take back what `kept` says is in use. */
function keeping(space: IpSpace, kept: (ip: Ip) => boolean): Pool<Ip> {
  return {
    get free() {
      return space.free;
    },
    has: (ip) => space.has(ip),
    allocate: (ip) => space.allocate(ip),
    allocateNext: () => space.allocateNext(),
    tryAllocate: (ip) => space.tryAllocate(ip),
    tryAllocateNext: () => space.tryAllocateNext(),
    release: (ip) => {
      if (!kept(ip)) space.release(ip);
    },
  };
}
