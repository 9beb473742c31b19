import type { EndpointSlice, Node, Service } from '#api/generated/types.ts';
import { objectKey } from '#api/object.ts';
import { endpointSlices, nodes, services } from '#api/resource.ts';
import type { Cidr } from '#base/cidr.ts';
import type { Clock } from '#base/clock.ts';
import { errorMessage } from '#base/errors.ts';
import type { IpFamily } from '#base/ip.ts';
import type { Log } from '#base/log.ts';
import type { Client } from '#client/client.ts';
import { Informers } from '#client/informers.ts';
import type { ConntrackSocket } from '#netlink/conntrack-socket.ts';
import type { NetlinkEvent } from '#netlink/event-socket.ts';
import type { NftablesSocket } from '#nftables/nftables-socket.ts';
import type { Dataplane, OnStale } from './dataplane.ts';
import { FlowCleaner } from './flow-sync.ts';
import type { FrontendChange } from './frontend.ts';
import { HealthCheckServer, type HealthCheckOptions } from './health-check-server.ts';
import type { IptablesOptions } from './iptables/commands-sync.ts';
import { openDataplane } from './mode-sync.ts';
import { Model } from './model.ts';
import { nodeFacts, type NodeFacts } from './node-view.ts';
import { familyOf } from './service-ports.ts';
import { isSameSettings, rulesetSettings, type NodePortAddresses, type PodInterface } from './settings.ts';
import type { RulesetSettings, SettingsOptions } from './settings.ts';
import { triggerOf, type ProxyFigures, type SyncKind, type SyncObserver } from './sync-observer.ts';

export interface ProxyOptions {
  /** Endpoints of this node are local. */
  readonly nodeName: string;
  /** For mode nftables: opened in the network namespace of the node. */
  readonly socket?: NftablesSocket | undefined;
  /** Mode iptables, with these settings: rules in the tables that everybody knows, by its programs. */
  readonly iptables?: IptablesOptions | undefined;
  /** Opened there too; without it UDP flows to endpoints that are gone are left to time out. */
  readonly conntrack?: ConntrackSocket | undefined;
  /** Where cluster addresses come from. */
  readonly serviceCidrs: readonly Cidr[];
  /**
   * Where load balancers have addresses that are at no machine: ports that they do not have are refused, and not left to
   * whoever is at the address. In mode nftables. @default none
   */
  readonly loadBalancerCidrs?: readonly Cidr[] | undefined;
  /** A table is kept for each. @default those of serviceCidrs */
  readonly families?: readonly IpFamily[] | undefined;
  /**
   * Where Pods' addresses come from. What comes from elsewhere is masqueraded on its way to cluster addresses, and goes
   * by externalTrafficPolicy. Without them nobody but the node itself counts as inside.
   */
  readonly podCidrs?: SettingsOptions['podCidrs'];
  /** Instead of podCidrs: the interfaces that Pods' packets come in by. */
  readonly podInterface?: PodInterface | undefined;
  /** @default primary, and all in mode iptables */
  readonly nodePortAddresses?: NodePortAddresses | undefined;
  /** NodePorts answer at 127.0.0.1 too; the node has to have route_localnet=1. @default true */
  readonly localhostNodePorts?: boolean | undefined;
  /** HostPorts listen there: in mode iptables kube-proxy lets nobody ask who sends from another address of the node. @default false */
  readonly isLocalhostShared?: boolean | undefined;
  /** The node's primary addresses and its zone. `createProxy` takes them from the Node where they are absent. */
  readonly node?: NodeFacts | undefined;
  /** One bit of the packet mark, for what has to be masqueraded. @default 0x4000 */
  readonly masqueradeMark?: number | undefined;
  readonly masqueradeAll?: boolean | undefined;
  /** The node has nf_conntrack_tcp_be_liberal=1. @default false */
  readonly isConntrackLiberal?: boolean | undefined;
  /** How the ports are opened at which load balancers ask for the node's health; absent for not at all. */
  readonly openHealthCheck?: HealthCheckOptions['open'] | undefined;
  readonly onHealthCheckFailure?: HealthCheckOptions['onHealthCheckFailure'];
  /** Notifications of changes in the node's nf_tables: what others do to our tables is then repaired at once. */
  readonly watch?: ((signal: AbortSignal) => AsyncIterable<NetlinkEvent>) | undefined;
  readonly observer?: SyncObserver | undefined;
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
/** Rules of before are good enough for load balancers for so long, as kube-proxy has it. */
const UNHEALTHY_MS = 60_000;

/**
 * Keeps the rules of one node as the cluster's Services and EndpointSlices say. `apply` is all of it without a
 * cluster; `createProxy` feeds it. The rules stay when the process ends, and the next one takes them over.
 */
export class Proxy implements Disposable {
  readonly #options: ProxyOptions;
  readonly #model: Model;
  readonly #dataplane: Dataplane;
  readonly #flows: FlowCleaner;
  readonly #healthChecks: HealthCheckServer | undefined;
  readonly #createdAt: number;
  #settings: RulesetSettings;
  #node: NodeFacts;
  #serviceCidrs: readonly Cidr[];
  #isStarted = false;
  #flush: NodeJS.Immediate | undefined;
  #retry: Disposable | undefined;
  #failures = 0;
  #failingSince: number | undefined;
  /** Rules are on their way; what is noted meanwhile follows. Never in mode nftables, which answers at once. */
  #working: Promise<void> | undefined;
  #isResyncWanted = false;
  readonly #heldBack: Parameters<SyncObserver['changed']>[] = [];

  constructor(options: ProxyOptions) {
    this.#options = options;
    this.#createdAt = options.clock.now();
    const { serviceCidrs, nodeName, log } = options;
    const families = options.families ?? [...new Set(serviceCidrs.map(({ family }) => family))];
    this.#node = options.node ?? { addresses: [], zone: undefined };
    this.#serviceCidrs = serviceCidrs;
    this.#model = new Model({ nodeName, zone: this.#node.zone, families, log });
    this.#settings = settingsOf(options, this.#node);
    this.#flows = new FlowCleaner(options);
    const repair = (): void => this.#repair();
    this.#dataplane = openDataplane({ ...options, families, flows: this.#flows, repair }, this.#settings);
    options.observer?.watch(this.#figures());
    const isHealthy = (): boolean => options.clock.monotonic() - (this.#failingSince ?? Infinity) < UNHEALTHY_MS;
    const open = options.openHealthCheck;
    this.#healthChecks = open === undefined ? undefined : new HealthCheckServer({ ...options, open, isHealthy });
  }

  /** The node got other addresses, or moved to another zone. */
  setNode(node: NodeFacts): void {
    this.#node = node;
    this.#model.setZone(node.zone);
    this.#configure();
  }

  /** Cluster addresses come from elsewhere, too. */
  setServiceCidrs(cidrs: readonly Cidr[]): void {
    this.#serviceCidrs = cidrs;
    this.#configure();
  }

  #configure(): void {
    const settings = settingsOf({ ...this.#options, serviceCidrs: this.#serviceCidrs }, this.#node);
    const isSame = isSameSettings(settings, this.#settings);
    this.#settings = settings;
    for (const rules of this.#dataplane.rules.values()) rules.settings = settings;
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
    const trigger = kind === 'set' ? triggerOf(object, this.#createdAt) : undefined;
    this.#observe([object.kind === 'Service' ? 'service' : 'endpoint', trigger]);
    this.#schedule();
  }

  /** Takes changes in and programs them: before it returns in mode nftables, before `settled` in the other. */
  apply(changes: Iterable<ObjectChange>): void {
    for (const change of changes) this.note(change);
    this.flush();
  }

  /**
   * Reads what the kernel has and makes it what was noted until now; from here on changes are programmed as they come.
   * Throws what the kernel refuses with, or lets `settled` do that: it will not know tomorrow what it does not know today.
   */
  start(): void {
    const { guardian } = this.#dataplane;
    const work = this.#program();
    this.#isStarted = true;
    if (work === undefined) return guardian.start();
    const started = work.then(
      () => this.#goOn(() => guardian.start()),
      (error: unknown) => {
        this.#isStarted = false;
        throw error;
      },
    );
    // Who does not ask for it does not want to know.
    started.catch(() => {});
    this.#working = started;
  }

  /** Resolves when all that was noted is programmed, or waits for another attempt. */
  async settled(): Promise<void> {
    while (this.#working !== undefined || this.#flush !== undefined) {
      this.flush();
      await this.#working;
    }
  }

  /** Programs what was noted. After a failure the whole table is compared with the kernel's. */
  flush(): void {
    if (this.#flush !== undefined) clearImmediate(this.#flush);
    this.#flush = undefined;
    const isBusy = this.#retry !== undefined || this.#working !== undefined;
    if (!this.#isStarted || isBusy || !this.#model.hasChanges) return;
    this.#attempt(() => {
      const changes = this.#model.takeChanges();
      const work = this.#inEveryFamily('partial', changes);
      if (!(work instanceof Promise)) return this.#tell();
      return work.then(() => this.#tell());
    });
  }

  [Symbol.dispose](): void {
    this.#isStarted = false;
    this.#dataplane.guardian[Symbol.dispose]();
    this.#healthChecks?.[Symbol.dispose]();
    if (this.#flush !== undefined) clearImmediate(this.#flush);
    this.#flush = undefined;
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
    this.#isResyncWanted = this.#working !== undefined;
    if (!this.#isResyncWanted) this.#attempt(() => this.#program());
  }

  #program(): Promise<void> | undefined {
    this.#dataplane.guardian.remember();
    this.#model.markAll();
    const succeed = (): void => {
      this.#failures = 0;
      this.#failingSince = undefined;
      this.#tell();
    };
    // Those that are gone are known by not being there.
    const all = this.#model.takeChanges().filter(({ frontend }) => frontend !== undefined);
    const work = this.#inEveryFamily('full', all);
    if (work instanceof Promise) return work.then(succeed);
    succeed();
    return undefined;
  }

  /** Families do not wait for each other. */
  #inEveryFamily(kind: SyncKind, changes: readonly FrontendChange[]): Promise<void> | void {
    const { rules } = this.#dataplane;
    const { clock, observer } = this.#options;
    const waits: Promise<void>[] = [];
    const errors: unknown[] = [];
    for (const [family, one] of rules) {
      const own = rules.size === 1 ? changes : changes.filter(({ id }) => familyOf(id) === family);
      if (kind === 'partial' && own.length === 0) continue;
      const began = clock.monotonic();
      const tell = (): void => observer?.synced(family, kind, clock.monotonic() - began);
      const fail = (error: unknown): void => {
        errors.push(error);
        observer?.failed(family, kind);
      };
      const onStale: OnStale = (flows) => this.#flows.deleteStale(family, flows);
      try {
        const wait = kind === 'full' ? one.resync(own, onStale) : one.apply(own, onStale);
        if (wait instanceof Promise) waits.push(wait.then(tell, fail));
        else tell();
      } catch (error) {
        fail(error);
      }
    }
    const finish = (): void => {
      if (errors.length > 0) throw errors[0];
    };
    return waits.length === 0 ? finish() : Promise.all(waits).then(finish);
  }

  #attempt(work: () => Promise<void> | void): void {
    try {
      const wait = work();
      if (!(wait instanceof Promise)) return;
      this.#working = wait.then(
        () => this.#goOn(() => {}),
        (error: unknown) => this.#goOn(() => this.#failed(error)),
      );
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Work that took its time has ended: what came meanwhile is next. */
  #goOn(then: () => void): void {
    this.#working = undefined;
    for (const change of this.#heldBack.splice(0)) this.#observe(change);
    if (!this.#isStarted) return;
    then();
    if (this.#isResyncWanted && this.#retry === undefined) this.#resync();
    this.flush();
  }

  /** What comes while rules are on their way is not among them: when they settle, it has not. */
  #observe(change: Parameters<SyncObserver['changed']>): void {
    if (this.#working === undefined) this.#options.observer?.changed(...change);
    else this.#heldBack.push(change);
  }

  /** Load balancers that ask after the rules are there find them. */
  #tell(): void {
    this.#options.observer?.settled();
    for (const [service, health] of this.#model.takeHealth()) this.#healthChecks?.set(service, health);
  }

  /** The first failure is mostly somebody else's hand in our table: reading it again repairs that at once. */
  #failed(error: unknown): void {
    const { clock, log } = this.#options;
    this.#failingSince ??= clock.monotonic();
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

  #figures(): ProxyFigures {
    return {
      noLocalEndpoints: (family, traffic) => this.#model.gaps.count(family, traffic),
      rules: (family) => this.#dataplane.rules.get(family)?.figures ?? {},
    };
  }
}

function settingsOf(options: ProxyOptions, node: NodeFacts): RulesetSettings {
  const nodePortAddresses = options.nodePortAddresses ?? (options.iptables === undefined ? 'primary' : 'all');
  return rulesetSettings({ ...options, nodePortAddresses }, node);
}

/** Starts a proxy that follows the cluster until the signal aborts. Resolves when its first rules are in the kernel. */
export async function createProxy(options: CreateProxyOptions): Promise<Proxy> {
  const { client, signal, clock, log } = options;
  const informers = options.informers ?? new Informers(client, { clock, log });
  const proxy = new Proxy(options);
  signal.addEventListener('abort', () => proxy[Symbol.dispose](), { once: true });
  const sources = [informers.for(services), informers.for(endpointSlices)] as const;
  for (const source of sources) {
    const listening = source.on({
      added: (object: Service | EndpointSlice) => proxy.note({ kind: 'set', object }),
      updated: (object: Service | EndpointSlice) => proxy.note({ kind: 'set', object }),
      deleted: (object: Service | EndpointSlice) => proxy.note({ kind: 'delete', object }),
    });
    signal.addEventListener('abort', () => listening[Symbol.dispose](), { once: true });
    source.start(signal);
  }
  const node = options.node === undefined ? followNode(proxy, options, informers) : Promise.resolve();
  await Promise.all([node, ...sources.map((source) => source.synced)]);
  proxy.start();
  await proxy.settled();
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
