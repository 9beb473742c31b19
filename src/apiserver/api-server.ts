import type { KeyObject } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import type { Cidr } from '#base/cidr.ts';
import type { Clock } from '#base/clock.ts';
import type { Log } from '#base/log.ts';
import type { Service } from '#api/generated/types.ts';
import { KindRegistry } from '#api/registry.ts';
import type { ApiHandler } from '#api/request.ts';
import { pods, secrets, serviceAccounts, services } from '#api/resource.ts';
import type { PortRange } from '#alloc/port-allocator.ts';
import type { Store } from '#store/store.ts';
import { startPolicyStatusSync } from './admission/policy/policy-status-sync.ts';
import { TokenKey } from './auth/json-web-token.ts';
import { AggregationSync } from './auth/rbac/aggregation-sync.ts';
import { writeDefaultPolicy } from './auth/rbac/default-policy-sync.ts';
import { RbacAuthorizer } from './auth/rbac/rbac-authorizer.ts';
import { ServiceAccountTokens } from './auth/service-account-token.ts';
import { find, type ServerContext } from './context.ts';
import { CustomResources } from './custom-resources.ts';
import { writeDefaultFlowControl } from './default-flow-control.ts';
import { Discovery } from './discovery/discovery.ts';
import type { HealthCheck } from './discovery/health.ts';
import { HttpServer, type ListenAt } from './http/http-server.ts';
import { serveExchange, serveUpgrade } from './http/serve-exchange.ts';
import { ApiMetrics } from './metrics/api-metrics.ts';
import type { NodeDialer } from './node-proxy.ts';
import type { PodDialer } from './relay/pod-dialer.ts';
import { RequestRouter } from './request-router.ts';
import { collected } from './response.ts';
import { RangeKeeper } from './services/range-keeper.ts';
import { ServiceAddresses } from './services/service-addresses.ts';
import { ObjectStorage } from './storage/object-storage.ts';
import { defaultVersion, type VersionInfo } from './version-info.ts';

export interface ApiServerOptions {
  /** Stays the caller's: `close` leaves it open. */
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  /** One block a family; the first is the family that Services have unless they say otherwise. */
  readonly serviceCidrs: readonly Cidr[];
  /** `deny`: nobody but the cluster itself chooses the address of a Service. @default 'allow' */
  readonly staticClusterIps?: 'allow' | 'deny' | undefined;
  /** Whether the ServiceCIDR and IPAddress objects are made and kept true. @default true */
  readonly keepRanges?: boolean | undefined;
  /** @default 30000-32767 */
  readonly nodePortRange?: PortRange | undefined;
  /** Private key, PEM, that service account tokens are signed with: P-256 or RSA. */
  readonly serviceAccountKey: string | KeyObject;
  /** @default https://kubernetes.default.svc.cluster.local */
  readonly serviceAccountIssuer?: string | undefined;
  /** PEM of the authority that client certificates are from. */
  readonly clientCa: string;
  readonly tls: { readonly cert: string; readonly key: string };
  readonly version?: VersionInfo | undefined;
  /** @default the built-in kinds */
  readonly registry?: KindRegistry | undefined;
  /** Reaches the server of a node, for logs, exec, attach and port-forward. */
  readonly dialNode?: NodeDialer | undefined;
  /** Reaches an address of the cluster network, for `/proxy` of Pods, Services and nodes. */
  readonly dialPod?: PodDialer | undefined;
  /** What else has to be well for `/readyz`: other parts of the cluster. */
  readonly checks?: readonly HealthCheck[] | undefined;
  /** Whether the roles, bindings and objects of flow control that every cluster has are made at start. @default true */
  readonly defaultPolicy?: boolean | undefined;
}

export interface ApiServer {
  /** The whole API in process, without authentication: the request says who asks. */
  readonly handle: ApiHandler;
  readonly registry: KindRegistry;
  /** Resolves when the state is loaded; requests before that wait for it. */
  readonly ready: Promise<void>;
  /** Serves HTTPS; may be called more than once, for several addresses. */
  listen(at: ListenAt): Promise<AddressInfo>;
  /** Ends watches, lets running requests finish, closes the listeners. */
  close(): Promise<void>;
}

const DEFAULT_ISSUER = 'https://kubernetes.default.svc.cluster.local';

export function createApiServer(options: ApiServerOptions): ApiServer {
  const closing = new AbortController();
  const server = createContext(options, closing.signal);
  let address = '';
  const discovery = new Discovery(server.registry, (options.version ?? defaultVersion).gitVersion, () => address);
  const checks = healthChecks(server);
  const router = new RequestRouter({
    server,
    discovery,
    version: options.version ?? defaultVersion,
    checks: checks.all,
    readyChecks: options.checks ?? [],
  });
  const ask: ApiHandler = async (request) => collected(await router.serve(request));
  const keeper = new RangeKeeper({ ...options, storage: server.storage, handle: ask, signal: closing.signal });
  const ready = load(server, options.defaultPolicy ?? true)
    .then(() => (options.keepRanges === false ? undefined : keeper.start()))
    .then(() => checks.loaded());
  // A failed load fails each request that waits for it; without any it must not end the process by itself.
  ready.catch(() => {});
  const listeners: HttpServer[] = [];
  const serving = { server, router, clock: server.clock, log: server.log };
  return {
    registry: server.registry,
    ready,
    handle: async (request) => {
      await ready;
      return ask(request);
    },
    async listen(at) {
      await ready;
      const listener = new HttpServer({
        tls: options.tls,
        clientCa: options.clientCa,
        clock: server.clock,
        handle: (exchange) => serveExchange(exchange, serving),
        upgrade: (request, socket, head) => serveUpgrade(request, socket, head, serving),
      });
      listeners.push(listener);
      const bound = await listener.listen(at);
      address ||= `${bound.address}:${bound.port}`;
      return bound;
    },
    async close() {
      closing.abort();
      await Promise.all(listeners.splice(0).map((listener) => listener.close()));
      await server.storage.close();
    },
  };
}

function createContext(options: ApiServerOptions, closing: AbortSignal): ServerContext {
  const { clock, log, store } = options;
  const storage = new ObjectStorage(store, log, clock);
  const lookup = {
    serviceAccount: (namespace: string, name: string) => find({ storage }, serviceAccounts, `${namespace}/${name}`),
    pod: (namespace: string, name: string) => find({ storage }, pods, `${namespace}/${name}`),
    secret: (namespace: string, name: string) => find({ storage }, secrets, `${namespace}/${name}`),
  };
  const issuer = options.serviceAccountIssuer ?? DEFAULT_ISSUER;
  const registry = options.registry ?? new KindRegistry();
  return {
    storage,
    clock,
    log,
    closing,
    registry,
    metrics: new ApiMetrics(registry, storage),
    components: componentsOf(storage, options.checks),
    authorizer: new RbacAuthorizer(storage),
    tokens: new ServiceAccountTokens({ key: new TokenKey(options.serviceAccountKey), issuer, clock, lookup }),
    addresses: new ServiceAddresses({ ...options, storage }),
    nodes: options.dialNode ?? noNodes,
    pods: options.dialPod ?? noPods,
  };
}

/** Controllers and the scheduler are one part here. */
function componentsOf(storage: ObjectStorage, checks: readonly HealthCheck[] = []): readonly HealthCheck[] {
  const controllers = (): string | undefined => checks.find(({ name }) => name === 'controllers')?.problem();
  return [
    { name: 'controller-manager', problem: controllers },
    { name: 'etcd-0', problem: () => storage.failure?.message },
    { name: 'scheduler', problem: controllers },
  ];
}

async function noNodes(nodeName: string): Promise<never> {
  throw new Error(`no route to node ${JSON.stringify(nodeName)}`);
}

async function noPods(address: string): Promise<never> {
  throw new Error(`no route to ${address}`);
}

async function load(server: ServerContext, defaultPolicy: boolean): Promise<void> {
  const { storage, log, clock, closing } = server;
  await storage.load();
  const stored = [...storage.cache(services).list()].map(({ object }) => object as Service);
  for (const problem of server.addresses.restore(stored))
    log.warn('a stored Service holds what it cannot have', { problem });
  new CustomResources(server).start();
  startPolicyStatusSync(server);
  if (defaultPolicy) await Promise.all([writeDefaultPolicy(storage, clock), writeDefaultFlowControl(storage, clock)]);
  await new AggregationSync(storage, log, closing).start();
}

function healthChecks(server: ServerContext): { all: readonly HealthCheck[]; loaded: () => void } {
  let loaded = false;
  return {
    all: [
      { name: 'ping', problem: () => undefined },
      { name: 'etcd', problem: () => server.storage.failure?.message },
      { name: 'informer-sync', problem: () => (loaded ? undefined : 'the state is not loaded') },
    ],
    loaded: () => {
      loaded = true;
    },
  };
}
