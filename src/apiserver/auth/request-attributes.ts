import type { ApiRequest } from '#api/request.ts';
import { verbOf, type RequestInfo, type ResourceRequestInfo } from '../request-info.ts';
import type { Attributes } from './authorize.ts';

type Asked = Pick<ApiRequest, 'method' | 'path' | 'query'>;

/** What a request wants, in the words of authorization. */
export function attributesOf(request: Asked, info: RequestInfo): Attributes {
  if (info.kind === 'path') return { kind: 'path', verb: request.method.toLowerCase(), path: request.path };
  const { group, version, plural, subresource } = info;
  const verb = verbOf(request.method, info, request.query) ?? request.method.toLowerCase();
  // A Namespace is in itself: a Role in it may allow to read it.
  const namespace = info.namespace ?? (plural === 'namespaces' ? info.name : undefined);
  const name = info.name ?? selectedName(verb, info, request.query);
  return { kind: 'resource', verb, group, version, resource: plural, subresource, namespace, name };
}

/** A list or watch of one object by its name is allowed to who may see that one. */
function selectedName(verb: string, info: ResourceRequestInfo, query: Asked['query']): string | undefined {
  if ((verb !== 'list' && verb !== 'watch') || info.subresource !== undefined) return undefined;
  return /(?:^|,)metadata\.name==?([^,]+)(?:,|$)/.exec(query['fieldSelector'] ?? '')?.[1];
}
