/** `/proxy` of Pods, Services and nodes, through `kubectl proxy` to real Pods: what Kubernetes' conformance tests ask of it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import type { Duplex } from 'node:stream';
import test from 'node:test';
import { TestAuthority } from '../src/apiserver/testing/test-authority.ts';
import { KubectlProxy } from './testing/kubectl-proxy.ts';
import { modes } from './testing/mode.ts';
import { TestCluster } from './testing/test-cluster.ts';

/** Says what it was asked, on several ports; a page with a link; an upgrade to an echo; TLS on two more. */
const PORTER = `
import http.server, os, ssl, threading
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def answer(self):
        if self.headers.get("Upgrade") == "echo":
            self.send_response(101)
            self.send_header("Connection", "Upgrade")
            self.send_header("Upgrade", "echo")
            self.end_headers()
            self.close_connection = True
            self.wfile.write(self.rfile.read(4)[::-1])
            return
        port = self.server.server_port
        body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
        html = port == 1080
        text = '<a href="/rewriteme">test</a>' if html else f"{port} {self.command} {self.path} {body}"
        self.send_response(200)
        self.send_header("Content-Type", "text/html" if html else "text/plain")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD": self.wfile.write(text.encode())
    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer
    def log_message(self, *args): pass
def serve(port, tls):
    server = http.server.ThreadingHTTPServer(("", port), Handler)
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain("/tls/cert", "/tls/key")
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever).start()
for port in (1080, 160, 162): serve(port, False)
for port in (443, 460): serve(port, True)
serve(99, False)
`;

async function porter(): Promise<readonly object[]> {
  const { cert, key } = await (await TestAuthority.create()).issue('CN=porter');
  const selector = { app: 'porter' };
  return [
    { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'tls' }, stringData: { cert, key } },
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'porter', labels: selector },
      spec: {
        containers: [
          {
            name: 'porter',
            image: 'host',
            command: ['python3', '-c', PORTER],
            ports: [
              { name: 'dest1', containerPort: 1080 },
              { name: 'dest2', containerPort: 162 },
            ],
            readinessProbe: { tcpSocket: { port: 99 }, periodSeconds: 1 },
            volumeMounts: [{ name: 'tls', mountPath: '/tls' }],
          },
        ],
        volumes: [{ name: 'tls', secret: { secretName: 'tls' } }],
      },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'porter' },
      spec: {
        selector,
        ports: [
          { name: 'portname1', port: 80, targetPort: 160 },
          { name: 'portname2', port: 81, targetPort: 'dest2' },
          { name: 'tlsportname1', port: 443, targetPort: 460 },
        ],
      },
    },
  ];
}

const DEFAULT = '/api/v1/namespaces/default';

const answers = [
  ['services/porter:portname1/proxy/', '160 GET / '],
  ['services/http:porter:portname1/proxy/', '160 GET / '],
  ['services/porter:80/proxy/a/b?c=d%20e', '160 GET /a/b?c=d%20e '],
  ['services/porter:portname2/proxy/', '162 GET / '],
  ['services/porter:81/proxy/', '162 GET / '],
  ['services/https:porter:tlsportname1/proxy/', '460 GET / '],
  ['services/https:porter:443/proxy/', '460 GET / '],
  ['pods/porter/proxy/', `<a href="${DEFAULT}/pods/porter/proxy/rewriteme">test</a>`],
  ['pods/porter:1080/proxy/', `<a href="${DEFAULT}/pods/porter:1080/proxy/rewriteme">test</a>`],
  ['pods/http:porter:1080/proxy/', `<a href="${DEFAULT}/pods/http:porter:1080/proxy/rewriteme">test</a>`],
  ['pods/porter:160/proxy/', '160 GET / '],
  ['pods/http:porter:162/proxy/', '162 GET / '],
  ['pods/https:porter:443/proxy/', '443 GET / '],
  ['pods/https:porter:460/proxy/', '460 GET / '],
] as const;

function upgrade(url: string): Promise<Duplex> {
  const request = httpRequest(url, { headers: { connection: 'Upgrade', upgrade: 'echo' } });
  request.end();
  return new Promise((resolve, reject) => {
    request.on('upgrade', (_response, socket, head) => {
      if (head.length > 0) socket.unshift(head);
      resolve(socket);
    });
    request.on('response', (response) => reject(new Error(`answered ${response.statusCode}`)));
    request.on('error', reject);
  });
}

for (const { mode, skip } of modes()) {
  test(`/proxy, as ${mode}`, { skip, timeout: 120_000 }, async (t) => {
    await using cluster = await TestCluster.start({ mode });
    for (const object of await porter()) await cluster.apply(JSON.stringify(object));
    await cluster.kubectl('wait', '--for=condition=Ready', 'pod/porter', '--timeout=60s');
    await cluster.kubectl(
      'wait',
      '--for=jsonpath={.endpoints[0].conditions.ready}=true',
      'endpointslice',
      '-l',
      'kubernetes.io/service-name=porter',
      '--timeout=60s',
    );
    await using proxy = await KubectlProxy.start(cluster);
    const at = (path: string): string => `${proxy.url}${DEFAULT}/${path}`;

    for (const [path, expected] of answers) {
      await t.test(path, async () => {
        const answer = await fetch(at(path));
        assert.deepEqual([answer.status, await answer.text()], [200, expected]);
      });
    }

    await t.test('every verb, with a body', async () => {
      for (const where of ['pods/porter:160', 'services/porter:80']) {
        for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
          const answer = await fetch(at(`${where}/proxy/some/path`), { method, body: `by ${method}` });
          assert.equal(await answer.text(), `160 ${method} /some/path by ${method}`);
        }
        const head = await fetch(at(`${where}/proxy/x`), { method: 'HEAD' });
        assert.deepEqual([head.status, head.headers.get('content-length')], [200, '12']);
        for (const method of ['GET', 'HEAD']) {
          const answer = await fetch(at(`${where}/proxy?a=b`), { method, redirect: 'manual' });
          assert.deepEqual([answer.status, answer.headers.get('location')], [301, `${DEFAULT}/${where}/proxy/?a=b`]);
        }
      }
    });

    await t.test('a connection that becomes something else', async () => {
      for (const path of ['pods/porter:160', 'pods/https:porter:443', 'services/porter:80']) {
        const socket = await upgrade(at(`${path}/proxy/`));
        socket.write('lleh');
        const [reversed] = (await once(socket, 'data')) as [Buffer];
        assert.equal(reversed.toString(), 'hell');
        socket.destroy();
      }
    });

    await t.test('refusals', async () => {
      const refusal = async (path: string): Promise<string> => {
        const answer = await fetch(`${proxy.url}${path}`);
        const { reason, message } = (await answer.json()) as { reason: string; message: string };
        return `${answer.status} ${reason}: ${message}`;
      };
      const podIp = await cluster.jsonpath('{.status.podIP}', 'pod', 'porter');
      assert.equal(
        await refusal(`${DEFAULT}/pods/porter:7/proxy/`),
        `503 ServiceUnavailable: error trying to reach service: dial tcp ${podIp}:7: connect: connection refused`,
      );
      assert.equal(
        await refusal(`${DEFAULT}/services/porter/proxy/`),
        '503 ServiceUnavailable: no endpoints available for service "porter"',
      );
      assert.equal(await refusal(`${DEFAULT}/pods/nobody/proxy/`), '404 NotFound: pods "nobody" not found');
    });

    await t.test('the server of a node', async () => {
      const [node = ''] = (await cluster.jsonpath('{.items[*].metadata.name}', 'nodes')).split(' ');
      for (const name of [node, `${node}:10250`]) {
        const answer = await fetch(`${proxy.url}/api/v1/nodes/${name}/proxy/healthz`);
        assert.equal(await answer.text(), 'ok');
      }
      const pods = await fetch(`${proxy.url}/api/v1/nodes/${node}/proxy/pods`);
      const { kind, items } = (await pods.json()) as { kind: string; items: { metadata: { name: string } }[] };
      assert.deepEqual([kind, items.map(({ metadata }) => metadata.name)], ['PodList', ['porter']]);
    });
  });
}
