import { errorCode, errorMessage } from '#base/errors.ts';
import type { ApiRequest } from '#api/request.ts';
import { internalError, noSuchPath, serviceUnavailable } from '#api/status.ts';
import type { VersionInfo } from './version-info.ts';
import { requireAllowed } from './auth/authorize.ts';
import { attributesOf } from './auth/request-attributes.ts';
import type { ServerContext } from './context.ts';
import type { Discovery } from './discovery/discovery.ts';
import { health, type HealthCheck } from './discovery/health.ts';
import { exposition, EXPOSITION_TYPE } from '#base/exposition.ts';
import { processMetrics } from './metrics/process-metrics-agent.ts';
import { parseRequestPath, type RequestInfo } from './request-info.ts';
import { serveResource } from './resource-router.ts';
import { statusResponse } from './respond.ts';
import type { ServerResponse } from './response.ts';
import { StatusError } from './status-error.ts';

export interface RouterOptions {
  readonly server: ServerContext;
  readonly discovery: Discovery;
  readonly version: VersionInfo;
  readonly checks: readonly HealthCheck[];
  /** Asked by `/readyz` only: what ails another part is no reason to start this one anew. */
  readonly readyChecks: readonly HealthCheck[];
}

/** From a request of a known user to its answer. Nothing that goes wrong in between leaves here as an exception. */
export class RequestRouter {
  readonly #options: RouterOptions;

  constructor(options: RouterOptions) {
    this.#options = options;
  }

  async serve(request: ApiRequest): Promise<ServerResponse> {
    const { metrics, clock } = this.#options.server;
    const started = clock.monotonic();
    const info = parseRequestPath(request.path);
    const inflight = request.method === 'GET' ? 'readOnly' : 'mutating';
    metrics.inflight[inflight]++;
    const response = await this.#answer(request, info);
    metrics.inflight[inflight]--;
    metrics.seriesOf(request, info).record(response.status, (clock.monotonic() - started) / 1_000);
    return response;
  }

  async #answer(request: ApiRequest, info: RequestInfo): Promise<ServerResponse> {
    try {
      this.authorize(request, info);
      return await this.#route(request, info);
    } catch (error) {
      if (error instanceof StatusError) return statusResponse(error.status);
      return this.#unexpected(request, error);
    }
  }

  /** Throws the 403 of a user who may not. */
  authorize(
    request: Pick<ApiRequest, 'method' | 'path' | 'query' | 'user'>,
    info: RequestInfo = parseRequestPath(request.path),
  ): void {
    requireAllowed(this.#options.server.authorizer, request.user, attributesOf(request, info));
  }

  async #route(request: ApiRequest, info: RequestInfo): Promise<ServerResponse> {
    const { server, discovery } = this.#options;
    if (info.kind === 'path') return this.#servePath(request);
    if (!discovery.has(info.group, info.version)) {
      if (discovery.hasGroup(info.group)) throw new StatusError(noSuchPath());
      return notFound();
    }
    return serveResource(server, request, info);
  }

  async #servePath(request: ApiRequest): Promise<ServerResponse> {
    const { discovery, version, server } = this.#options;
    const { path } = request;
    if (request.method !== 'GET') throw new StatusError(noSuchPath());
    if (/^\/(?:healthz|livez|readyz)(?:\/|$)/.test(path)) return health(path, request.query, this.#checksOf(path));
    const plain = path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
    switch (plain) {
      case '/version':
        return { kind: 'object', status: 200, body: version };
      case '/':
        return { kind: 'object', status: 200, body: { paths: this.#paths() } };
      case '/metrics':
        return { kind: 'text', status: 200, body: this.#metrics(), contentType: EXPOSITION_TYPE };
      case '/openid/v1/jwks':
        return {
          kind: 'object',
          status: 200,
          body: server.tokens.key.keySet(),
          contentType: 'application/jwk-set+json',
        };
      case '/.well-known/openid-configuration':
        return { kind: 'object', status: 200, body: openIdConfiguration(server.tokens.issuer) };
      default:
        return (await discovery.serve(request)) ?? notFound();
    }
  }

  #checksOf(path: string): readonly HealthCheck[] {
    const { checks, readyChecks } = this.#options;
    return path.startsWith('/readyz') ? [...checks, ...readyChecks] : checks;
  }

  #metrics(): string {
    const { server, version } = this.#options;
    const build = {
      name: 'kubernetes_build_info',
      help: 'The version of Kubernetes that is spoken.',
      type: 'gauge',
      samples: [{ labels: { git_version: version.gitVersion, major: version.major, minor: version.minor }, value: 1 }],
    } as const;
    return exposition([...server.metrics.metrics(), ...processMetrics(server.clock), build]);
  }

  #paths(): readonly string[] {
    const groups = this.#options.discovery.groupVersions.map((name) =>
      name.startsWith('/') ? `/api${name}` : `/apis/${name}`,
    );
    return [
      '/api',
      '/apis',
      ...groups,
      '/healthz',
      '/livez',
      '/metrics',
      '/openapi/v2',
      '/openapi/v3',
      '/readyz',
      '/version',
    ].sort();
  }

  #unexpected(request: ApiRequest, error: unknown): ServerResponse {
    if (errorCode(error) === 'ESTORECLOSED') return statusResponse(serviceUnavailable('the server is shutting down'));
    this.#options.server.log.error('a request failed', {
      method: request.method,
      path: request.path,
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
    return statusResponse(internalError(errorMessage(error)));
  }
}

function notFound(): ServerResponse {
  return { kind: 'text', status: 404, body: '404 page not found\n', contentType: 'text/plain; charset=utf-8' };
}

function openIdConfiguration(issuer: string): unknown {
  return {
    issuer,
    jwks_uri: `${issuer}/openid/v1/jwks`,
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['ES256', 'RS256'],
  };
}
