/** What a request asks for, read off its path and method: upstream calls the same thing RequestInfo. */
export interface ResourceRequestInfo {
  readonly kind: 'resource';
  readonly group: string;
  readonly version: string;
  /** Undefined for cluster-wide resources and for "all namespaces". */
  readonly namespace: string | undefined;
  readonly plural: string;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
  /** What follows the subresource, for `/proxy/any/path`. */
  readonly rest: string;
  /** The old `/api/v1/watch/...` form. */
  readonly watchPrefix: boolean;
}

export interface PathRequestInfo {
  readonly kind: 'path';
  readonly path: string;
}

export type RequestInfo = ResourceRequestInfo | PathRequestInfo;

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/**
 * `/api/v1/namespaces/x/pods/y/status` and `/apis/apps/v1/...` are resources; everything else, discovery included, is a
 * plain path.
 */
export function parseRequestPath(path: string): RequestInfo {
  const segments = path.split('/').filter((segment) => segment !== '');
  const prefix = segments[0] === 'api' ? 2 : segments[0] === 'apis' ? 3 : 0;
  if (prefix === 0 || segments.length <= prefix) return { kind: 'path', path };
  const group = prefix === 2 ? '' : decodeSegment(segments[1] ?? '');
  const version = decodeSegment(segments[prefix - 1] ?? '');
  return { kind: 'resource', group, version, ...parseResource(segments.slice(prefix).map(decodeSegment)) };
}

/** `namespaces/x` alone is the Namespace x itself, and so are its `status` and `finalize`. */
function parseResource(segments: readonly string[]): Omit<ResourceRequestInfo, 'kind' | 'group' | 'version'> {
  const watchPrefix = segments[0] === 'watch' && segments.length > 1;
  let parts = watchPrefix ? segments.slice(1) : segments;
  let namespace: string | undefined;
  const isNamespaceItself = parts.length <= 2 || (parts.length === 3 && NAMESPACE_SUBRESOURCES.has(parts[2] ?? ''));
  if (parts[0] === 'namespaces' && !isNamespaceItself) {
    namespace = parts[1];
    parts = parts.slice(2);
  }
  const [plural = '', name, subresource, ...rest] = parts;
  return { namespace, plural, name, subresource, rest: rest.join('/'), watchPrefix };
}

const NAMESPACE_SUBRESOURCES: ReadonlySet<string> = new Set(['status', 'finalize']);

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection';

/** The verb of a request on a resource, as authorization and discovery name it; undefined for a method of no use there. */
export function verbOf(
  method: string,
  info: ResourceRequestInfo,
  query: Readonly<Record<string, string>>,
): Verb | undefined {
  const watching = info.watchPrefix || isTrue(query['watch']);
  switch (method) {
    case 'GET':
    case 'HEAD':
      if (info.subresource !== undefined) return 'get';
      if (info.name !== undefined && !info.watchPrefix) return 'get';
      return watching ? 'watch' : 'list';
    case 'POST':
      return 'create';
    case 'PUT':
      return 'update';
    case 'PATCH':
      return 'patch';
    case 'DELETE':
      return info.name === undefined ? 'deletecollection' : 'delete';
    default:
      return undefined;
  }
}

/** Query booleans: present without a value counts as true; `0` and `false` are false. */
export function isTrue(value: string | undefined): boolean {
  return value !== undefined && value !== '0' && value.toLowerCase() !== 'false';
}
