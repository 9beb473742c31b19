import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { Clock } from '#base/clock.ts';
import type { Log } from '#base/log.ts';
import { errorMessage } from '#base/errors.ts';
import type { ApiRequest, UserInfo } from '#api/request.ts';
import { internalError, methodNotAllowed, unauthorized } from '#api/status.ts';
import { admitConnect } from '../admission/connect.ts';
import { authenticate } from '../auth/authenticate.ts';
import { impersonate } from '../auth/impersonate.ts';
import type { ServerContext } from '../context.ts';
import { refuseUpgrade, spliceToNode, upgradeRequired } from '../node-proxy.ts';
import { isStreamKind, podTarget } from '../pod-target.ts';
import { parseProxyPath, type ProxyPath } from '../relay/proxy-path.ts';
import { backendPath, dialTarget, relay } from '../relay/proxy-socket.ts';
import { proxyTarget } from '../relay/proxy-target.ts';
import { parseRequestPath } from '../request-info.ts';
import type { RequestRouter } from '../request-router.ts';
import { statusResponse } from '../respond.ts';
import type { ServerResponse } from '../response.ts';
import { StatusError } from '../status-error.ts';
import { header, type Exchange } from './exchange.ts';
import { receiveBody, type BodyAsSent } from './request-body.ts';
import { parseUrl, type RequestUrl } from './request-url.ts';
import { writeResponse } from './write-response.ts';

export interface ServeOptions {
  readonly server: ServerContext;
  readonly router: RequestRouter;
  readonly clock: Clock;
  readonly log: Log;
}

/** `/proxy` passes on whatever a backend may know; nothing else of ours has OPTIONS. */
const PROXIED: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

const METHODS: ReadonlySet<string> = new Set(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']);

const NO_BODY: BodyAsSent = { body: undefined, contentType: undefined };

/** From HTTP to the router and back. */
export async function serveExchange(exchange: Exchange, options: ServeOptions): Promise<void> {
  const url = parseUrl(exchange.url);
  try {
    const response = await answer(exchange, url, options).catch((error: unknown) => {
      if (error instanceof StatusError) return statusResponse(error.status);
      throw error;
    });
    if (response !== undefined) await writeResponse(exchange, url, response, options.clock);
  } catch (error) {
    // The client is gone, or half an answer is: there is nobody to tell.
    options.log.debug('an answer was not finished', { path: url.path, error: errorMessage(error) });
    exchange.destroy();
  }
}

/** Undefined when the answer has been written already. */
async function answer(exchange: Exchange, url: RequestUrl, options: ServeOptions): Promise<ServerResponse | undefined> {
  const proxied = url.path.includes('/proxy') ? parseProxyPath(url.path) : undefined;
  if (proxied !== undefined) return answerByProxy(exchange, url, proxied, options);
  const method = exchange.method === 'HEAD' ? 'GET' : exchange.method;
  if (!METHODS.has(method)) throw new StatusError(methodNotAllowed());
  const user = userOf(exchange, options);
  const { body, contentType } = method === 'GET' ? NO_BODY : await receiveBody(exchange, options.clock);
  const request: ApiRequest = {
    method: method as ApiRequest['method'],
    path: url.path,
    query: url.query,
    user,
    userAgent: header(exchange, 'user-agent'),
    contentType,
    accept: header(exchange, 'accept'),
    body,
    // Made only for those who look: most requests end before their client could go away.
    get signal() {
      return exchange.signal;
    },
  };
  return options.router.serve(request);
}

async function answerByProxy(
  exchange: Exchange,
  url: RequestUrl,
  to: ProxyPath,
  options: ServeOptions,
): Promise<ServerResponse | undefined> {
  const { method } = exchange;
  const { server, router } = options;
  if (!PROXIED.has(method)) throw new StatusError(methodNotAllowed());
  const user = userOf(exchange, options);
  router.authorize({ method: method as ApiRequest['method'], path: url.path, query: url.query, user });
  const query = new URLSearchParams(url.search);
  await admitConnect(server, { info: parseRequestPath(url.path), path: url.path, query, user });
  // Links of the backend that are not absolute are right only below a slash.
  if (to.path === '' && (method === 'GET' || method === 'HEAD')) {
    const location = `${to.prefix}/${url.search === '' ? '' : `?${url.search}`}`;
    return { kind: 'text', status: 301, body: '', contentType: 'text/plain', headers: { location } };
  }
  await relay(exchange, to, proxyTarget(server, to), server);
  return undefined;
}

function userOf(from: Pick<Exchange, 'headers' | 'socket'>, { server }: ServeOptions): UserInfo {
  const authorization = header(from, 'authorization');
  const user = authenticate({ socket: from.socket, authorization }, server.tokens);
  if (user === undefined) throw new StatusError(unauthorized());
  return impersonate(user, from.headers, server.authorizer);
}

/** A connection that wants to become something else: exec, attach and port-forward, passed on to the Pod's node. */
export async function serveUpgrade(
  request: IncomingMessage,
  socket: TLSSocket,
  head: Buffer,
  options: ServeOptions,
): Promise<void> {
  try {
    const url = parseUrl(request.url ?? '/');
    const method = request.method === 'POST' ? 'POST' : 'GET';
    const user = userOf({ headers: request.headers, socket }, options);
    const { server } = options;
    const info = parseRequestPath(url.path);
    options.router.authorize({ method, path: url.path, query: url.query, user }, info);
    const query = new URLSearchParams(url.search);
    await admitConnect(server, { info, path: url.path, query, user });
    const proxied = parseProxyPath(url.path);
    if (proxied !== undefined) {
      const target = proxyTarget(server, proxied);
      const path = backendPath(request.url ?? '', proxied);
      const { rawHeaders } = request;
      await spliceToNode(() => dialTarget(server, target), target.host, path, { method, rawHeaders }, socket, head);
      return;
    }
    const isPod = info.kind === 'resource' && info.group === '' && info.plural === 'pods';
    if (!isPod || info.name === undefined || info.namespace === undefined || !isStreamKind(info.subresource)) {
      throw new StatusError(upgradeRequired());
    }
    const at = { namespace: info.namespace, name: info.name };
    const { nodeName, path } = podTarget(server, info.subresource, at, query);
    if (nodeName === undefined) throw new StatusError(upgradeRequired());
    await spliceToNode(server.nodes, nodeName, path, { method, rawHeaders: request.rawHeaders }, socket, head);
  } catch (error) {
    refuseUpgrade(socket, error instanceof StatusError ? error.status : internalError(errorMessage(error)));
  }
}
