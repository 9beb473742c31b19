import type { KubeObject, NewObject, ObjectList, WatchEvent } from '#api/object.ts';
import { apiVersionOf, type Resource, resourcePath } from '#api/resource.ts';
import {
  ApiError,
  type Client,
  type DeleteCollectionOptions,
  type DeleteOptions,
  type ListOptions,
  type ObjectRef,
  type Patch,
  type RawRequest,
  type StreamedListOptions,
  type WatchOptions,
  type WriteOptions,
} from './client.ts';
import { apiErrorOf, type ListReader, type Transport, type TransportRequest } from './transport.ts';

const PATCH_TYPES: Readonly<Record<Patch['kind'], string>> = {
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  json: 'application/json-patch+json',
  // JSON is YAML.
  apply: 'application/apply-patch+yaml',
};

/** The one implementation of `Client`, over any transport. */
export function createClient(transport: Transport): Client {
  const send = async <R>(request: TransportRequest): Promise<R> => {
    const { status, body, retryAfterSeconds } = await transport.request(request);
    if (status >= 400) throw apiErrorOf(status, body, retryAfterSeconds);
    return body as R;
  };
  return {
    get: (resource, ref, options) =>
      send({ method: 'GET', path: resourcePath(resource, ref), signal: options?.signal }),
    list: (resource, options = {}) => send(listRequest(resource, options)),
    streamList: async <T extends KubeObject>(resource: Resource<T>, options: StreamedListOptions<T>) => {
      const { onVersion, onItem } = options;
      const onHead = ({ metadata }: { readonly metadata?: { readonly resourceVersion?: string } }): void => {
        if (metadata?.resourceVersion !== undefined) onVersion?.(metadata.resourceVersion);
      };
      const items = { onHead, onItem } as ListReader;
      const list = await send<ObjectList<T>>({ ...listRequest(resource, options), items });
      if (list.items.length > 0) onHead(list);
      for (const item of list.items) onItem(item);
      return { ...list, items: [] };
    },
    create: (resource, object, options = {}) => send(createRequest(resource, object, options)),
    update: (resource, object, options = {}) => send(updateRequest(resource, object, options)),
    patch: (resource, ref, patch, options = {}) => send(patchRequest(resource, ref, patch, options)),
    delete: (resource, ref, options = {}) => send(deleteRequest(resource, ref, options)),
    deleteCollection: async (resource, options) => {
      await send(deleteCollectionRequest(resource, options));
    },
    raw: (request: RawRequest) => send(request),
    watch: (resource, options) => watchEvents(transport, resource, options),
  };
}

/** Query parameters without those that are undefined. */
function queryOf(values: Readonly<Record<string, string | number | boolean | undefined>>): Record<string, string> {
  const query: Record<string, string> = {};
  for (const [key, value] of Object.entries(values)) if (value !== undefined) query[key] = String(value);
  return query;
}

function selection(options: Pick<ListOptions, 'labelSelector' | 'fieldSelector' | 'resourceVersion'>) {
  const { labelSelector, fieldSelector, resourceVersion } = options;
  return { labelSelector, fieldSelector, resourceVersion };
}

function listRequest(resource: Resource, options: ListOptions): TransportRequest {
  return {
    method: 'GET',
    path: resourcePath(resource, { namespace: options.namespace }),
    query: queryOf({ ...selection(options), limit: options.limit, continue: options.continue }),
    signal: options.signal,
  };
}

function writeQuery(options: WriteOptions): Record<string, string> {
  return queryOf({
    fieldManager: options.fieldManager,
    dryRun: options.dryRun === true ? 'All' : undefined,
    force: options.force,
  });
}

/** Callers may leave out what the resource says already. */
function typed(resource: Resource, object: object): object {
  return { apiVersion: apiVersionOf(resource), kind: resource.kind, ...object };
}

function createRequest<T extends KubeObject>(
  resource: Resource<T>,
  object: NewObject<T>,
  options: WriteOptions,
): TransportRequest {
  const { namespace, name } = object.metadata;
  const at = options.subresource === undefined ? { namespace } : { namespace, name, subresource: options.subresource };
  return {
    method: 'POST',
    path: resourcePath(resource, at),
    query: writeQuery(options),
    contentType: 'application/json',
    body: typed(resource, object),
    signal: options.signal,
  };
}

function updateRequest(resource: Resource, object: KubeObject, options: WriteOptions): TransportRequest {
  const { namespace, name } = object.metadata;
  return {
    method: 'PUT',
    path: resourcePath(resource, { namespace, name, subresource: options.subresource }),
    query: writeQuery(options),
    contentType: 'application/json',
    body: typed(resource, object),
    signal: options.signal,
  };
}

function patchRequest(resource: Resource, ref: ObjectRef, patch: Patch, options: WriteOptions): TransportRequest {
  return {
    method: 'PATCH',
    path: resourcePath(resource, { ...ref, subresource: options.subresource }),
    query: writeQuery(options),
    contentType: PATCH_TYPES[patch.kind],
    body: patch.body,
    signal: options.signal,
  };
}

function deleteBody(options: DeleteOptions | DeleteCollectionOptions): object {
  const { gracePeriodSeconds, propagationPolicy } = options;
  const preconditions = 'preconditions' in options ? options.preconditions : undefined;
  return {
    apiVersion: 'v1',
    kind: 'DeleteOptions',
    ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
    ...(propagationPolicy === undefined ? {} : { propagationPolicy }),
    ...(preconditions === undefined ? {} : { preconditions }),
  };
}

function deleteRequest(resource: Resource, ref: ObjectRef, options: DeleteOptions): TransportRequest {
  return {
    method: 'DELETE',
    path: resourcePath(resource, ref),
    contentType: 'application/json',
    body: deleteBody(options),
    signal: options.signal,
  };
}

function deleteCollectionRequest(resource: Resource, options: DeleteCollectionOptions): TransportRequest {
  return {
    ...listRequest(resource, options),
    method: 'DELETE',
    contentType: 'application/json',
    body: deleteBody(options),
  };
}

async function* watchEvents<T extends KubeObject>(
  transport: Transport,
  resource: Resource<T>,
  options: WatchOptions,
): AsyncGenerator<WatchEvent<T>> {
  const request: TransportRequest = {
    method: 'GET',
    path: resourcePath(resource, { namespace: options.namespace }),
    query: queryOf({ watch: true, ...selection(options), allowWatchBookmarks: options.allowBookmarks }),
  };
  for await (const event of transport.watch(request, options.signal)) {
    if (event.type === 'ERROR') throw new ApiError(event.object);
    yield event as WatchEvent<T>;
  }
}
