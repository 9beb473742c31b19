import { type IncomingMessage } from 'node:http';
import { type TLSSocket } from 'node:tls';
import { type Clock } from '#base/clock.ts';
import { type Log } from '#base/log.ts';
import { errorMessage } from '#base/errors.ts';
import { type ApiRequest, type UserInfo } from '#api/request.ts';
import { internalError, methodNotAllowed, unauthorized } from '#api/status.ts';
import { anonymous, authenticate } from '../auth/authenticate.ts';
import { isPublicPath } from '../auth/authorize.ts';
import { impersonate } from '../auth/impersonate.ts';
import { type ServerContext } from '../context.ts';
import { refuseUpgrade, spliceToNode, upgradeRequired } from '../node-proxy.ts';
import { isStreamKind, podTarget } from '../pod-target.ts';
import { parseRequestPath } from '../request-info.ts';
import { type RequestRouter } from '../request-router.ts';
import { statusResponse } from '../respond.ts';
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
    await writeResponse(exchange, url, response, options.clock);
  } catch (error) {
    // The client is gone, or half an answer is: there is nobody to tell.
    options.log.debug('an answer was not finished', { path: url.path, error: errorMessage(error) });
    exchange.destroy();
  }
}

async function answer(
  exchange: Exchange,
  url: RequestUrl,
  options: ServeOptions,
): Promise<Awaited<ReturnType<RequestRouter['serve']>>> {
  const method = exchange.method === 'HEAD' ? 'GET' : exchange.method;
  if (!METHODS.has(method)) throw new StatusError(methodNotAllowed({ group: '', plural: '' }, method));
  const user = userOf(exchange, url, options);
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

function userOf(from: Pick<Exchange, 'headers' | 'socket'>, url: RequestUrl, { server }: ServeOptions): UserInfo {
  const authorization = header(from, 'authorization');
  const user = authenticate({ socket: from.socket, authorization }, server.tokens);
  if (user === undefined) throw new StatusError(unauthorized());
  if (user === anonymous && !isPublicPath(url.path)) throw new StatusError(unauthorized());
  return impersonate(user, from.headers);
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
    const user = userOf({ headers: request.headers, socket }, url, options);
    const info = parseRequestPath(url.path);
    options.router.authorize({ method, path: url.path, query: url.query, user }, info);
    const isPod = info.kind === 'resource' && info.group === '' && info.plural === 'pods';
    if (!isPod || info.name === undefined || info.namespace === undefined || !isStreamKind(info.subresource)) {
      throw new StatusError(upgradeRequired());
    }
    const at = { namespace: info.namespace, name: info.name };
    const { nodeName, path } = podTarget(options.server, info.subresource, at, new URLSearchParams(url.search));
    if (nodeName === undefined) throw new StatusError(upgradeRequired());
    await spliceToNode(options.server.nodes, nodeName, path, { method, rawHeaders: request.rawHeaders }, socket, head);
  } catch (error) {
    refuseUpgrade(socket, error instanceof StatusError ? error.status : internalError(errorMessage(error)));
  }
}
