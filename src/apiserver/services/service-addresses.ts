import type { Service } from '#api/generated/types.ts';
import { endpoints } from '#api/resource.ts';
import type { PortRange } from '#alloc/port-allocator.ts';
import { Reservation } from '#alloc/reservation.ts';
import type { SideWrite } from '../storage/object-storage.ts';
import { ClusterIps, type ClusterIpsOptions } from './cluster-ips.ts';
import { NodePorts } from './node-ports.ts';
import type { Draft, ReservedService } from './reserved-service.ts';
import { invalidService } from './service-error.ts';
import { completeFamilies } from './service-families.ts';

export interface ServiceAddressesOptions extends ClusterIpsOptions {
  readonly nodePortRange?: PortRange | undefined;
}

/** Addresses and node ports of all Services: what is taken is what the stored objects hold and what is being written. */
export class ServiceAddresses {
  readonly #options: ServiceAddressesOptions;
  readonly #ips: ClusterIps;
  readonly #ports: NodePorts;

  constructor(options: ServiceAddressesOptions) {
    this.#options = options;
    this.#ips = new ClusterIps(options);
    this.#ports = new NodePorts(options.nodePortRange);
  }

  /** Takes what stored Services hold; returns a text for each thing that could not be taken. */
  restore(services: readonly Service[]): readonly string[] {
    const problems: string[] = [];
    this.#ips.load(services);
    for (const service of services) {
      const { namespace = '', name } = service.metadata;
      this.#ports.restore(service, (text) => problems.push(`${namespace}/${name} has ${text}`));
    }
    return problems;
  }

  /** Completes a Service and takes what it needs. `old` is the Service that it replaces. */
  reserve(service: Service, old: Service | undefined, { dryRun }: { readonly dryRun: boolean }): ReservedService {
    const reservation = new Reservation({ dryRun });
    const draft: Draft = { dryRun, reservation, beside: [] };
    try {
      const object = this.#complete(service, old, draft);
      return {
        object,
        beside: draft.beside,
        commit: () => reservation.commit(),
        [Symbol.dispose]: () => reservation[Symbol.dispose](),
      };
    } catch (error) {
      reservation[Symbol.dispose]();
      throw error;
    }
  }

  /** What goes from the store together with a Service: its addresses, and the Endpoints of its name. */
  removal(service: Service): readonly SideWrite[] {
    const cache = this.#options.storage.cache(endpoints);
    const key = `${service.metadata.namespace ?? ''}/${service.metadata.name}`;
    const stored = cache.get(key);
    const held = stored === undefined || (stored.object.metadata.finalizers?.length ?? 0) > 0;
    return [...this.#ips.removal(service), ...(held ? [] : [{ cache, key, object: undefined }])];
  }

  /** Gives back the numbers of a Service that is gone. */
  release(service: Service): void {
    this.#ports.release(service);
  }

  #complete(service: Service, old: Service | undefined, draft: Draft): Service {
    const { spec, errors } = completeFamilies(service.spec, old?.spec, this.#ips.families);
    if (errors.length > 0) throw invalidService(service, errors);
    const withIps = this.#ips.assign(service, spec, old, draft);
    return { ...service, spec: this.#ports.assign(service, withIps, old?.spec, draft.reservation) };
  }
}
