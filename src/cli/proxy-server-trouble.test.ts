/** `clusterip proxy` beside an API server over HTTPS that lies, fails, hangs and changes its certificates: what the kernel has. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import type { KubeObject, WatchEvent } from '#api/object.ts';
import { TestAuthority } from '#apiserver/testing/test-authority.ts';
import { type ScriptedAnswer, ScriptedServer } from '#client/testing/scripted-server.ts';
import { isolateTestFile } from '#netlink/isolated-test.ts';
import { inNetns, settleInOwnNetns } from '#netlink/namespace.ts';
import { NftablesSocket } from '#nftables/nftables-socket.ts';
import { skipReason } from '#proxy/testing/mode.ts';
import { askTcp, NODE_ADDRESS } from '#proxy/testing/network.ts';
import { service, slice } from '#proxy/testing/objects.ts';
import { ProxyNode, until, type RunningProxy } from './testing/proxy-node.ts';

isolateTestFile();
settleInOwnNetns();

const CLIENT = '10.244.0.10';
const PODS = ['10.244.0.11', '10.244.0.12', '10.244.0.13'] as const;
const VIP = '10.96.0.50';
const READY = 'rules follow the cluster';
const SERVICES = 'services';
const SLICES = 'endpointslices';

function at<T extends KubeObject>(resourceVersion: number, object: T): T {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(resourceVersion) } };
}

function web(version: number, name: string = 'web', address: string = VIP): KubeObject {
  return at(version, service(name, address, [{ port: 80 }]));
}

function endpoints(version: number, pod: string, of: string = 'web'): KubeObject {
  return at(version, slice(of, [pod], [{ port: 8080 }]));
}

function event(type: WatchEvent['type'], object: object): WatchEvent {
  return { type, object } as WatchEvent;
}

interface Fixture extends AsyncDisposable {
  readonly node: ProxyNode;
  readonly server: ScriptedServer;
  readonly authority: TestAuthority;
  readonly proxy: RunningProxy;
  /** Which Pod answers at an address of a Service, asked from another Pod. */
  readonly answers: (address?: string) => Promise<string>;
  /** Files of the kubeconfig, which may be replaced. */
  readonly writeFiles: (authority: TestAuthority) => Promise<void>;
}

/** A node whose proxy follows one Service, of which the first Pod is the endpoint. */
async function start(mode: 'nftables' | 'iptables'): Promise<Fixture> {
  await using stack = new AsyncDisposableStack();
  const node = stack.use(await ProxyNode.create());
  const client = node.network.addPod(CLIENT);
  for (const pod of PODS) await node.network.serveTcp(pod, 8080);
  const authority = await TestAuthority.create();
  const file = (name: string): string => join(node.home.path, name);
  const writeFiles = async (by: TestAuthority): Promise<void> => {
    const { cert, key } = await by.issue('CN=proxy');
    for (const [name, text] of Object.entries({ 'ca.crt': by.cert, 'client.crt': cert, 'client.key': key })) {
      writeFileSync(file(name), text);
    }
  };
  await writeFiles(authority);
  const server = stack.use(await ScriptedServer.start(node.listenTarget(), await tlsOf(authority)));
  const status = { addresses: [{ type: 'InternalIP', address: NODE_ADDRESS }] };
  server.list('nodes', '1', {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'a', resourceVersion: '1' },
    spec: {},
    status,
  } as never);
  server.list(SERVICES, '5', web(5));
  server.list(SLICES, '6', endpoints(6, PODS[0]));
  const kubeconfig = node.writeKubeconfig(
    { 'certificate-authority': file('ca.crt') },
    { 'client-certificate': file('client.crt'), 'client-key': file('client.key') },
  );
  const proxy = node.proxy('--kubeconfig', kubeconfig, '--node-name=a', '-v=4', '--mode', mode);
  await until('ready', () => proxy.stderr().includes(READY));
  await until('watched', () => [SERVICES, SLICES, 'nodes', 'servicecidrs'].every((one) => server.watches(one) === 1));
  await until('told that it runs', () => server.requests.includes('post events'));
  const answers = async (address: string = VIP): Promise<string> =>
    (await askTcp(client, address, 80)).split(' ')[0] ?? '';
  assert.equal(await answers(), PODS[0]);
  const kept = stack.move();
  return { node, server, authority, proxy, answers, writeFiles, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** Only who has a certificate of the authority is let in. */
async function tlsOf(authority: TestAuthority): Promise<object> {
  return {
    ...(await authority.issue('CN=kube-apiserver')),
    ca: authority.cert,
    requestCert: true,
    rejectUnauthorized: true,
  };
}

/** How many changes are in the rules; NaN while some are on their way. */
async function programmed({ node }: Fixture, what: 'service' | 'endpoint'): Promise<number> {
  const metrics = await node.get(10_249, '/metrics');
  const value = (name: string): number =>
    Number(new RegExp(`_${what}_changes_${name} (\\d+)$`, 'm').exec(metrics)?.[1]);
  return value('pending') === 0 ? value('total') : Number.NaN;
}

/** What the log says that cannot be. */
function lies({ proxy }: Fixture): readonly string[] {
  const field = (line: string, name: string): string => new RegExp(` ${name}=("[^"]*"|\\S+)`).exec(line)?.[1] ?? '';
  return proxy
    .stderr()
    .split('\n')
    .filter((line) => line.includes('says what cannot be'))
    .map((line) => ['resource', 'name', 'because'].map((name) => field(line, name).replaceAll('"', '')).join(' '));
}

for (const mode of ['nftables', 'iptables'] as const) {
  test(
    `mode ${mode}: rules follow what is true of what a server says that lies about order`,
    { skip: skipReason(mode) },
    async () => {
      await using f = await start(mode);
      const { server, answers } = f;
      server.send(SLICES, event('MODIFIED', endpoints(9, PODS[1])));
      await until('the second', async () => (await answers()) === PODS[1]);
      // Older, the same again, of objects that nobody has seen, and a bookmark from before: then one that is true.
      server.send(
        SLICES,
        event('MODIFIED', endpoints(6, PODS[0])),
        event('ADDED', endpoints(9, PODS[0])),
        event('BOOKMARK', at(3, endpoints(3, ''))),
      );
      server.send(
        SLICES,
        event('DELETED', endpoints(10, PODS[0], 'never')),
        event('ADDED', endpoints(12, PODS[2], 'late')),
      );
      server.send(
        SERVICES,
        event('DELETED', web(3)),
        event('DELETED', web(11, 'never', '10.96.0.60')),
        event('MODIFIED', web(13, 'late', '10.96.0.51')),
      );
      // An address that nobody has would keep who asks in mode iptables.
      await until(
        'what is new is programmed',
        async () => (await programmed(f, 'service')) === 2 && (await programmed(f, 'endpoint')) === 3,
      );
      assert.equal(await answers('10.96.0.51'), PODS[2]);
      assert.equal(await answers(), PODS[1]);
      // A replica that is behind lists what was there at first; the truth comes at the third attempt.
      let lists = 0;
      server.list(SLICES, '6', endpoints(6, PODS[0]));
      server.intercept = ({ line }) => {
        if (line.startsWith(`list ${SLICES}`) && ++lists === 3) {
          const nobody = { metadata: { resourceVersion: '20' } } as KubeObject;
          server.list(SLICES, '20', nobody, endpoints(20, PODS[2]), endpoints(12, PODS[2], 'late'));
        }
        return undefined;
      };
      server.end(SLICES);
      await until('the truth', async () => (await answers()) === PODS[2]);
      assert.equal(lists, 3);
      assert.equal(await answers('10.96.0.51'), PODS[2]);
      assert.deepEqual([...lies(f)].sort(), [
        'endpointslices bookmark out of order',
        'endpointslices default/never-1 DELETED without ADDED',
        'endpointslices default/web-1 ADDED is old',
        'endpointslices default/web-1 MODIFIED is old',
        'endpointslices item without a name',
        'endpointslices list listed as it was before',
        'services default/late MODIFIED without ADDED',
        'services default/never DELETED without ADDED',
        'services default/web DELETED is old',
      ]);
      assert.equal(f.proxy.child.exitCode, null);
    },
  );
}

const gone: ScriptedAnswer = {
  status: 410,
  body: { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' },
};
const busy: ScriptedAnswer = { status: 429, headers: { 'Retry-After': '1' }, body: 'Too many requests' };
const failing: ScriptedAnswer = { status: 500, body: 'etcdserver: request timed out' };

/** What is done to the connection, what the next requests get, and the requests that follow. */
const troubles: readonly (readonly [
  string,
  (server: ScriptedServer) => void,
  readonly ScriptedAnswer[],
  readonly string[],
])[] = [
  ['watches end', (server) => server.end(SLICES), [], ['watch']],
  ['watches are cut', (server) => server.cut(SLICES), [], ['watch']],
  [
    'a line is cut in the middle',
    (server) => {
      server.sendText(SLICES, JSON.stringify(event('MODIFIED', endpoints(99, PODS[2]))).slice(0, 200));
      server.end(SLICES);
    },
    [],
    ['watch'],
  ],
  ['the server is busy', (server) => server.end(SLICES), [busy, busy], ['watch', 'watch', 'watch']],
  [
    'the server fails',
    (server) => server.cut(SLICES),
    [failing, failing, failing],
    ['watch', 'watch', 'watch', 'watch'],
  ],
  ['history is gone', (server) => server.end(SLICES), [gone], ['watch', 'list', 'watch']],
  [
    'history is gone in the stream',
    (server) => server.send(SLICES, event('ERROR', gone.body as object)),
    [],
    ['list', 'watch'],
  ],
];

test('whatever ails the server, the kernel is left alone until there is news, and no news is lost', async () => {
  await using f = await start('nftables');
  const { server, node, answers } = f;
  using socket = inNetns(node.network.node, () => NftablesSocket.open());
  let version = 100;
  for (const [name, trouble, refusals, requests] of troubles) {
    const rest = [...refusals];
    server.intercept = ({ line }) => (line.startsWith(`watch ${SLICES}`) ? rest.shift() : undefined);
    const pod = PODS[version % 2] ?? '';
    server.list(SLICES, String(version), endpoints(version - 1, pod));
    server.send(
      SLICES,
      event('MODIFIED', endpoints(version - 1, pod)),
      event('BOOKMARK', at(version, endpoints(0, ''))),
    );
    await until(`${name}: begun`, async () => (await answers()) === pod);
    const ofSlices = (): readonly string[] => server.requests.filter((line) => line.includes(SLICES));
    const before = ofSlices().length;
    const generation = socket.generation();
    trouble(server);
    await until(name, () => ofSlices().length >= before + requests.length && server.watches(SLICES) === 1);
    assert.deepEqual(
      ofSlices().slice(before),
      requests.map((verb) => (verb === 'watch' ? `watch ${SLICES} ${version}` : `list ${SLICES} limit=500`)),
      name,
    );
    assert.deepEqual(socket.generation(), generation, name);
    version += 3;
  }
  assert.equal(f.proxy.child.exitCode, null);
});

test('certificates of the server and the proxy, and who signs them, are replaced while it runs', async () => {
  await using f = await start('nftables');
  const { server, answers } = f;
  const other = await TestAuthority.create();
  server.setTls(await tlsOf(other));
  for (const resource of [SERVICES, SLICES, 'nodes', 'servicecidrs']) server.cut(resource);
  await until('not trusted', () =>
    /error="?(unable to verify|self-signed|certificate signature)/.test(f.proxy.stderr()),
  );
  assert.equal(await answers(), PODS[0]);
  await f.writeFiles(other);
  await until('watched', () => server.watches(SLICES) === 1);
  server.send(SLICES, event('MODIFIED', endpoints(9, PODS[1])));
  await until('followed', async () => (await answers()) === PODS[1]);
  const afterwards = server.requests.filter((line) => line.includes(SLICES));
  assert.deepEqual(afterwards.slice(-2), [`watch ${SLICES} 6`, `watch ${SLICES} 6`]);
});
