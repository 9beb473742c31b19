import { type KeyObject } from 'node:crypto';
import { type AddressInfo } from 'node:net';
import { type Cidr } from '#base/cidr.ts';
import { type Clock } from '#base/clock.ts';
import { type Log } from '#base/log.ts';
import { type Service } from '#api/generated/types.ts';
import { KindRegistry } from '#api/registry.ts';
import { type ApiHandler } from '#api/request.ts';
import { pods, secrets, serviceAccounts, services } from '#api/resource.ts';
import { type PortRange } from '#alloc/port-allocator.ts';
import { type Store } from '#store/store.ts';
import { TokenKey } from './auth/json-web-token.ts';
import { ServiceAccountTokens } from './auth/service-account-token.ts';
import { find, type ServerContext } from './context.ts';
import { Discovery } from './discovery/discovery.ts';
import { type HealthCheck } from './discovery/health.ts';
import { HttpServer, type ListenAt } from './http/http-server.ts';
import { serveExchange, serveUpgrade } from './http/serve-exchange.ts';
import { type NodeDialer } from './node-proxy.ts';
import { RequestRouter } from './request-router.ts';
import { collected } from './response.ts';
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
  });
  const ready = load(server).then(() => checks.loaded());
  // A failed load fails each request that waits for it; without any it must not end the process by itself.
  ready.catch(() => {});
  const listeners: HttpServer[] = [];
  const serving = { server, router, clock: server.clock, log: server.log };
  return {
    registry: server.registry,
    ready,
    handle: async (request) => {
      await ready;
      return collected(await router.serve(request));
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
  return {
    storage,
    clock,
    log,
    closing,
    registry: options.registry ?? new KindRegistry(),
    tokens: new ServiceAccountTokens({ key: new TokenKey(options.serviceAccountKey), issuer, clock, lookup }),
    addresses: new ServiceAddresses(options),
    nodes: options.dialNode ?? noNodes,
  };
}

async function noNodes(nodeName: string): Promise<never> {
  throw new Error(`no route to node ${JSON.stringify(nodeName)}`);
}

async function load(server: ServerContext): Promise<void> {
  await server.storage.load();
  const stored = [...server.storage.cache(services).list()].map(({ object }) => object as Service);
  for (const problem of server.addresses.restore(stored))
    server.log.warn('a stored Service holds what it cannot have', { problem });
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
