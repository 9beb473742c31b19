import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { duplexPair, type Duplex } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import test from 'node:test';
import { connect, createServer as createTlsServer } from 'node:tls';
import { runSession, type Step } from '../testing/kubectl-session.ts';
import { installedKubectls } from '../testing/kubectl.ts';
import { ListeningServer, PROTOCOLS } from '../testing/listening-server.ts';
import type { TestServer } from '../testing/test-server.ts';

const DEFAULT = '/api/v1/namespaces/default';

/** Backends of Pods and of a node: they tell what they were asked, and where. */
class FakeNetwork {
  readonly #http = createServer((request, response) => {
    void buffer(request).then((body) => {
      if (request.url === '/moved') response.writeHead(302, { location: `http://${request.headers.host}/to?x=1` });
      else response.writeHead(200, { 'content-type': 'text/plain', 'x-backend': 'yes' });
      const { host, authorization = '-' } = request.headers;
      response.end(`${request.method} ${request.url} host=${host} auth=${authorization} body=${body.toString()}\n`);
    });
  });
  readonly #tls;

  constructor(tls: { readonly cert: string; readonly key: string }) {
    this.#http.on('upgrade', (request, socket) => {
      socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: test\r\n\r\n${request.url}\n`);
      socket.pipe(socket);
    });
    this.#tls = createTlsServer(tls, (socket) => this.#http.emit('connection', socket));
  }

  readonly dialPod = async (address: string, port: number): Promise<Duplex> => {
    if (port === 9) throw new Error(`connect ECONNREFUSED ${address}:${port}`);
    const [ours, theirs] = duplexPair();
    if (port === 443) this.#tls.emit('connection', theirs);
    else this.#http.emit('connection', theirs);
    return ours;
  };

  readonly dialNode = async (): Promise<Duplex> => this.dialPod('', 0);
}

async function withBackends(server: TestServer): Promise<void> {
  const ports = [{ containerPort: 8080 }];
  await server.post(`${DEFAULT}/pods`, {
    metadata: { name: 'web' },
    spec: { nodeName: 'n1', containers: [{ name: 'c', image: 'host', ports }] },
  });
  await server.patch(`${DEFAULT}/pods/web/status`, 'merge', {
    status: { podIP: '10.244.0.5', podIPs: [{ ip: '10.244.0.5' }] },
  });
  await server.post(`${DEFAULT}/pods`, {
    metadata: { name: 'new' },
    spec: { containers: [{ name: 'c', image: 'host' }] },
  });
  const service = (name: string, ...names: readonly [string, number, number][]): Promise<unknown> =>
    server.post(`${DEFAULT}/services`, {
      metadata: { name },
      spec: { ports: names.map(([name, port]) => ({ name, port })) },
    });
  const slice = (name: string, ...names: readonly [string, number, number][]): Promise<unknown> =>
    server.post('/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', {
      metadata: { name: `${name}-1`, labels: { 'kubernetes.io/service-name': name } },
      addressType: 'IPv4',
      endpoints: [{ addresses: ['10.244.0.6'] }, { addresses: ['10.244.0.7'], conditions: { ready: false } }],
      ports: names.map(([name, , port]) => ({ name, port })),
    });
  await service('one', ['', 80, 8081]);
  await slice('one', ['', 80, 8081]);
  await service('many', ['http', 80, 8082], ['tls', 8443, 443]);
  await slice('many', ['http', 80, 8082], ['tls', 8443, 443]);
  await service('empty', ['', 80, 80]);
  await server.post('/api/v1/nodes', { metadata: { name: 'n1' } });
}

const reached = [
  ['GET', 'pods/web/proxy/', 'GET / host=10.244.0.5:8080'],
  ['GET', 'pods/web:81/proxy/a//b%2Fc/?x=1&x=%20', 'GET /a//b%2Fc/?x=1&x=%20 host=10.244.0.5:81'],
  ['GET', 'pods/https:web:443/proxy/x', 'GET /x host=10.244.0.5:443'],
  ['GET', 'services/one/proxy/', 'GET / host=10.244.0.6:8081'],
  ['GET', 'services/one:80/proxy/', 'GET / host=10.244.0.6:8081'],
  ['GET', 'services/many:http/proxy/', 'GET / host=10.244.0.6:8082'],
  ['GET', 'services/https:many:8443/proxy/', 'GET / host=10.244.0.6:443'],
  ['GET', 'services/https:many:tls/proxy/', 'GET / host=10.244.0.6:443'],
  ['POST', 'services/one/proxy', 'POST / host=10.244.0.6:8081'],
  ['PUT', 'pods/web/proxy/put', 'PUT /put host=10.244.0.5:8080'],
  ['PATCH', 'pods/web/proxy/patch', 'PATCH /patch host=10.244.0.5:8080'],
  ['DELETE', 'pods/web/proxy/delete', 'DELETE /delete host=10.244.0.5:8080'],
  ['OPTIONS', 'pods/web/proxy/options', 'OPTIONS /options host=10.244.0.5:8080'],
] as const;

const refused = [
  ['pods/gone/proxy/', '404 pods "gone" not found'],
  ['pods/new/proxy/', '400 address not allowed'],
  ['pods/web:9/proxy/', '503 error trying to reach service: connect ECONNREFUSED 10.244.0.5:9'],
  ['services/gone/proxy/', '404 services "gone" not found'],
  ['services/empty/proxy/', '503 no endpoints available for service "empty"'],
  ['services/many/proxy/', '503 no endpoints available for service "many"'],
  ['services/many:81/proxy/', '503 no service port 81 found for service "many"'],
] as const;

for (const protocol of PROTOCOLS) {
  test(`${protocol}: /proxy`, async (t) => {
    const authority = await ListeningServer.start();
    const network = new FakeNetwork(authority.admin);
    await authority[Symbol.asyncDispose]();
    await using server = await ListeningServer.start({ dialPod: network.dialPod, dialNode: network.dialNode });
    await withBackends(server.test);
    await using client = server.client(protocol);
    // The one client sends no body of a DELETE without its size, the other one does.
    const sized: Record<string, string> = protocol === 'h2' ? {} : { 'content-length': '5' };
    for (const [method, path, answer] of reached) {
      await t.test(`${method} ${path}`, async () => {
        const body = method === 'GET' || method === 'OPTIONS' ? undefined : 'hello';
        const request = { method, path: `${DEFAULT}/${path}`, headers: { authorization: 'Bearer mine' } };
        const { status, text, headers } = await client.send(
          body === undefined ? request : { ...request, body, headers: { ...request.headers, ...sized } },
        );
        assert.deepEqual([status, text, headers['x-backend']], [200, `${answer} auth=- body=${body ?? ''}\n`, 'yes']);
      });
    }
    for (const [path, answer] of refused) {
      await t.test(path, async () => {
        const { status, text } = await client.send({ path: `${DEFAULT}/${path}` });
        assert.equal(`${status} ${JSON.parse(text).message}`, answer);
      });
    }
    await t.test('the server of a node', async () => {
      assert.match((await client.send({ path: '/api/v1/nodes/n1/proxy/healthz' })).text, /^GET \/healthz host=n1 /);
    });
    await t.test('HEAD, and redirects', async () => {
      const head = await client.send({ method: 'HEAD', path: `${DEFAULT}/pods/web/proxy/x` });
      assert.deepEqual([head.status, head.text, head.headers['x-backend']], [200, '', 'yes']);
      const slash = await client.send({ path: `${DEFAULT}/pods/web/proxy?a=b` });
      assert.deepEqual([slash.status, slash.headers['location']], [301, `${DEFAULT}/pods/web/proxy/?a=b`]);
      const moved = await client.send({ path: `${DEFAULT}/pods/web/proxy/moved` });
      assert.deepEqual([moved.status, moved.headers['location']], [302, `${DEFAULT}/pods/web/proxy/to?x=1`]);
    });
  });
}

test('/proxy: connections that become something else', async () => {
  const keys = await ListeningServer.start();
  const network = new FakeNetwork(keys.admin);
  await keys[Symbol.asyncDispose]();
  await using server = await ListeningServer.start({ dialPod: network.dialPod });
  await withBackends(server.test);
  const { port, admin, authority } = server;
  const socket = connect({ host: '127.0.0.1', port, ca: authority.cert, ALPNProtocols: ['http/1.1'], ...admin });
  await once(socket, 'secureConnect');
  socket.write(
    `GET ${DEFAULT}/services/one/proxy/ws?a=1 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: test\r\n\r\nping`,
  );
  let text = '';
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    text += chunk.toString();
    if (text.endsWith('ping')) break;
  }
  assert.equal(text, 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: test\r\n\r\n/ws?a=1\nping');
});

const steps: readonly Step[] = [
  { args: `get --raw ${DEFAULT}/services/one:80/proxy/hello`, text: 'GET /hello host=10.244.0.6:8081 auth=- body=\n' },
  { args: `get --raw ${DEFAULT}/pods/web/proxy/`, text: 'GET / host=10.244.0.5:8080 auth=- body=\n' },
  {
    args: `create --raw ${DEFAULT}/services/one/proxy/x -f -`,
    input: 'data',
    text: 'POST /x host=10.244.0.6:8081 auth=- body=data\n',
  },
  {
    args: `get --raw ${DEFAULT}/services/empty/proxy/`,
    code: 1,
    text: 'Error from server (ServiceUnavailable): no endpoints available for service "empty"\n',
  },
];

for (const binary of installedKubectls()) {
  test(`/proxy by ${binary}`, async (t) => {
    const keys = await ListeningServer.start();
    const network = new FakeNetwork(keys.admin);
    await keys[Symbol.asyncDispose]();
    await using server = await ListeningServer.start({ dialPod: network.dialPod });
    await withBackends(server.test);
    await runSession(t, { binary, server, steps });
  });
}
