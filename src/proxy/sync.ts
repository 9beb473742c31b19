import { type EndpointSlice, type Node, type Service } from '#api/generated/types.ts';
import { objectKey } from '#api/object.ts';
import { endpointSlices, nodes, services } from '#api/resource.ts';
import { formatCidr, type Cidr } from '#base/cidr.ts';
import { type Clock } from '#base/clock.ts';
import { errorMessage } from '#base/errors.ts';
import { type IpFamily } from '#base/ip.ts';
import { type Log } from '#base/log.ts';
import { type Client } from '#client/client.ts';
import { Informers } from '#client/informers.ts';
import { type ConntrackSocket } from '#netlink/conntrack-socket.ts';
import { type NetlinkEvent } from '#netlink/event-socket.ts';
import { type NftablesSocket } from '#nftables/nftables-socket.ts';
import { HealthCheckServer, type HealthCheckOptions } from './health-check-server.ts';
import { flowFilter, flowsToDelete } from './flows.ts';
import { Model } from './model.ts';
import { hostRanges, nodeFacts, type NodeFacts } from './node-view.ts';
import { type StaleFlows } from './plan.ts';
import { type RulesetSettings } from './ruleset.ts';
import { familyOf } from './service-ports.ts';
import { TableGuardian } from './table-guardian-sync.ts';
import { TableSync } from './table-sync.ts';

export interface ProxyOptions {
  /** Endpoints of this node are local. */
  readonly nodeName: string;
  /** Opened in the network namespace of the node. */
  readonly socket: NftablesSocket;
  /** Opened there too; without it UDP flows to endpoints that are gone are left to time out. */
  readonly conntrack?: ConntrackSocket | undefined;
  /** Where cluster addresses come from. A table is kept for each family that occurs here. */
  readonly serviceCidrs: readonly Cidr[];
  /**
   * Where Pods' addresses come from. What comes from elsewhere is masqueraded on its way to cluster addresses, and goes
   * by externalTrafficPolicy. Without them nobody but the node itself counts as inside.
   */
  readonly podCidrs?: readonly Cidr[] | undefined;
  /** Where NodePorts answer: at the node's primary addresses, or at all of its addresses in some ranges. @default primary */
  readonly nodePortAddresses?: 'primary' | readonly Cidr[] | undefined;
  /** NodePorts answer at 127.0.0.1 too; the node has to have route_localnet=1. @default true */
  readonly localhostNodePorts?: boolean | undefined;
  /** The node's primary addresses and its zone. `createProxy` takes them from the Node where they are absent. */
  readonly node?: NodeFacts | undefined;
  /** One bit of the packet mark, for what has to be masqueraded. @default 0x4000 */
  readonly masqueradeMark?: number | undefined;
  readonly masqueradeAll?: boolean | undefined;
  /** How the ports are opened at which load balancers ask for the node's health; absent for not at all. */
  readonly openHealthCheck?: HealthCheckOptions['open'] | undefined;
  /** Notifications of changes in the node's nf_tables: what others do to our tables is then repaired at once. */
  readonly watch?: ((signal: AbortSignal) => AsyncIterable<NetlinkEvent>) | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

export interface CreateProxyOptions extends ProxyOptions {
  readonly client: Client;
  /** Shared with others in this thread; else the proxy has its own. */
  readonly informers?: Informers | undefined;
  readonly signal: AbortSignal;
}

/** One object as it came, or as it was when it went. */
export type ObjectChange =
  | { readonly kind: 'set'; readonly object: Service | EndpointSlice }
  | { readonly kind: 'delete'; readonly object: Service | EndpointSlice };

const RETRY_MS = 100;
const RETRY_MAX_MS = 30_000;

/**
 * Keeps the tables of one node as the cluster's Services and EndpointSlices say. `apply` is all of it without a
 * cluster; `createProxy` feeds it. The rules stay when the process ends, and the next one takes them over.
 */
export class Proxy implements Disposable {
  readonly #options: ProxyOptions;
  readonly #model: Model;
  readonly #tables: ReadonlyMap<IpFamily, TableSync>;
  #settings: RulesetSettings;
  #isStarted = false;
  #flush: NodeJS.Immediate | undefined;
  #retry: Disposable | undefined;
  #failures = 0;
  readonly #guardian: TableGuardian;
  readonly #healthChecks: HealthCheckServer | undefined;

  constructor(options: ProxyOptions) {
    this.#options = options;
    const { socket, serviceCidrs, nodeName, log } = options;
    const families = [...new Set(serviceCidrs.map(({ family }) => family))];
    const node = options.node ?? { addresses: [], zone: undefined };
    this.#model = new Model({ nodeName, zone: node.zone, families, log });
    this.#settings = rulesetSettings(options, node.addresses);
    this.#tables = new Map(families.map((family) => [family, new TableSync(socket, family, this.#settings)]));
    this.#guardian = new TableGuardian({ ...options, families, repair: () => this.#repair() });
    const isHealthy = (): boolean => this.#failures === 0;
    const open = options.openHealthCheck;
    this.#healthChecks = open === undefined ? undefined : new HealthCheckServer({ open, isHealthy, log });
  }

  /** The node got other addresses, or moved to another zone. */
  setNode(node: NodeFacts): void {
    this.#model.setZone(node.zone);
    const settings = rulesetSettings(this.#options, node.addresses);
    const isSame = rangesText(settings) === rangesText(this.#settings);
    this.#settings = settings;
    for (const table of this.#tables.values()) table.settings = settings;
    if (!this.#isStarted) return;
    if (isSame) this.#schedule();
    else if (this.#retry === undefined) this.#resync();
  }

  /** Takes changes in; nothing is programmed before `flush`. */
  note(change: ObjectChange): void {
    const { kind, object } = change;
    if (object.kind === 'Service') {
      if (kind === 'set') this.#model.setService(object);
      else this.#model.deleteService(objectKey(object));
    } else if (kind === 'set') this.#model.setSlice(object);
    else this.#model.deleteSlice(objectKey(object));
    this.#schedule();
  }

  /** Takes changes in and programs them before it returns. */
  apply(changes: Iterable<ObjectChange>): void {
    for (const change of changes) this.note(change);
    this.flush();
  }

  /**
   * Reads what the kernel has and makes it what was noted until now; from here on changes are programmed as they come.
   * Throws what the kernel refuses with: it will not know tomorrow what it does not know today.
   */
  start(): void {
    this.#program();
    this.#isStarted = true;
    this.#guardian.start();
  }

  /** Programs what was noted. After a failure the whole table is compared with the kernel's. */
  flush(): void {
    if (this.#flush !== undefined) clearImmediate(this.#flush);
    this.#flush = undefined;
    if (!this.#isStarted || this.#retry !== undefined || !this.#model.hasChanges) return;
    try {
      const changes = this.#model.takeChanges();
      for (const [family, table] of this.#tables) {
        const own = this.#tables.size === 1 ? changes : changes.filter(({ id }) => familyOf(id) === family);
        if (own.length > 0) table.apply(own, (flows) => this.#deleteFlows(family, flows));
      }
      this.#tellHealth();
    } catch (error) {
      this.#failed(error);
    }
  }

  [Symbol.dispose](): void {
    this.#isStarted = false;
    this.#guardian[Symbol.dispose]();
    this.#healthChecks?.[Symbol.dispose]();
    if (this.#flush !== undefined) clearImmediate(this.#flush);
    this.#retry?.[Symbol.dispose]();
  }

  /** All that comes in one turn of the event loop is one transaction; nothing waits longer than that. */
  #schedule(): void {
    if (this.#isStarted) this.#flush ??= setImmediate(() => this.flush());
  }

  #repair(): void {
    if (!this.#isStarted || this.#retry !== undefined) return;
    this.#options.log.warn('somebody else changed the rules, comparing with the kernel');
    this.#resync();
  }

  #resync(): void {
    this.#retry = undefined;
    try {
      this.#program();
    } catch (error) {
      this.#failed(error);
    }
  }

  #program(): void {
    this.#guardian.remember();
    this.#model.takeChanges();
    this.#model.markAll();
    const changes = this.#model.takeChanges();
    for (const [family, table] of this.#tables) {
      const own = changes.filter(({ id }) => familyOf(id) === family);
      table.resync(own, (flows) => this.#deleteFlows(family, flows));
    }
    this.#failures = 0;
    this.#tellHealth();
  }

  /** After the rules: a load balancer that comes then finds them. */
  #tellHealth(): void {
    for (const [service, health] of this.#model.takeHealth()) this.#healthChecks?.set(service, health);
  }

  /** The first failure is mostly somebody else's hand in our table: reading it again repairs that at once. */
  #failed(error: unknown): void {
    const { clock, log } = this.#options;
    if (this.#failures === 0) {
      this.#failures++;
      log.warn('rules not programmed, comparing with the kernel', { error: errorMessage(error) });
      this.#resync();
      return;
    }
    const delay = Math.min(RETRY_MS * 2 ** (this.#failures - 1), RETRY_MAX_MS);
    this.#failures++;
    log.error('rules not programmed', { error: errorMessage(error), retryMs: delay });
    this.#retry = clock.after(delay, () => this.#resync());
  }

  #deleteFlows(family: IpFamily, flows: readonly StaleFlows[]): void {
    const { conntrack, log } = this.#options;
    if (conntrack === undefined) return;
    for (const stale of flows) {
      try {
        conntrack.delete(flowsToDelete(stale, conntrack.list(family, flowFilter(stale))));
      } catch (error) {
        // The rules are right all the same: only flows that exist already go on to nowhere.
        log.warn('stale flows not deleted', { frontend: stale.address, port: stale.port, error: errorMessage(error) });
      }
    }
  }
}

const MARK = 0x4000;

function rulesetSettings(options: ProxyOptions, nodeAddresses: readonly string[]): RulesetSettings {
  const { nodePortAddresses = 'primary', masqueradeMark: mark = MARK } = options;
  if (!Number.isInteger(Math.log2(mark)) || mark < 1 || mark > 2 ** 31) {
    throw new RangeError(`Cannot mark packets with ${mark}: it has to be one bit of 32`);
  }
  return {
    ranges: options.serviceCidrs,
    podCidrs: options.podCidrs ?? [],
    nodePortRanges: nodePortAddresses === 'primary' ? hostRanges(nodeAddresses) : nodePortAddresses,
    hasLocalhost: options.localhostNodePorts ?? true,
    mark,
    masqueradeAll: options.masqueradeAll ?? false,
  };
}

function rangesText({ nodePortRanges }: RulesetSettings): string {
  return nodePortRanges.map(formatCidr).join(' ');
}

/** Starts a proxy that follows the cluster until the signal aborts. Resolves when its first rules are in the kernel. */
export async function createProxy(options: CreateProxyOptions): Promise<Proxy> {
  const { client, signal, clock, log } = options;
  const informers = options.informers ?? new Informers(client, { clock, log });
  const proxy = new Proxy(options);
  signal.addEventListener('abort', () => proxy[Symbol.dispose](), { once: true });
  const sources = [informers.for(services), informers.for(endpointSlices)] as const;
  for (const source of sources) {
    source.on({
      added: (object: Service | EndpointSlice) => proxy.note({ kind: 'set', object }),
      updated: (object: Service | EndpointSlice) => proxy.note({ kind: 'set', object }),
      deleted: (object: Service | EndpointSlice) => proxy.note({ kind: 'delete', object }),
    });
    source.start(signal);
  }
  const node = options.node === undefined ? followNode(proxy, options, informers) : Promise.resolve();
  await Promise.all([node, ...sources.map((source) => source.synced)]);
  proxy.start();
  return proxy;
}

async function followNode(proxy: Proxy, options: CreateProxyOptions, informers: Informers): Promise<void> {
  const take = (node: Node): void => {
    if (node.metadata.name === options.nodeName) proxy.setNode(nodeFacts(node));
  };
  const informer = informers.for(nodes);
  informer.on({ added: take, updated: take });
  informer.start(options.signal);
  await informer.synced;
}
