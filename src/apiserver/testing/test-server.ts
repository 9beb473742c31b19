import { ManualClock, type Clock } from '#base/clock.ts';
import { parseCidr, type Cidr } from '#base/cidr.ts';
import { silentLog } from '#base/log.ts';
import type { ApiRequest, ApiResponse, WatchFrame } from '#api/request.ts';
import { MemoryStore } from '#store/memory-store.ts';
import type { Store } from '#store/store.ts';
import { createApiServer, type ApiServer, type ApiServerOptions } from '../api-server.ts';
import { newTokenKey } from './test-authority.ts';

const admin = { username: 'admin', groups: ['system:masters', 'system:authenticated'] } as const;

/** One key for all tests of a process: making one takes longer than most tests. */
const tokenKey = newTokenKey();

export function cidrs(...texts: readonly string[]): readonly Cidr[] {
  return texts.map((text) => {
    const cidr = parseCidr(text);
    if (cidr === undefined) throw new RangeError(`Cannot parse ${JSON.stringify(text)}`);
    return cidr;
  });
}

export type TestRequest = Partial<ApiRequest> & { readonly path: string };

/** A server in memory with the namespace `default` and its service account, asked in process. */
export class TestServer implements AsyncDisposable {
  readonly server: ApiServer;
  readonly clock: Clock;

  private constructor(server: ApiServer, clock: Clock) {
    this.server = server;
    this.clock = clock;
  }

  static async start(options: Partial<ApiServerOptions> & { readonly store?: Store } = {}): Promise<TestServer> {
    const test = TestServer.bare(options);
    await test.server.ready;
    await test.post('/api/v1/namespaces', { metadata: { name: 'default' } });
    await test.post('/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } });
    return test;
  }

  static bare(options: Partial<ApiServerOptions> = {}): TestServer {
    const clock = options.clock ?? new ManualClock();
    const server = createApiServer({
      store: new MemoryStore(),
      // What it writes would move every revision; the tests of it say so.
      keepRanges: false,
      log: silentLog,
      serviceCidrs: cidrs('10.96.0.0/24'),
      serviceAccountKey: tokenKey,
      clientCa: '',
      tls: { cert: '', key: '' },
      // Tests count revisions; those of roles ask for them.
      defaultPolicy: false,
      ...options,
      clock,
    });
    return new TestServer(server, clock);
  }

  send(request: TestRequest): Promise<ApiResponse> {
    const [path = '', search = ''] = request.path.split('?');
    const query = { ...Object.fromEntries(new URLSearchParams(search)), ...request.query };
    return this.server.handle({ method: 'GET', user: admin, ...request, path, query });
  }

  get(path: string): Promise<ApiResponse> {
    return this.send({ path });
  }

  post(path: string, body: unknown): Promise<ApiResponse> {
    return this.send({ method: 'POST', path, body });
  }

  put(path: string, body: unknown): Promise<ApiResponse> {
    return this.send({ method: 'PUT', path, body });
  }

  apply(
    path: string,
    manager: string,
    body: unknown,
    query: Readonly<Record<string, string>> = {},
  ): Promise<ApiResponse> {
    const all = { fieldManager: manager, ...query };
    return this.send({ method: 'PATCH', path, body, query: all, contentType: 'application/apply-patch+yaml' });
  }

  patch(path: string, kind: 'json' | 'merge' | 'strategic-merge', body: unknown): Promise<ApiResponse> {
    return this.send({ method: 'PATCH', path, body, contentType: `application/${kind}-patch+json` });
  }

  delete(path: string, body?: unknown): Promise<ApiResponse> {
    return this.send({ method: 'DELETE', path, body });
  }

  /** A watch that a test reads line by line; dispose it to hang up. */
  async watch(path: string, request: Partial<ApiRequest> = {}): Promise<TestWatch> {
    const abort = new AbortController();
    const response = await this.send({ ...request, path, signal: abort.signal });
    if (response.kind !== 'watch') throw new TypeError(`not a watch: ${show(response)}`);
    return new TestWatch(response.frames[Symbol.asyncIterator](), abort);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.close();
  }
}

export class TestWatch implements AsyncDisposable {
  readonly #frames: AsyncIterator<WatchFrame>;
  readonly #abort: AbortController;

  constructor(frames: AsyncIterator<WatchFrame>, abort: AbortController) {
    this.#frames = frames;
    this.#abort = abort;
  }

  /** The next events as `ADDED default/a 7`; ends early when the watch does. */
  async next(count: number): Promise<string[]> {
    return (await this.frames(count)).map(({ event }) => {
      if (event.type === 'ERROR')
        return `ERROR ${event.object.code} ${event.object.reason ?? ''}: ${event.object.message ?? ''}`;
      const { namespace, name, resourceVersion, annotations } = event.object.metadata;
      const end = annotations?.['k8s.io/initial-events-end'] === undefined ? '' : ' initial-events-end';
      const key = [namespace, name].filter((part) => part !== undefined).join('/');
      return `${event.type} ${key === '' ? '' : `${key} `}${resourceVersion}${end}`;
    });
  }

  async frames(count: number): Promise<WatchFrame[]> {
    const frames: WatchFrame[] = [];
    while (frames.length < count) {
      const next = await this.#frames.next();
      if (next.done === true) break;
      frames.push(next.value);
    }
    return frames;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    await this.#frames.return?.();
  }
}

/** The body of an answer, for tests that go on with a part of it. */
export function bodyOf<T = Record<string, never>>(response: ApiResponse): T {
  if (response.kind !== 'object') throw new TypeError(`not an object: ${response.kind}`);
  return JSON.parse(response.text ?? JSON.stringify(response.body)) as T;
}

/** An answer as one line: the status, warnings, and the body with uids that differ from run to run as `uid`. */
export function show(response: ApiResponse): string {
  switch (response.kind) {
    case 'watch':
      return '200 watch';
    case 'text':
      return `${response.status} ${response.contentType} ${typeof response.body === 'string' ? response.body : Buffer.from(response.body).toString()}`;
    case 'object': {
      const warnings = (response.warnings ?? []).map((text) => ` warning: ${text}`).join('');
      return `${response.status}${warnings} ${plain(withoutManagedFields(response.text ?? JSON.stringify(response.body)))}`;
    }
  }
}

/** Who owns which field is the subject of few tests, and long. */
export function withoutManagedFields(text: string): string {
  return JSON.stringify(JSON.parse(text, (key, value: unknown) => (key === 'managedFields' ? undefined : value)));
}

const UID = /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/g;

export function plain(text: string): string {
  return text.replaceAll(UID, 'uid').replaceAll(/(?<=kube-api-access-)[a-z0-9]{5}/g, 'xxxxx');
}

/** A refusal as `404 NotFound: services "x" not found`, anything else as its status. */
export function outcome(response: ApiResponse): string {
  if (response.kind !== 'object' || response.status < 300) return String(response.status);
  const { reason, message } = response.body as { readonly reason?: string; readonly message?: string };
  return `${response.status} ${reason ?? '-'}: ${message ?? ''}`;
}
