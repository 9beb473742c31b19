import { type Cidr } from '#base/cidr.ts';
import { errorMessage } from '#base/errors.ts';
import { parseIp, formatIp } from '#base/ip.ts';
import { type Service, type ServicePort, type ServiceSpec } from '#api/generated/types.ts';
import { invalid, invalidStatus, type FieldError } from '#api/field-error.ts';
import { type KubeObject } from '#api/object.ts';
import { isHeadless, needsClusterIp, needsHealthCheckNodePort } from '#api/service/traits.ts';
import { internalError } from '#api/status.ts';
import { IpAllocator } from '#alloc/ip-allocator.ts';
import { PortAllocator, type PortRange } from '#alloc/port-allocator.ts';
import { Reservation } from '#alloc/reservation.ts';
import { StatusError } from '../status-error.ts';
import { completeFamilies, familyOf, type FamilyName } from './service-families.ts';
import { addressesOf, allocatesNodePorts, nodePortsOf } from './service-traits.ts';

export interface ServiceAddressesOptions {
  /** One block a family; the first is the family that Services have unless they say otherwise. */
  readonly serviceCidrs: readonly Cidr[];
  readonly nodePortRange?: PortRange | undefined;
}

/** A Service that is about to be written, with what it holds. Dispose without `commit` and nothing was taken. */
export interface ReservedService extends Disposable {
  readonly object: KubeObject;
  commit(): void;
}

/** Addresses and node ports of all Services: what is taken is what the stored Services hold and what is being written. */
export class ServiceAddresses {
  readonly #ips = new Map<FamilyName, IpAllocator>();
  readonly #ports: PortAllocator;

  constructor(options: ServiceAddressesOptions) {
    for (const cidr of options.serviceCidrs) {
      this.#ips.set(cidr.family === 4 ? 'IPv4' : 'IPv6', new IpAllocator(cidr));
    }
    this.#ports = new PortAllocator(options.nodePortRange);
  }

  /** Takes what stored Services hold; returns a text for each thing that could not be taken. */
  restore(services: Iterable<Service>): readonly string[] {
    const problems: string[] = [];
    for (const { metadata, spec } of services) {
      const held = new Reservation();
      const attempt = (what: string, take: () => void): void => {
        try {
          take();
        } catch (error) {
          problems.push(`${metadata.namespace ?? ''}/${metadata.name} has ${what}: ${errorMessage(error)}`);
        }
      };
      for (const ip of addressesOf(spec)) attempt(ip, () => this.#takeIp(held, ip));
      for (const port of nodePortsOf(spec)) attempt(`node port ${port}`, () => held.allocate(this.#ports, port));
      const check = spec.healthCheckNodePort;
      if (check) attempt(`health check port ${check}`, () => held.allocate(this.#ports, check));
      held.commit();
    }
    return problems;
  }

  /** Completes a Service and takes what it needs. `old` is the Service that it replaces. */
  reserve(service: Service, old: Service | undefined, options: { readonly dryRun: boolean }): ReservedService {
    const reservation = new Reservation(options);
    try {
      const spec = this.#complete(service, old?.spec, reservation);
      return {
        object: { ...service, spec } as Service,
        commit: () => reservation.commit(),
        [Symbol.dispose]: () => reservation[Symbol.dispose](),
      };
    } catch (error) {
      reservation[Symbol.dispose]();
      throw error;
    }
  }

  /** Gives back what a Service held that is gone. */
  release(service: Service): void {
    const reservation = new Reservation();
    this.#releaseAddresses(reservation, addressesOf(service.spec));
    for (const port of nodePortsOf(service.spec)) reservation.release(this.#ports, port);
    if (service.spec.healthCheckNodePort) reservation.release(this.#ports, service.spec.healthCheckNodePort);
    reservation.commit();
  }

  #complete(service: Service, old: ServiceSpec | undefined, reservation: Reservation): ServiceSpec {
    const wanted = service.spec.clusterIPs ?? [];
    // Addresses that are none are for validation to report; nothing can be taken for them.
    if (wanted.some((ip) => ip !== 'None' && parseIp(ip) === undefined) || wanted.length > 2) return service.spec;
    const { spec, errors } = completeFamilies(service.spec, old, [...this.#ips.keys()]);
    if (errors.length > 0) throw invalidService(service, errors);
    const withIps = this.#addresses(service, spec, old, reservation);
    const withPorts =
      old === undefined
        ? this.#newPorts(service, withIps, reservation)
        : this.#changedPorts(service, withIps, old, reservation);
    return this.#healthCheckPort(withPorts, old, reservation);
  }

  #addresses(service: Service, spec: ServiceSpec, old: ServiceSpec | undefined, reservation: Reservation): ServiceSpec {
    const held = old === undefined ? [] : addressesOf(old);
    if (!needsClusterIp(spec) || isHeadless(spec)) {
      this.#releaseAddresses(reservation, held);
      return spec;
    }
    const families = spec.ipFamilies ?? [];
    const wanted = spec.clusterIPs ?? [];
    // A changed primary address is refused by validation; it must not be taken before.
    if (held.length > 0 && wanted[0] !== held[0]) return spec;
    const clusterIPs = families.map((family, i) => {
      const ip = wanted[i];
      if (ip === undefined || ip === '') return this.#nextIp(reservation, family);
      if (!held.includes(ip)) this.#takeWantedIp(service, reservation, ip, wanted);
      return ip;
    });
    this.#releaseAddresses(
      reservation,
      held.filter((ip) => !clusterIPs.includes(ip)),
    );
    return { ...spec, clusterIP: clusterIPs[0], clusterIPs };
  }

  #nextIp(reservation: Reservation, family: string): string {
    const pool = this.#ips.get(family as FamilyName);
    try {
      if (pool === undefined) throw new RangeError(`no range for ${family}`);
      return formatIp(reservation.allocateNext(pool));
    } catch (error) {
      throw new StatusError(internalError(`failed to allocate a serviceIP: ${errorMessage(error)}`));
    }
  }

  #takeWantedIp(service: Service, reservation: Reservation, ip: string, wanted: readonly string[]): void {
    try {
      this.#takeIp(reservation, ip);
    } catch (error) {
      const detail = `failed to allocate IP ${ip}: ${errorMessage(error)}`;
      throw invalidService(service, [invalid('spec.clusterIPs', wanted, detail)]);
    }
  }

  #takeIp(reservation: Reservation, text: string): void {
    const ip = parseIp(text);
    const pool = this.#ips.get(familyOf(text) ?? 'IPv4');
    if (ip === undefined || pool === undefined)
      throw new RangeError('the provided network does not match the current range');
    reservation.allocate(pool, ip);
  }

  #releaseAddresses(reservation: Reservation, addresses: readonly string[]): void {
    for (const text of addresses) {
      const ip = parseIp(text);
      const pool = this.#ips.get(familyOf(text) ?? 'IPv4');
      if (ip !== undefined && pool !== undefined) reservation.release(pool, ip);
    }
  }

  #newPorts(service: Service, spec: ServiceSpec, reservation: Reservation): ServiceSpec {
    const all = spec.ports ?? [];
    const allocate = allocatesNodePorts(spec);
    // TCP and UDP of one port get one number.
    const chosen = new Map<number, number>();
    const ports = all.map((port, i): ServicePort => {
      const asked = port.nodePort ?? 0;
      if (asked === 0 && !allocate) return port;
      const known = chosen.get(port.port);
      if (known !== undefined && (asked === 0 || asked === known)) return { ...port, nodePort: known };
      const wanted = asked || (all.find((other) => other.port === port.port && other.nodePort)?.nodePort ?? 0);
      const nodePort = wanted === 0 ? this.#nextPort(reservation) : this.#takePort(service, reservation, wanted, i);
      if (known === undefined) chosen.set(port.port, nodePort);
      return { ...port, nodePort };
    });
    return spec.ports === undefined ? spec : { ...spec, ports };
  }

  #changedPorts(service: Service, spec: ServiceSpec, old: ServiceSpec, reservation: Reservation): ServiceSpec {
    const held = new Set(nodePortsOf(old));
    const taken = new Set<number>();
    const allocate = allocatesNodePorts(spec);
    const ports = (spec.ports ?? []).map((port, i): ServicePort => {
      const asked = port.nodePort ?? 0;
      if (asked === 0 && !allocate) return port;
      if (asked === 0) return { ...port, nodePort: this.#nextPort(reservation) };
      if (!held.has(asked) && !taken.has(asked)) this.#takePort(service, reservation, asked, i);
      taken.add(asked);
      return port;
    });
    const kept = new Set(nodePortsOf({ ports }));
    for (const port of held) if (!kept.has(port)) reservation.release(this.#ports, port);
    return spec.ports === undefined ? spec : { ...spec, ports };
  }

  #nextPort(reservation: Reservation): number {
    try {
      return reservation.allocateNext(this.#ports);
    } catch (error) {
      throw new StatusError(internalError(`failed to allocate a nodePort: ${errorMessage(error)}`));
    }
  }

  #takePort(service: Service, reservation: Reservation, port: number, index: number): number {
    try {
      reservation.allocate(this.#ports, port);
      return port;
    } catch (error) {
      throw invalidService(service, [invalid(`spec.ports[${index}].nodePort`, port, errorMessage(error))]);
    }
  }

  #healthCheckPort(spec: ServiceSpec, old: ServiceSpec | undefined, reservation: Reservation): ServiceSpec {
    const held = old?.healthCheckNodePort ?? 0;
    const wanted = spec.healthCheckNodePort ?? 0;
    if (!needsHealthCheckNodePort(spec)) {
      if (held !== 0 && wanted === 0) reservation.release(this.#ports, held);
      return spec;
    }
    if (held !== 0) return spec;
    try {
      if (wanted === 0) return { ...spec, healthCheckNodePort: reservation.allocateNext(this.#ports) };
      reservation.allocate(this.#ports, wanted);
      return spec;
    } catch (error) {
      const what = wanted === 0 ? 'allocate a' : 'allocate requested';
      const which = wanted === 0 ? '' : ` ${wanted}`;
      throw new StatusError(internalError(`failed to ${what} HealthCheck NodePort${which}: ${errorMessage(error)}`));
    }
  }
}

function invalidService(service: Service, errors: readonly FieldError[]): StatusError {
  return new StatusError(invalidStatus({ group: '', kind: 'Service' }, service.metadata.name, errors));
}
