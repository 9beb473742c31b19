import assert from 'node:assert/strict';
import { createServer, type IncomingMessage } from 'node:http';
import { connect } from 'node:tls';
import { type Duplex, duplexPair } from 'node:stream';
import test from 'node:test';
import { ListeningServer, PROTOCOLS } from './testing/listening-server.ts';
import { outcome, show, TestServer } from './testing/test-server.ts';

const PODS = '/api/v1/namespaces/default/pods';

/** A node that answers logs with the path that was asked, and echoes on upgraded connections. */
function fakeNode(): { dial: (name: string) => Promise<Duplex>; seen: string[] } {
  const seen: string[] = [];
  const http = createServer((request, response) => {
    seen.push(`${request.method} ${request.url}`);
    if (request.url?.includes('/waiting')) {
      response.writeHead(400);
      response.end('container "waiting" in pod "two" is waiting to start: ContainerCreating\n');
    } else {
      response.writeHead(200, { 'content-type': 'text/plain' });
      response.write('first\n');
      response.end('second\n');
    }
  });
  http.on('upgrade', (request: IncomingMessage, socket) => {
    seen.push(`${request.method} ${request.url} ${request.headers.upgrade} ${request.headers.authorization ?? '-'}`);
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: test\r\n\r\n');
    socket.pipe(socket);
  });
  return {
    seen,
    async dial(name) {
      if (name !== 'n1') throw new Error(`no route to ${name}`);
      const [ours, theirs] = duplexPair();
      http.emit('connection', theirs);
      return ours;
    },
  };
}

async function withPods(server: TestServer): Promise<void> {
  const pod = (name: string, nodeName: string | undefined, ...containers: string[]): Promise<unknown> =>
    server.post(PODS, {
      metadata: { name },
      spec: { nodeName, containers: containers.map((container) => ({ name: container, image: 'host' })) },
    });
  await pod('one', 'n1', 'c');
  await pod('two', 'n1', 'web', 'waiting');
  await pod('lost', 'n2', 'c');
  await pod('pending', undefined, 'c');
}

const logs = [
  { path: 'one/log', answer: '200 text/plain first\nsecond\n', seen: 'GET /containerLogs/default/one/c' },
  {
    path: 'two/log?container=web&follow=true&tailLines=3&timestamps=true&sinceSeconds=5',
    answer: '200 text/plain first\nsecond\n',
    seen: 'GET /containerLogs/default/two/web?follow=true&timestamps=true&sinceSeconds=5&tailLines=3',
  },
  { path: 'pending/log', answer: '204 text/plain ' },
];

const refusals = [
  {
    path: 'two/log',
    answer: '400 BadRequest: a container name must be specified for pod two, choose one of: [web waiting]',
  },
  { path: 'one/log?container=x', answer: '400 BadRequest: container x is not valid for pod one' },
  {
    path: 'two/log?container=waiting',
    answer: '400 BadRequest: container "waiting" in pod "two" is waiting to start: ContainerCreating',
  },
  { path: 'gone/log', answer: '404 NotFound: pods "gone" not found' },
  {
    path: 'lost/log',
    answer: '500 InternalError: Internal error occurred: error dialing backend: no route to n2',
  },
  {
    path: 'one/log?tailLines=-1',
    answer:
      '422 Invalid: PodLogOptions "one" is invalid: tailLines: Invalid value: -1: must be greater than or equal to 0',
  },
  { path: 'one/exec?command=ls', answer: '400 BadRequest: Upgrade request required' },
];

test('logs come from the node of the Pod', async (t) => {
  const node = fakeNode();
  await using server = await TestServer.start({ dialNode: node.dial });
  await withPods(server);
  for (const { path, answer, seen } of logs) {
    await t.test(path, async () => {
      assert.equal(show(await server.get(`${PODS}/${path}`)), answer);
      if (seen !== undefined) assert.equal(node.seen.at(-1), seen);
    });
  }
  for (const { path, answer } of refusals) {
    await t.test(path, async () => assert.equal(outcome(await server.get(`${PODS}/${path}`)), answer));
  }
});

for (const protocol of PROTOCOLS) {
  test(`${protocol}: logs are streamed`, async () => {
    const node = fakeNode();
    await using server = await ListeningServer.start({ dialNode: node.dial });
    await withPods(server.test);
    await using client = server.client(protocol);
    const { status, text, headers } = await client.send({ path: `${PODS}/one/log` });
    assert.deepEqual([status, text, headers['content-type']], [200, 'first\nsecond\n', 'text/plain']);
  });
}

/** Sends an upgrade by hand and returns all that comes back until the connection ends or `until` is seen. */
async function upgrade(
  server: ListeningServer,
  request: string,
  until: string,
  withCertificate = true,
): Promise<string> {
  const certificate = withCertificate ? server.admin : {};
  const options = { host: '127.0.0.1', port: server.port, ca: server.authority.cert, ALPNProtocols: ['http/1.1'] };
  const socket = connect({ ...options, ...certificate });
  await new Promise((resolve, reject) => {
    socket.once('secureConnect', resolve);
    socket.once('error', reject);
  });
  socket.write(request);
  let text = '';
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    text += chunk.toString();
    if (until !== '' && text.includes(until)) break;
  }
  socket.destroy();
  return text;
}

const UPGRADE = 'Host: x\r\nConnection: Upgrade\r\nUpgrade: test\r\nAuthorization: secret\r\n';

test('exec, attach and port-forward are passed on byte for byte', async (t) => {
  const node = fakeNode();
  await using server = await ListeningServer.start({ dialNode: node.dial });
  await withPods(server.test);
  const cases = [
    {
      method: 'POST',
      path: 'one/exec?command=sh&command=-c&command=a%20b&stdin=true&stdout=true&tty=true&stderr=false',
      seen: 'POST /exec/default/one/c?input=1&output=1&tty=1&command=sh&command=-c&command=a+b test -',
    },
    { method: 'GET', path: 'two/attach?container=web&stdout=1', seen: 'GET /attach/default/two/web?output=1 test -' },
    { method: 'GET', path: 'one/portforward?ports=80', seen: 'GET /portForward/default/one?port=80 test -' },
  ];
  for (const { method, path, seen } of cases) {
    await t.test(path, async () => {
      const text = await upgrade(server, `${method} ${PODS}/${path} HTTP/1.1\r\n${UPGRADE}\r\n\x00ping\xff`, 'ping');
      assert.match(text, /^HTTP\/1\.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: test\r\n\r\n\0ping/);
      assert.equal(node.seen.at(-1), seen);
    });
  }
});

test('an upgrade is refused as a request is', async (t) => {
  const node = fakeNode();
  await using server = await ListeningServer.start({ dialNode: node.dial });
  await withPods(server.test);
  const cases = [
    { path: `${PODS}/pending/exec?command=ls`, answer: '400 pod pending does not have a host assigned' },
    {
      path: `${PODS}/two/exec?command=ls`,
      answer: '400 a container name must be specified for pod two, choose one of: [web waiting]',
    },
    { path: `${PODS}/gone/attach`, answer: '404 pods "gone" not found' },
    {
      path: `${PODS}/lost/exec?command=ls`,
      answer: '500 Internal error occurred: error dialing backend: no route to n2',
    },
    { path: '/api/v1/namespaces/default/configmaps', answer: '400 Upgrade request required' },
  ];
  for (const { path, answer } of cases) {
    await t.test(path, async () => {
      const text = await upgrade(server, `GET ${path} HTTP/1.1\r\n${UPGRADE.replace(/Auth.*\r\n/, '')}\r\n`, '');
      const { code, message } = JSON.parse(text.split('\r\n\r\n')[1] ?? '') as { code: number; message: string };
      assert.equal(`${code} ${message}`, answer);
    });
  }
  await t.test('without credentials', async () => {
    const request = `GET ${PODS}/one/exec HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: test\r\n\r\n`;
    assert.match(await upgrade(server, request, '', false), /^HTTP\/1\.1 403 Forbidden\r\n/);
  });
});

test('a client of this process reads what a node says of itself', async () => {
  const node = fakeNode();
  await using server = await TestServer.start({ dialNode: node.dial });
  const answer = await server.get('/api/v1/nodes/n1/proxy/stats/summary?only_cpu=true');
  assert.equal(show(answer), '200 text/plain first\nsecond\n');
  assert.deepEqual(node.seen, ['GET /stats/summary?only_cpu=true']);
});
