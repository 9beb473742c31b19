import { errorMessage } from '#base/errors.ts';
import { invalid } from '#api/field-error.ts';
import type { Service, ServicePort, ServiceSpec } from '#api/generated/types.ts';
import { needsHealthCheckNodePort, needsNodePort } from '#api/service/traits.ts';
import { failure, internalError } from '#api/status.ts';
import { PortAllocator, type PortRange } from '#alloc/port-allocator.ts';
import type { Reservation } from '#alloc/reservation.ts';
import { StatusError } from '../status-error.ts';
import { invalidService } from './service-error.ts';
import { allocatesNodePorts, nodePortsOf } from './service-traits.ts';

/** Node ports and health check node ports, which are out of one range. */
export class NodePorts {
  readonly #ports: PortAllocator;

  constructor(range: PortRange | undefined) {
    this.#ports = new PortAllocator(range);
  }

  /** Takes what a stored Service holds; tells of each number that could not be taken. */
  restore({ spec }: Service, onProblem: (text: string) => void): void {
    const attempt = (what: string, port: number): void => {
      try {
        this.#ports.allocate(port);
      } catch (error) {
        onProblem(`${what} ${port}: ${errorMessage(error)}`);
      }
    };
    for (const port of nodePortsOf(spec)) attempt('node port', port);
    if (spec.healthCheckNodePort) attempt('health check port', spec.healthCheckNodePort);
  }

  /** Gives a Service the numbers that it needs, and takes from it those that it needs no more. */
  assign(service: Service, spec: ServiceSpec, old: ServiceSpec | undefined, reservation: Reservation): ServiceSpec {
    const withPorts =
      old === undefined
        ? this.#newPorts(service, spec, reservation)
        : this.#changedPorts(service, spec, old, reservation);
    return this.#healthCheckPort(withPorts, old, reservation);
  }

  release({ spec }: Service): void {
    for (const port of nodePortsOf(spec)) this.#ports.release(port);
    if (spec.healthCheckNodePort) this.#ports.release(spec.healthCheckNodePort);
  }

  #newPorts(service: Service, spec: ServiceSpec, reservation: Reservation): ServiceSpec {
    if (spec.ports === undefined || !needsNodePort(spec)) return spec;
    const all = spec.ports;
    const allocate = allocatesNodePorts(spec);
    /** Node port of each `port`, which TCP and UDP share. */
    const chosen = new Map<number, number>();
    const ports = all.map((port, i): ServicePort => {
      const asked = port.nodePort ?? 0;
      if (asked === 0 && !allocate) return port;
      const known = chosen.get(port.port);
      if (known !== undefined && (asked === 0 || asked === known)) return { ...port, nodePort: known };
      const wanted = asked || (all.find((other) => other.port === port.port && other.nodePort)?.nodePort ?? 0);
      const nodePort = wanted === 0 ? this.#next(reservation) : this.#take(service, reservation, wanted, i);
      if (known === undefined) chosen.set(port.port, nodePort);
      return { ...port, nodePort };
    });
    return { ...spec, ports };
  }

  #changedPorts(service: Service, spec: ServiceSpec, old: ServiceSpec, reservation: Reservation): ServiceSpec {
    const held = new Set(nodePortsOf(old));
    if (!needsNodePort(spec)) {
      if (needsNodePort(old)) for (const port of held) reservation.release(this.#ports, port);
      return spec;
    }
    const ports = this.#keepOrTake(service, spec, held, reservation);
    const kept = new Set(nodePortsOf({ ports }));
    for (const port of held) if (!kept.has(port)) reservation.release(this.#ports, port);
    return spec.ports === undefined ? spec : { ...spec, ports };
  }

  #keepOrTake(
    service: Service,
    spec: ServiceSpec,
    held: ReadonlySet<number>,
    reservation: Reservation,
  ): readonly ServicePort[] {
    const allocate = allocatesNodePorts(spec);
    const taken = new Set<number>();
    const used = new Set<string>();
    return (spec.ports ?? []).map((port, i): ServicePort => {
      const asked = port.nodePort ?? 0;
      if (asked === 0 && !allocate) return port;
      const nodePort = asked === 0 ? this.#next(reservation) : asked;
      if (asked !== 0 && !held.has(asked) && !taken.has(asked)) this.#take(service, reservation, asked, i);
      taken.add(nodePort);
      const key = `{${port.protocol ?? ''} ${nodePort}}`;
      if (used.has(key)) throw new StatusError(failure(500, `duplicate nodePort: ${key}`));
      used.add(key);
      return { ...port, nodePort };
    });
  }

  #next(reservation: Reservation): number {
    try {
      return reservation.allocateNext(this.#ports);
    } catch (error) {
      throw new StatusError(internalError(`failed to allocate a nodePort: ${errorMessage(error)}`));
    }
  }

  #take(service: Service, reservation: Reservation, port: number, index: number): number {
    try {
      reservation.allocate(this.#ports, port);
      return port;
    } catch (error) {
      throw invalidService(service, [invalid(`spec.ports[${index}].nodePort`, port, errorMessage(error))]);
    }
  }

  #healthCheckPort(spec: ServiceSpec, old: ServiceSpec | undefined, reservation: Reservation): ServiceSpec {
    const needed = old !== undefined && needsHealthCheckNodePort(old);
    const needs = needsHealthCheckNodePort(spec);
    const held = old?.healthCheckNodePort ?? 0;
    if (needed && !needs && held !== 0) reservation.release(this.#ports, held);
    if (needed || !needs) return spec;
    const wanted = spec.healthCheckNodePort ?? 0;
    try {
      if (wanted === 0) return { ...spec, healthCheckNodePort: reservation.allocateNext(this.#ports) };
      reservation.allocate(this.#ports, wanted);
      return spec;
    } catch (error) {
      // Where any will do, the number that there is not is shown as 0.
      const what = wanted === 0 ? 'allocate a' : 'allocate requested';
      const text = `failed to ${what} HealthCheck NodePort ${wanted}: ${errorMessage(error)}`;
      throw new StatusError(internalError(text));
    }
  }
}
