import { errorCode, errorMessage } from '#base/errors.ts';
import { type ApiRequest } from '#api/request.ts';
import { forbiddenStatus, internalError, noSuchPath, serviceUnavailable } from '#api/status.ts';
import { type VersionInfo } from './version-info.ts';
import { authorize, refusal, type Attributes } from './auth/authorize.ts';
import { type ServerContext } from './context.ts';
import { type Discovery } from './discovery/discovery.ts';
import { health, type HealthCheck } from './discovery/health.ts';
import { parseRequestPath, verbOf, type RequestInfo } from './request-info.ts';
import { serveResource } from './resource-router.ts';
import { statusResponse } from './respond.ts';
import { type ServerResponse } from './response.ts';
import { StatusError } from './status-error.ts';

export interface RouterOptions {
  readonly server: ServerContext;
  readonly discovery: Discovery;
  readonly version: VersionInfo;
  readonly checks: readonly HealthCheck[];
}

/** From a request of a known user to its answer. Nothing that goes wrong in between leaves here as an exception. */
export class RequestRouter {
  readonly #options: RouterOptions;

  constructor(options: RouterOptions) {
    this.#options = options;
  }

  async serve(request: ApiRequest): Promise<ServerResponse> {
    try {
      const info = parseRequestPath(request.path);
      this.authorize(request, info);
      return await this.#route(request, info);
    } catch (error) {
      if (error instanceof StatusError) return statusResponse(error.status);
      return this.#unexpected(request, error);
    }
  }

  /** Throws the 403 of a user who may not. */
  authorize(request: Pick<ApiRequest, 'method' | 'path' | 'query' | 'user'>, info: RequestInfo): void {
    const attributes = attributesOf(request, info);
    if (authorize(request.user, attributes).allowed) return;
    const why = refusal(request.user, attributes);
    const subject =
      attributes.kind === 'path' ? { group: '', plural: '' } : { group: attributes.group, plural: attributes.resource };
    throw new StatusError(forbiddenStatus(subject, attributes.kind === 'path' ? '' : (attributes.name ?? ''), why));
  }

  async #route(request: ApiRequest, info: RequestInfo): Promise<ServerResponse> {
    const { server, discovery } = this.#options;
    if (info.kind === 'path') return this.#servePath(request);
    if (!discovery.has(info.group, info.version)) return notFound();
    return serveResource(server, request, info);
  }

  async #servePath(request: ApiRequest): Promise<ServerResponse> {
    const { discovery, version, checks, server } = this.#options;
    const { path } = request;
    if (request.method !== 'GET') throw new StatusError(noSuchPath());
    if (/^\/(?:healthz|livez|readyz)(?:\/|$)/.test(path)) return health(path, request.query, checks);
    const plain = path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
    switch (plain) {
      case '/version':
        return { kind: 'object', status: 200, body: version };
      case '/':
        return { kind: 'object', status: 200, body: { paths: this.#paths() } };
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

function attributesOf(request: Pick<ApiRequest, 'method' | 'path' | 'query'>, info: RequestInfo): Attributes {
  if (info.kind === 'path') return { kind: 'path', verb: request.method.toLowerCase(), path: request.path };
  const { group, version, plural, subresource, namespace, name } = info;
  const verb = verbOf(request.method, info, request.query) ?? request.method.toLowerCase();
  return { kind: 'resource', verb, group, version, resource: plural, subresource, namespace, name };
}
