import { createHash, X509Certificate } from 'node:crypto';
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { text as readText } from 'node:stream/consumers';
import test from 'node:test';
import { Http2Client } from '../testing/https-client.ts';
import { ListeningServer, PROTOCOLS } from '../testing/listening-server.ts';
import { TestAuthority } from '../testing/test-authority.ts';

const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';

for (const protocol of PROTOCOLS) {
  test(`${protocol}: objects come as JSON, pretty for people`, async () => {
    await using server = await ListeningServer.start();
    await using client = server.client(protocol);
    const body = JSON.stringify({ metadata: { name: 'a' } });
    const created = await client.send({ method: 'POST', path: CONFIG_MAPS, body });
    assert.equal(created.status, 201);
    assert.equal(created.headers['content-type'], 'application/json');
    const plain = await client.send({ path: `${CONFIG_MAPS}/a` });
    assert.match(plain.text, /^\{"kind":"ConfigMap","apiVersion":"v1","metadata":\{"resourceVersion":"\d+",.*\}\n$/);
    const pretty = await client.send({ path: `${CONFIG_MAPS}/a?pretty` });
    assert.match(pretty.text, /^\{\n  "kind": "ConfigMap",\n/);
    const yaml = await client.send({ path: `${CONFIG_MAPS}/a`, headers: { accept: 'application/yaml' } });
    assert.match(yaml.text, /^kind: ConfigMap\n/m);
    const curl = await client.send({ path: `${CONFIG_MAPS}/a`, headers: { 'user-agent': 'curl/8.0' } });
    assert.equal(curl.text, pretty.text);
    const head = await client.send({ method: 'HEAD', path: `${CONFIG_MAPS}/a` });
    assert.deepEqual([head.status, head.text], [200, '']);
  });

  test(`${protocol}: warnings travel as headers`, async () => {
    await using server = await ListeningServer.start();
    await using client = server.client(protocol);
    const body = JSON.stringify({ metadata: { name: 'a' }, 'f"oo': 1 });
    const { headers } = await client.send({ method: 'POST', path: CONFIG_MAPS, body });
    assert.equal(headers['warning'], '299 - "unknown field \\"f\\\\\\"oo\\""');
  });

  test(`${protocol}: a body of more than 3 MiB is refused`, async () => {
    await using server = await ListeningServer.start();
    await using client = server.client(protocol);
    const body = Buffer.alloc(3 * 1024 * 1024 + 1, 'x');
    const { status, text } = await client.send({ method: 'POST', path: CONFIG_MAPS, body });
    assert.deepEqual(
      [status, text],
      [
        413,
        '{"apiVersion":"v1","kind":"Status","metadata":{},"status":"Failure","message":"Request entity too large: limit is 3145728","reason":"RequestEntityTooLarge","code":413}\n',
      ],
    );
  });

  test(`${protocol}: a watch streams lines, and ends when the server closes`, async () => {
    const server = await ListeningServer.start();
    await using client = server.client(protocol);
    const { body } = await client.open({ path: `${CONFIG_MAPS}?watch=1` });
    await server.test.post(CONFIG_MAPS, { metadata: { name: 'a' } });
    await server.test.post(CONFIG_MAPS, { metadata: { name: 'b' } });
    const [text] = await Promise.all([readText(body), server[Symbol.asyncDispose]()]);
    const names = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).object.metadata.name);
    assert.deepEqual(names, ['a', 'b']);
  });

  test(`${protocol}: who asks`, async () => {
    await using server = await ListeningServer.start();
    const user = await server.authority.issue('CN=jane, O=dev, O=ops');
    const stranger = await (await TestAuthority.create()).issue('CN=admin, O=system:masters');
    const path = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
    const extras: unknown[] = [];
    const whoami = async (
      certificate: typeof user | undefined,
      headers: Record<string, string> = {},
    ): Promise<unknown> => {
      await using client = server.client(protocol, { ...server.options(), certificate });
      const { status, text } = await client.send({ method: 'POST', path, body: '{}', headers });
      const body = JSON.parse(text);
      extras.push(body.status?.userInfo?.extra);
      return status === 201 ? [body.status.userInfo.username, body.status.userInfo.groups] : [status, body.message];
    };
    assert.deepEqual(await whoami(user), ['jane', ['dev', 'ops', 'system:authenticated']]);
    const print = createHash('sha256').update(new X509Certificate(user.cert).raw).digest('hex');
    assert.deepEqual(extras.at(-1), { 'authentication.kubernetes.io/credential-id': [`X509SHA256=${print}`] });
    assert.deepEqual(await whoami(undefined), [
      403,
      'selfsubjectreviews.authentication.k8s.io is forbidden: User "system:anonymous" cannot create resource "selfsubjectreviews" in API group "authentication.k8s.io" at the cluster scope',
    ]);
    assert.deepEqual(await whoami(stranger), [401, 'Unauthorized']);
    assert.deepEqual(await whoami(undefined, { authorization: 'Bearer x.y.z' }), [401, 'Unauthorized']);
    const tokens = '/api/v1/namespaces/default/serviceaccounts/default/token';
    const granted = await server.test.post(tokens, {});
    const token = granted.kind === 'object' ? (granted.body as { status: { token: string } }).status.token : '';
    assert.deepEqual(await whoami(undefined, { authorization: `Bearer ${token}` }), [
      'system:serviceaccount:default:default',
      ['system:serviceaccounts', 'system:serviceaccounts:default', 'system:authenticated'],
    ]);
    const as = { 'impersonate-user': 'system:serviceaccount:a:b' };
    assert.deepEqual(await whoami(server.admin, as), [
      'system:serviceaccount:a:b',
      ['system:serviceaccounts', 'system:serviceaccounts:a', 'system:authenticated'],
    ]);
  });

  test(`${protocol}: health and version need no login`, async () => {
    await using server = await ListeningServer.start();
    await using client = server.client(protocol, { ...server.options(), certificate: undefined });
    for (const path of ['/healthz', '/livez', '/readyz']) {
      const { status, text } = await client.send({ path });
      assert.deepEqual([status, text], [200, 'ok'], path);
    }
    const verbose = await client.send({ path: '/readyz?verbose' });
    assert.equal(verbose.text, '[+]ping ok\n[+]etcd ok\n[+]informer-sync ok\nreadyz check passed\n');
    assert.equal(JSON.parse((await client.send({ path: '/version' })).text).gitVersion, 'v1.34.2');
    assert.equal((await client.send({ path: '/readyz/ping' })).status, 403);
    assert.equal(
      (await client.send({ path: '/api' })).text,
      '{"apiVersion":"v1","kind":"Status","metadata":{},"status":"Failure","message":"forbidden: User \\"system:anonymous\\" cannot get path \\"/api\\"","reason":"Forbidden","details":{},"code":403}\n',
    );
  });

  test(`${protocol}: what has not changed is not sent again`, async () => {
    await using server = await ListeningServer.start();
    await using client = server.client(protocol);
    const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
    for (const path of ['/apis', '/openapi/v3']) {
      const first = await client.send({ path, headers: { accept } });
      const etag = String(first.headers['etag']);
      const second = await client.send({ path, headers: { accept, 'if-none-match': etag } });
      assert.deepEqual([first.status, second.status, second.text], [200, 304, ''], path);
    }
  });
}

test('a connection that says nothing, or nonsense, does not keep the server from closing', async () => {
  const server = await ListeningServer.start();
  const silent = connect(server.port, '127.0.0.1');
  const noisy = connect(server.port, '127.0.0.1');
  for (const socket of [silent, noisy]) {
    socket.on('error', () => {});
    await new Promise((resolve) => socket.once('connect', resolve));
  }
  noisy.write('GET / HTTP/1.1\r\n\r\n');
  const { session } = new Http2Client(server.options());
  await new Promise((resolve) => session.once('connect', resolve));
  await server[Symbol.asyncDispose]();
});

test('a watch that nobody reads is held back, not buffered without end', async () => {
  await using server = await ListeningServer.start();
  await using client = new Http2Client(server.options());
  const { body } = await client.open({ path: `${CONFIG_MAPS}?watch=1` });
  const data = { big: 'x'.repeat(100_000) };
  for (let i = 0; i < 50; i++) await server.test.post(CONFIG_MAPS, { metadata: { name: `a${i}` }, data });
  // More than fits the windows is waiting by now; all of it comes when the reader goes on.
  let text = '';
  for await (const chunk of body as AsyncIterable<Buffer>) {
    text += chunk.toString();
    if (text.split('\n').length > 50) break;
  }
  assert.equal(text.trimEnd().split('\n').length, 50);
});
