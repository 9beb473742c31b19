import type { Clock } from '#base/clock.ts';
import type { Log } from '#base/log.ts';
import type { KindDefinition } from '#api/kind.ts';
import type { KubeObject } from '#api/object.ts';
import type { KindRegistry } from '#api/registry.ts';
import type { ApiRequest } from '#api/request.ts';
import type { Resource } from '#api/resource.ts';
import type { Authorizer } from './auth/authorize.ts';
import type { ServiceAccountTokens } from './auth/service-account-token.ts';
import type { HealthCheck } from './discovery/health.ts';
import type { ApiMetrics } from './metrics/api-metrics.ts';
import type { NodeDialer } from './node-proxy.ts';
import type { PodDialer } from './relay/pod-dialer.ts';
import type { ResourceRequestInfo, Verb } from './request-info.ts';
import type { ServiceAddresses } from './services/service-addresses.ts';
import type { KindCache } from './storage/kind-cache.ts';
import type { ObjectStorage } from './storage/object-storage.ts';

/** What all requests share. */
export interface ServerContext {
  readonly storage: ObjectStorage;
  readonly registry: KindRegistry;
  readonly clock: Clock;
  readonly log: Log;
  readonly tokens: ServiceAccountTokens;
  readonly authorizer: Authorizer;
  readonly addresses: ServiceAddresses;
  readonly nodes: NodeDialer;
  readonly pods: PodDialer;
  readonly metrics: ApiMetrics;
  /** Parts of the cluster, by the names that ComponentStatuses have. */
  readonly components: readonly HealthCheck[];
  /** Aborts when the server closes; watches end by it. */
  readonly closing: AbortSignal;
}

/** One request on a resource that exists. */
export interface ResourceContext {
  readonly server: ServerContext;
  readonly request: ApiRequest;
  readonly info: ResourceRequestInfo;
  readonly verb: Verb;
  readonly kind: KindDefinition;
  readonly cache: KindCache;
}

/** One object out of memory, typed by its resource. */
export function find<T extends KubeObject>(
  server: Pick<ServerContext, 'storage'>,
  resource: Resource<T>,
  key: string,
): T | undefined {
  return server.storage.cache(resource).get(key)?.object as T | undefined;
}
