import assert from 'node:assert/strict';
import { createServer, type IncomingMessage } from 'node:http';
import net, { type AddressInfo, type Socket } from 'node:net';
import { test } from 'node:test';
import { TestAuthority } from '#apiserver/testing/test-authority.ts';
import { configMaps } from '#api/resource.ts';
import { createClient } from '#client/api-client.ts';
import { httpsTransport } from '#client/https-transport.ts';
import type { Connection } from '#client/kubeconfig.ts';
import { ScriptedServer } from '#client/testing/scripted-server.ts';

test('lists and watches go through the proxy, and TLS is with the server', async (t) => {
  const authority = await TestAuthority.create();
  const tls = { ...(await authority.issue('CN=kube-apiserver')), ca: authority.cert, requestCert: true };
  await using server = await ScriptedServer.start(undefined, { ...tls, rejectUnauthorized: true });
  server.list('configmaps', '5');
  const tunnels: string[] = [];
  const proxy = createServer();
  proxy.on('connect', (request: IncomingMessage, client: Socket) => {
    tunnels.push(`${request.url} ${request.headers['proxy-authorization']}`);
    const upstream = net.connect(server.port, '127.0.0.1', () => client.write('HTTP/1.1 200 OK\r\n\r\n'));
    upstream.pipe(client).pipe(upstream);
    for (const socket of [client, upstream]) socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => void proxy.listen(0, '127.0.0.1', resolve));
  t.after(() => proxy.close());
  const { port } = proxy.address() as AddressInfo;
  const connection: Connection = {
    // No name server knows it: who looks it up is the proxy.
    server: `https://api.invalid:6443`,
    ca: authority.cert,
    ...(await authority.issue('CN=proxy')),
    tlsServerName: 'localhost',
    proxyUrl: `http://user:secret@127.0.0.1:${port}`,
    insecureSkipTlsVerify: false,
    namespace: 'default',
  };
  using transport = httpsTransport(connection);
  const client = createClient(transport);
  assert.equal((await client.list(configMaps, {})).items.length, 0);
  const authorization = Buffer.from('user:secret').toString('base64');
  assert.deepEqual(tunnels, [`api.invalid:6443 Basic ${authorization}`]);
  proxy.closeAllConnections();
});
