import type { EndpointSlice, Service } from '#api/generated/types.ts';
import { objectKey } from '#api/object.ts';
import { endpointSlices, nodes, services } from '#api/resource.ts';
import type { Clock } from '#base/clock.ts';
import type { Log } from '#base/log.ts';
import type { Client } from '#client/client.ts';
import { createEventRecorder, type EventRecorder } from '#client/events.ts';
import type { Informers } from '#client/informers.ts';
import { NO_PORT, type FromCarrier, type ToCarrier } from './carrier-message.ts';
import { nodeAddresses, nodesWithEndpoints, wayOf, type NodeAddresses, type Way } from './eligible-nodes.ts';
import { hostPortKey, hostPortsOf, type HostPort } from './host-port.ts';
import { reachNotices } from './reach-notices.ts';
import { type Notice, refusalNotice, substitutePort } from './refusal.ts';

/** A bound socket of the host's network. */
export type OpenHostSocket = (port: Pick<HostPort, 'protocol' | 'address' | 'port'>) => number;

export interface EdgeOptions {
  readonly client: Client;
  readonly informers: Informers;
  readonly open: OpenHostSocket;
  /** Starts the thread that carries, at the first call. */
  readonly post: (message: ToCarrier) => void;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

const BY_SERVICE = 'edge/service';
const RETRY_MS = 2000;
const RETRY_MAX_MS = 60_000;

interface OpenPort {
  port: HostPort;
  /** Undefined while the host does not let us have it. */
  id: number | undefined;
  /** Where it listens instead, if it does. */
  substitute: number | undefined;
  way: Way;
  failures: number;
  retry: Disposable | undefined;
}

/** Keeps open on the host's loopback what NodePorts and load balancers of the cluster promise. */
export class EdgeAgent {
  readonly #options: EdgeOptions;
  readonly #recorder: EventRecorder;
  readonly #open = new Map<string, Map<string, OpenPort>>();
  /** What each Service was told of how the host reaches it. */
  readonly #told = new Map<string, readonly Notice[]>();
  readonly #byId = new Map<number, OpenPort>();
  #lastId = 0;

  constructor(options: EdgeOptions) {
    this.#options = options;
    this.#recorder = createEventRecorder({ ...options, component: 'host-edge' });
  }

  /** Resolves when everything that was there is open. */
  async start(): Promise<void> {
    const { informers, signal } = this.#options;
    const sources = [informers.for(services), informers.for(endpointSlices), informers.for(nodes)] as const;
    const [serviceInformer, slices, nodeInformer] = sources;
    slices.addIndex(BY_SERVICE, (slice) => serviceKeyOf(slice) ?? []);
    for (const source of sources) source.start(signal);
    await Promise.all(sources.map((source) => source.synced));
    const changed = (service: Service): void => this.#reconcile(objectKey(service), service);
    const sliceChanged = (slice: EndpointSlice): void => {
      for (const key of serviceKeyOf(slice) ?? []) this.#aim(key, (port) => port.isLocal);
    };
    const nodesChanged = (): void => {
      for (const key of this.#open.keys()) this.#aim(key, () => true);
    };
    serviceInformer.on({
      added: changed,
      updated: changed,
      deleted: (service) => this.#reconcile(objectKey(service), undefined),
    });
    slices.on({ added: sliceChanged, updated: sliceChanged, deleted: sliceChanged });
    nodeInformer.on({ added: nodesChanged, updated: nodesChanged, deleted: nodesChanged });
    signal.addEventListener('abort', () => this.#closeAll(), { once: true });
  }

  /** What the thread that carries could not do. */
  take({ id, code, message }: Extract<FromCarrier, { kind: 'failed' }>): void {
    if (id === NO_PORT) this.#options.log.warn('no way to a load balancer', { error: message });
    const entry = this.#byId.get(id);
    this.#byId.delete(id);
    if (entry === undefined) return;
    entry.id = undefined;
    this.#refused(entry, code);
  }

  /** The thread that carries has ended, and its sockets with it: another has to have new ones. */
  lost(): void {
    this.#byId.clear();
    for (const ports of this.#open.values()) {
      for (const entry of ports.values()) {
        entry.id = undefined;
        entry.retry?.[Symbol.dispose]();
        this.#route(entry);
        this.#listen(entry);
      }
    }
  }

  #reconcile(key: string, service: Service | undefined): void {
    this.#tellReach(key, service);
    const wanted = service === undefined ? [] : hostPortsOf(service);
    const present = this.#open.get(key);
    if (present === undefined && wanted.length === 0) return;
    const ports = present ?? new Map<string, OpenPort>();
    const next = new Map(wanted.map((port) => [hostPortKey(port), port]));
    for (const [name, entry] of ports) {
      if (next.has(name)) continue;
      this.#close(entry);
      ports.delete(name);
    }
    for (const [name, port] of next) {
      const known = ports.get(name);
      if (known === undefined) ports.set(name, this.#begin(port));
      else known.port = port;
    }
    if (ports.size === 0) this.#open.delete(key);
    else this.#open.set(key, ports);
    this.#aim(key, () => true);
  }

  #tellReach(key: string, service: Service | undefined): void {
    const notices = service === undefined ? [] : reachNotices(service);
    const before = this.#told.get(key) ?? [];
    for (const { reason, message } of notices) {
      if (service === undefined || before.some((told) => told.message === message)) continue;
      this.#recorder.record(service, 'Normal', reason, message);
    }
    if (notices.length === 0) this.#told.delete(key);
    else this.#told.set(key, notices);
  }

  #begin(port: HostPort): OpenPort {
    const way = this.#wayOf(port);
    const entry: OpenPort = { port, id: undefined, substitute: undefined, way, failures: 0, retry: undefined };
    this.#route(entry);
    this.#listen(entry);
    return entry;
  }

  #listen(entry: OpenPort): void {
    entry.retry = undefined;
    try {
      this.#hand(entry, entry.port.port);
      entry.failures = 0;
    } catch (error) {
      this.#refused(entry, (error as { code?: string }).code ?? '');
    }
  }

  #hand(entry: OpenPort, number: number): void {
    const { protocol, address } = entry.port;
    const fd = this.#options.open({ protocol, address, port: number });
    const id = ++this.#lastId;
    entry.id = id;
    this.#byId.set(id, entry);
    const family = address.includes(':') ? 6 : 4;
    this.#options.post({ kind: 'open', id, protocol, family, fd, targets: entry.way.targets });
  }

  /** The cluster is none the worse for it: the address works inside, and the Service says what is wrong outside. */
  #refused(entry: OpenPort, code: string): void {
    const { informers, clock, log } = this.#options;
    const { port } = entry;
    entry.substitute = undefined;
    const substitute = code === 'EACCES' ? substitutePort(port) : undefined;
    if (substitute !== undefined && this.#tryHand(entry, substitute)) entry.substitute = substitute;
    const notice = refusalNotice(port, code, entry.substitute);
    const service = informers.for(services).get(port.service);
    // Said once: that it is still so is no news.
    if (entry.failures === 0 && service !== undefined)
      this.#recorder.record(service, 'Warning', notice.reason, notice.message);
    log.debug('port of the host not opened', { service: port.service, port: hostPortKey(port), code });
    if (entry.substitute !== undefined) return;
    const delay = Math.min(RETRY_MS * 2 ** entry.failures, RETRY_MAX_MS);
    entry.failures++;
    entry.retry = clock.after(delay, () => this.#listen(entry));
  }

  #tryHand(entry: OpenPort, number: number): boolean {
    try {
      this.#hand(entry, number);
      return true;
    } catch {
      return false;
    }
  }

  #aim(key: string, concerns: (port: HostPort) => boolean): void {
    for (const entry of this.#open.get(key)?.values() ?? []) {
      if (!concerns(entry.port)) continue;
      const way = this.#wayOf(entry.port);
      if (JSON.stringify(way) === JSON.stringify(entry.way)) continue;
      entry.way = way;
      this.#route(entry);
      if (entry.id !== undefined) this.#options.post({ kind: 'aim', id: entry.id, targets: way.targets });
    }
  }

  #route({ port: { balancer }, way }: OpenPort): void {
    if (balancer === undefined || way.via === undefined) return;
    this.#options.post({ kind: 'route', address: balancer, via: way.via });
  }

  #wayOf(port: HostPort): Way {
    const { informers } = this.#options;
    const all: readonly NodeAddresses[] = informers.for(nodes).list().map(nodeAddresses);
    if (!port.isLocal) return wayOf(port, all, undefined);
    return wayOf(port, all, nodesWithEndpoints(informers.for(endpointSlices).byIndex(BY_SERVICE, port.service)));
  }

  #close(entry: OpenPort): void {
    entry.retry?.[Symbol.dispose]();
    if (entry.id === undefined) return;
    this.#byId.delete(entry.id);
    this.#options.post({ kind: 'close', id: entry.id });
  }

  #closeAll(): void {
    for (const ports of this.#open.values()) for (const entry of ports.values()) this.#close(entry);
    this.#open.clear();
  }
}

function serviceKeyOf({ metadata: { namespace, labels } }: EndpointSlice): [string] | undefined {
  const service = labels?.['kubernetes.io/service-name'];
  return service === undefined ? undefined : [`${namespace}/${service}`];
}
