import { nodes, pods, type Resource } from '#api/resource.ts';
import type { ApiRequest } from '#api/request.ts';
import { methodNotAllowed, noSuchPath } from '#api/status.ts';
import type { ResourceContext, ServerContext } from './context.ts';
import { upgradeRequired } from './node-proxy.ts';
import { isStreamKind } from './pod-target.ts';
import { verbOf, type ResourceRequestInfo } from './request-info.ts';
import { statusResponse } from './respond.ts';
import type { ServerResponse } from './response.ts';
import { StatusError } from './status-error.ts';
import { admitConnect } from './admission/connect.ts';
import { warningsOf } from './admission/webhook/warnings.ts';
import { bind, bindNamed, isBindings } from './verbs/binding.ts';
import { computed, computedObjects } from './verbs/computed.ts';
import { create } from './verbs/create.ts';
import { deleteCollection, deleteOne } from './verbs/delete.ts';
import { evict } from './verbs/eviction.ts';
import { get } from './verbs/get.ts';
import { list } from './verbs/list.ts';
import { podLog } from './verbs/log.ts';
import { proxyToNode } from './verbs/node-proxy.ts';
import { patch } from './verbs/patch.ts';
import { review, reviewKinds } from './verbs/review.ts';
import { scale } from './verbs/scale.ts';
import { requestToken } from './verbs/token.ts';
import { update, type Part } from './verbs/update.ts';
import { usage, usageKinds } from './verbs/usage.ts';
import { watch } from './watch/watch.ts';

/** Answers one request on a resource; throws `StatusError` where it is refused. */
export async function serveResource(
  server: ServerContext,
  request: ApiRequest,
  info: ResourceRequestInfo,
): Promise<ServerResponse> {
  const kind = server.registry.byPlural(info.group, info.version, info.plural);
  if (kind === undefined) return serveUnstored(server, request, info);
  const verb = verbOf(request.method, info, request.query);
  if (verb === undefined) throw new StatusError(methodNotAllowed());
  const { namespaced } = kind.resource;
  if (!namespaced && info.namespace !== undefined) throw new StatusError(noSuchPath());
  // A namespaced object has its namespace in the path; only lists go across all of them.
  if (namespaced && info.namespace === undefined && (info.name !== undefined || verb === 'create')) {
    throw new StatusError(info.name === undefined ? methodNotAllowed() : noSuchPath());
  }
  const context: ResourceContext = {
    server,
    request,
    info,
    verb,
    kind,
    cache: server.storage.cache(kind.storedAs ?? kind.resource),
  };
  const { subresource } = info;
  if (subresource !== undefined) return warned(context, () => serveSubresource(context, subresource));
  if (!kind.verbs.includes(verb)) throw new StatusError(methodNotAllowed());
  const objects = computedObjects(context);
  if (objects !== undefined) return warned(context, async () => computed(context, objects));
  return warned(context, () => serveMain(context));
}

/** Each answer about a kind that is on its way out says so, a refusal as well; and what webhooks had to say. */
async function warned(context: ResourceContext, serve: () => Promise<ServerResponse>): Promise<ServerResponse> {
  const { request, kind, info } = context;
  const deprecation = info.subresource === undefined ? kind.deprecation : undefined;
  const texts = (): readonly string[] => [...(deprecation === undefined ? [] : [deprecation]), ...warningsOf(request)];
  const response = await serve().catch((error: unknown) => {
    if (error instanceof StatusError && texts().length > 0) return statusResponse(error.status);
    throw error;
  });
  const warnings = texts();
  if (warnings.length === 0 || response.kind === 'stream' || response.kind === 'text') return response;
  return { ...response, warnings: [...warnings, ...(response.warnings ?? [])] };
}

function serveMain(context: ResourceContext): Promise<ServerResponse> {
  switch (context.verb) {
    case 'get':
      return get(context);
    case 'list':
      return list(context);
    case 'watch':
      return watch(context);
    case 'create':
      if (context.info.name !== undefined) throw new StatusError(methodNotAllowed());
      return create(context);
    case 'update':
      return update(named(context), 'main');
    case 'patch':
      return patch(named(context), 'main');
    case 'delete':
      return deleteOne(context);
    case 'deletecollection':
      return deleteCollection(context);
  }
}

function named(context: ResourceContext): ResourceContext {
  if (context.info.name === undefined) throw new StatusError(methodNotAllowed());
  return context;
}

/** Parts of objects that are subresources of some kinds only. */
const PARTS: readonly Part[] = ['finalize', 'approval', 'ephemeralcontainers', 'resize'];

async function serveSubresource(context: ResourceContext, subresource: string): Promise<ServerResponse> {
  const { kind } = context;
  const { status, scale: scalePaths, others = [] } = kind.subresources;
  if (subresource === 'status' && status === true) return servePart(context, 'status');
  if (subresource === 'scale' && scalePaths !== undefined) return scale(context, scalePaths);
  if (!others.some(({ name }) => name === subresource)) throw new StatusError(noSuchPath());
  const part = PARTS.find((name) => name === subresource);
  if (part !== undefined) return servePart(context, part);
  if (subresource === 'token' && context.verb === 'create') return requestToken(context);
  if (isPod(kind.resource)) return servePodSubresource(context, subresource);
  const { group, plural } = kind.resource;
  const isNode = group === '' && plural === nodes.plural;
  if (isNode && subresource === 'proxy' && context.verb === 'get') return proxyToNode(context);
  throw new StatusError(methodNotAllowed());
}

async function servePodSubresource(context: ResourceContext, subresource: string): Promise<ServerResponse> {
  if (subresource === 'binding' && context.verb === 'create') return bind(context);
  if (subresource === 'eviction' && context.verb === 'create') return evict(context);
  if (subresource === 'log' && context.verb === 'get') return podLog(context);
  if (isStreamKind(subresource)) {
    const { server, request, info } = context;
    const query = new URLSearchParams(request.query);
    await admitConnect(server, { info, path: request.path, query, user: request.user });
    throw new StatusError(upgradeRequired());
  }
  throw new StatusError(methodNotAllowed());
}

function servePart(context: ResourceContext, part: Part): Promise<ServerResponse> {
  switch (context.verb) {
    case 'get':
      return get(context);
    case 'update':
      return update(context, part);
    case 'patch':
      return patch(context, part);
    default:
      throw new StatusError(methodNotAllowed());
  }
}

function isPod(resource: Resource): boolean {
  return resource.group === '' && resource.plural === pods.plural;
}

/** Kinds that are asked but not stored. */
async function serveUnstored(
  server: ServerContext,
  request: ApiRequest,
  info: ResourceRequestInfo,
): Promise<ServerResponse> {
  const { group, version, plural } = info;
  const found = reviewKinds.find((kind) => kind.group === group && kind.version === version && kind.plural === plural);
  if (found !== undefined && info.name === undefined) {
    if (request.method !== 'POST') throw new StatusError(methodNotAllowed());
    if (found.namespaced !== (info.namespace !== undefined)) throw new StatusError(noSuchPath());
    return review(server, found, request, info.namespace);
  }
  const used = usageKinds.find((kind) => kind.group === group && kind.version === version && kind.plural === plural);
  if (used !== undefined && info.subresource === undefined) return usage(server, used, request, info);
  if (isBindings(info)) return bindNamed(server, request, info);
  throw new StatusError(noSuchPath());
}
