/** As much of an API server as DNS needs: lists and watches of objects that a test or a bench holds in its hands. */
import { createServer, type ServerResponse } from 'node:http';
import { once } from 'node:events';

interface Metadata {
  readonly name: string;
  readonly namespace?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

export interface StaticApi extends AsyncDisposable {
  readonly url: string;
  /** Tells all watches of a resource. */
  change(plural: string, type: 'ADDED' | 'MODIFIED' | 'DELETED', object: object): void;
  /** The same with events that are bytes already. */
  send(plural: string, events: Uint8Array): void;
}

interface StaticObject {
  readonly metadata: Metadata;
  readonly status?: object | undefined;
}

type Objects = Readonly<Record<string, readonly StaticObject[]>>;

const KINDS: Readonly<Record<string, string>> = {
  namespaces: 'NamespaceList',
  services: 'ServiceList',
  endpointslices: 'EndpointSliceList',
  pods: 'PodList',
};

/** By plural. Lists come in pages where they are asked for so. Selectors are `key`, `key=value` or `key in (a,b)`. */
export async function staticApi(objects: Objects): Promise<StaticApi> {
  const watches = new Map<string, Set<ServerResponse>>();
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://api');
    const plural = url.pathname.split('/').at(-1) ?? '';
    response.setHeader('content-type', 'application/json');
    if (!Object.hasOwn(KINDS, plural)) {
      response.statusCode = 404;
      response.end(JSON.stringify({ kind: 'Status', apiVersion: 'v1', status: 'Failure', code: 404, metadata: {} }));
      return;
    }
    if (url.searchParams.has('watch')) {
      const open = watches.get(plural) ?? new Set();
      watches.set(plural, open.add(response));
      response.on('close', () => open.delete(response));
      response.flushHeaders();
      return;
    }
    response.end(JSON.stringify(listOf(objects, plural, url.searchParams)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const send = (plural: string, events: Uint8Array): void => {
    for (const response of watches.get(plural) ?? []) response.write(events);
  };
  return {
    url: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
    change(plural, type, object) {
      send(plural, Buffer.from(`${JSON.stringify({ type, object })}\n`));
    },
    send,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function listOf(objects: Objects, plural: string, query: URLSearchParams): object {
  const items = (objects[plural] ?? []).filter((object) => {
    return selects(query.get('labelSelector'), object.metadata) && hasPhase(query.get('fieldSelector'), object);
  });
  const limit = Number(query.get('limit') ?? 0) || items.length;
  const start = Number(query.get('continue') ?? 0);
  const next = start + limit < items.length ? { continue: `${start + limit}` } : {};
  return {
    kind: KINDS[plural],
    apiVersion: plural === 'endpointslices' ? 'discovery.k8s.io/v1' : 'v1',
    metadata: { resourceVersion: '1', ...next },
    items: items.slice(start, start + limit),
  };
}

/** `status.phase!=A,status.phase!=B` is all that anybody asks for. */
function hasPhase(selector: string | null, { status }: StaticObject): boolean {
  const phase = status !== undefined && 'phase' in status ? String(status.phase) : '';
  return selector?.split(',').includes(`status.phase!=${phase}`) !== true;
}

function selects(selector: string | null, { labels }: Metadata): boolean {
  if (selector === null || selector === '') return true;
  const [, key = '', list] = /^(\S+) in \((.*)\)$/.exec(selector) ?? [];
  if (list !== undefined) return list.split(',').includes(labels?.[key] ?? '');
  const [name = '', value] = selector.split('=');
  return value === undefined ? labels?.[name] !== undefined : labels?.[name] === value;
}
