import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { after, test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { buildImage, digestOf, OCI_MANIFEST, type TestImage, type TestLayer } from '../testing/test-image.ts';
import { type ImageSources, ImageStore, type PullOptions } from './image-store-agent.ts';

/** A registry that can be told to misbehave, which a real one cannot. */
class LooseRegistry implements AsyncDisposable {
  readonly requests: string[] = [];
  readonly #image: TestImage;
  readonly #server: Server;
  /** Bytes of each answer to a blob that are sent before the connection is cut; undefined: all. */
  cutAfter: number | undefined;
  /** How many blobs were being sent at once, at most. */
  parallel = 0;
  #sending = 0;

  constructor(image: TestImage) {
    this.#image = image;
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #answer({ url = '', headers }: IncomingMessage, response: ServerResponse): Promise<void> {
    this.requests.push(
      `${url.replace(/sha256:(\w{6})\w+/, '$1')}${headers.range === undefined ? '' : ` ${headers.range}`}`,
    );
    const manifest = /\/manifests\//.test(url);
    const blob = this.#image.blobs.get(manifest ? this.#image.manifest : (url.split('/').pop() ?? ''));
    if (blob === undefined) return void response.writeHead(404).end();
    if (manifest) return void response.writeHead(200, { 'content-type': OCI_MANIFEST }).end(blob);
    const offset = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0);
    const rest = blob.subarray(offset);
    response.writeHead(offset > 0 ? 206 : 200, { 'content-length': rest.length });
    this.parallel = Math.max(this.parallel, ++this.#sending);
    response.once('close', () => this.#sending--);
    const { cutAfter } = this;
    if (cutAfter !== undefined && rest.length > cutAfter) {
      response.write(rest.subarray(0, cutAfter), () => response.socket?.end());
      return;
    }
    // In two pieces, so that others get their turn in between.
    response.write(rest.subarray(0, 1));
    await systemClock.sleep(50);
    response.end(rest.subarray(1));
  }
}

const directory = mkdtempSync(`${tmpdir()}/clusterip-pull-`);
after(() => rmSync(directory, { recursive: true, force: true }));
let stores = 0;
const newStore = (sources: ImageSources = {}): ImageStore =>
  new ImageStore(`${directory}/${++stores}`, systemClock, sources);
const options = (more: Partial<PullOptions> = {}): PullOptions => ({
  credentials: [],
  signal: new AbortController().signal,
  ...more,
});
const layers = (count: number, size: number): TestImage =>
  buildImage({
    layers: Array.from({ length: count }, (_, i) => ({
      compression: 'none' as const,
      files: [{ path: `file-${i}`, data: Buffer.alloc(size, i + 1) }],
    })),
  });

test('a pull that is cut off goes on where it was, and says how far it is', async () => {
  await using registry = new LooseRegistry(layers(1, 30_000));
  registry.cutAfter = 12_000;
  const host = await registry.listen();
  const seen: string[] = [];
  const record = await newStore().pull(
    `${host}/app`,
    options({ onProgress: (done, total) => seen.push(`${done}/${total}`) }),
  );
  assert.equal(seen.at(-1), `${record.bytes}/${record.bytes}`);
  const blobs = registry.requests.filter((line) => line.includes('bytes='));
  // An end of the connection may overtake what was sent before it; then that part is asked for once more.
  assert.deepEqual([...new Set(blobs.map((line) => line.split(' ')[1]))], ['bytes=12000-', 'bytes=24000-']);
});

test('layers come in parallel, and two who want the same image pull it once', async () => {
  await using registry = new LooseRegistry(layers(5, 3000));
  const host = await registry.listen();
  const store = newStore();
  await Promise.all([store.pull(`${host}/app`, options()), store.pull(`${host}/app`, options())]);
  assert.equal(registry.parallel, 3);
  assert.equal(registry.requests.filter((line) => line.includes('/blobs/')).length, 6);
});

test('who gives up a pull does not take it from others that wait for it, nor for a layer of it', async () => {
  const image = layers(2, 30_000);
  await using registry = new LooseRegistry(image);
  const host = await registry.listen();
  const store = newStore();
  const abort = new AbortController();
  const first = store.pull(`${host}/app`, options({ signal: abort.signal, onProgress: () => abort.abort() }));
  const same = store.pull(`${host}/app`, options());
  const other = store.pull(`${host}/other`, options());
  await assert.rejects(first, { name: 'AbortError' });
  assert.deepEqual([(await same).name, (await other).name], [`${host}/app:latest`, `${host}/other:latest`]);
});

test('a pull that nobody waits for any more ends, and the next one begins anew', async () => {
  await using registry = new LooseRegistry(layers(1, 30_000));
  const host = await registry.listen();
  const store = newStore();
  const abort = new AbortController();
  const given = store.pull(`${host}/app`, options({ signal: abort.signal, onProgress: () => abort.abort() }));
  await assert.rejects(given, { name: 'AbortError' });
  assert.equal(store.find(`${host}/app`), undefined);
  assert.equal((await store.pull(`${host}/app`, options())).name, `${host}/app:latest`);
});

for (const diffId of ['sha256:../../../../etc', `sha256:${'a'.repeat(60)},lowerdir=/`, 'sha256:', 'md5:abc']) {
  test(`an image whose layer is ${JSON.stringify(diffId)} is none`, async () => {
    await using registry = new LooseRegistry(buildImage({ layers: [{ files: [] }], diffIds: [diffId] }));
    const store = newStore();
    await assert.rejects(store.pull(`${await registry.listen()}/app`, options()), {
      message: `unsupported digest in the image configuration: ${JSON.stringify(diffId)}`,
    });
    assert.deepEqual(store.list(), []);
  });
}

test('mirrors are asked before the registry, and what they do not have or cannot say is asked further on', async () => {
  const image = layers(1, 100);
  await using mirror = new LooseRegistry(image);
  await using empty = new LooseRegistry(layers(0, 0));
  const [full, none] = [await mirror.listen(), await empty.listen()];
  const urls = ['http://127.0.0.1:1', `http://${full}/`];
  const record = await newStore({ mirrors: { 'registry.invalid': urls } }).pull(
    'registry.invalid/some/app:v1',
    options(),
  );
  assert.equal(record.name, 'registry.invalid/some/app:v1');
  assert.equal(mirror.requests[0], '/v2/some/app/manifests/v1');
  // The registry has the last word, and is the one that is complained about.
  await assert.rejects(
    newStore({ mirrors: { [none]: ['http://127.0.0.1:1'] } }).pull(`${none}/app@sha256:${'0'.repeat(64)}`, options()),
    { message: /digest does not match/ },
  );
});

test('images that nobody uses go while another is pulled, but for the layers that it has of them', async () => {
  const layer = (n: number): TestLayer => ({
    compression: 'none',
    files: [{ path: `file-${n}`, data: Buffer.alloc(3000, n) }],
  });
  const before = buildImage({ layers: [layer(1), layer(2)] });
  const next = buildImage({ layers: [layer(1), layer(3)] });
  await using first = new LooseRegistry(before);
  await using second = new LooseRegistry(next);
  const store = newStore();
  const { name } = await store.pull(`${await first.listen()}/before`, options());
  let removed: readonly string[] | undefined;
  const onProgress = (): void => void (removed ??= store.relieve({ isEnough: () => false, minimumAgeMs: 0 }));
  await store.pull(`${await second.listen()}/next`, options({ onProgress }));
  assert.deepEqual(removed, [name]);
  const has = ({ plainLayers }: TestImage): readonly boolean[] =>
    plainLayers.map((plain) => store.layers.has(digestOf(plain)));
  assert.deepEqual(
    [has(before), has(next)],
    [
      [true, false],
      [true, true],
    ],
  );
});

test('a store that cannot be written to says so, and nothing is left of the image', async () => {
  await using registry = new LooseRegistry(layers(1, 3000));
  const host = await registry.listen();
  const store = newStore();
  rmSync(`${directory}/${stores}/downloads`, { recursive: true });
  await assert.rejects(store.pull(`${host}/app`, options()), { message: /ENOENT/ });
  assert.deepEqual(readdirSync(`${directory}/${stores}/layers`), []);
});

test('registries behind a proxy: plain ones by it, encrypted ones through it', async () => {
  await using registry = new LooseRegistry(layers(1, 100));
  const host = await registry.listen();
  const seen: string[] = [];
  const proxy = createServer((request, response) => {
    seen.push(`${request.method} ${request.url} ${request.headers['proxy-authorization'] ?? ''}`);
    // What a proxy does: the same request to the server, whoever that is.
    const url = new URL(request.url ?? '');
    const to = connect(Number(host.split(':')[1]), '127.0.0.1');
    to.write(`GET ${url.pathname} HTTP/1.1\r\nhost: ${url.host}\r\nconnection: close\r\n\r\n`);
    to.on('error', () => response.destroy());
    to.pipe(response.socket ?? to);
  });
  proxy.on('connect', (request, socket) => {
    seen.push(`${request.method} ${request.url}`);
    socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const address = `127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const { HTTP_PROXY: before, HTTPS_PROXY: beforeSecure } = process.env;
  process.env['HTTP_PROXY'] = `http://me:pw@${address}`;
  process.env['HTTPS_PROXY'] = address;
  try {
    const store = newStore({ mirrors: { 'plain.invalid': ['http://plain.invalid:5000'] } });
    await store.pull('plain.invalid/app:v1', options());
    assert.equal(seen[0], 'GET http://plain.invalid:5000/v2/app/manifests/v1 Basic bWU6cHc=');
    await assert.rejects(newStore().pull('secure.invalid/app:v1', options()), {
      message: `Get "https://secure.invalid/v2/app/manifests/v1": proxy ${address}: 403 Forbidden`,
    });
    assert.equal(seen.at(-1), 'CONNECT secure.invalid:443');
  } finally {
    restore('HTTP_PROXY', before);
    restore('HTTPS_PROXY', beforeSecure);
    proxy.closeAllConnections();
    proxy.close();
  }
});

function restore(name: string, value: string | undefined): void {
  if (value === undefined) delete process.env[name];
  else process.env[name] = value;
}
