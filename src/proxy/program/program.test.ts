import assert from 'node:assert/strict';
import test from 'node:test';
import type { Node } from '#api/generated/types.ts';
import { parseCidr } from '#base/cidr.ts';
import { CodedError } from '#base/errors.ts';
import { ManualClock, type Clock } from '#base/clock.ts';
import { createLog, silentLog } from '#base/log.ts';
import { createClient } from '#client/api-client.ts';
import { inProcessTransport } from '#client/in-process-transport.ts';
import { FakeApi } from '#client/testing/fake-api.ts';
import { isolateTestFile } from '#netlink/isolated-test.ts';
import { NftablesSocket } from '#nftables/nftables-socket.ts';
import { renderTransaction } from '#nftables/render-transaction.ts';
import type { Transaction } from '#nftables/transaction.ts';
import { rulesetSettings } from '../settings.ts';
import { cleanupInput } from './cleanup-input.ts';
import { nodeInformer } from './cluster-feed.ts';
import { probeFamilies, probeNftables } from './kernel-probe-sync.ts';
import type { RawConfig } from '../config/config-fields.ts';
import { resolveConfig, type LocalDetection } from '../config/proxy-config.ts';
import type { NodeFacts } from '../node-view.ts';
import { familyTrouble } from './family-check.ts';
import { hasLocalhostNodePorts } from './node-settings-sync.ts';
import { factsOf, ownNode } from './own-node.ts';
import { ProxyHealth } from './proxy-health.ts';

isolateTestFile();

const user = { username: 'x', groups: [] };
const settings = rulesetSettings({ serviceCidrs: [] }, { addresses: [], zone: undefined });

test('this kernel takes rules as ours, and keeps none of the probe', () => {
  using socket = NftablesSocket.open();
  const before = socket.generation();
  for (const family of [4, 6] as const) probeNftables(family, settings, (transaction) => socket.check(transaction));
  assert.deepEqual(socket.generation(), before);
  assert.equal(socket.readTable('ip', 'clusterip-probe'), undefined);
});

/** A kernel that takes no transaction with such words in it. */
function lacking(...words: readonly RegExp[]): (transaction: Transaction) => Error | undefined {
  return (transaction) => {
    const text = renderTransaction(transaction);
    return words.some((word) => word.test(text)) ? new CodedError('ENOENT', `no ${words.join(' ')}`) : undefined;
  };
}

function outcome(run: () => unknown): string {
  try {
    return JSON.stringify(run());
  } catch (error) {
    return error instanceof CodedError ? `${error.code}: ${error.message}\n${error.hint}` : String(error);
  }
}

test('all that a kernel lacks is named, with what to do', () => {
  assert.equal(
    outcome(() => probeNftables(4, settings, lacking(/numgen/, /masquerade/))),
    'ENFTABLES: Cannot use mode nftables for IPv4: the kernel lacks maps of several fields, random numbers, masquerading\n' +
      'load them with `modprobe -a nf_tables nft_numgen nft_masq` as root, use a kernel of 5.13 or later that has them, or use --mode iptables',
  );
  const denied = (): Error => new CodedError('EPERM', 'not permitted');
  assert.equal(
    outcome(() => probeNftables(4, settings, denied)),
    'EPERM: Cannot program rules: that takes CAP_NET_ADMIN in this network namespace\nrun as root, or give the container the capability NET_ADMIN',
  );
});

test('a family that the kernel cannot do is left out, unless it is the first', async () => {
  const logged: string[] = [];
  const log = createLog('proxy', ({ message, fields }) => logged.push(`${message}: ${String(fields['error'])}`));
  const without =
    (...families: readonly number[]) =>
    (family: number): void => {
      if (families.includes(family)) throw new CodedError('ENFTABLES', `no IPv${family}`);
    };
  const options = { nodeAddress: undefined, hasIpv6: true, log };
  assert.deepEqual(await probeFamilies({ ...options, probe: without() }), [4, 6]);
  assert.deepEqual(await probeFamilies({ ...options, probe: without(6) }), [4]);
  assert.deepEqual(await probeFamilies({ ...options, nodeAddress: { family: 6, value: 1n }, probe: without(4) }), [6]);
  assert.deepEqual(await probeFamilies({ ...options, hasIpv6: false, probe: without() }), [4]);
  assert.deepEqual(logged, ['one family only: no IPv6', 'one family only: no IPv4']);
  await assert.rejects(probeFamilies({ ...options, probe: without(4) }), { code: 'ENFTABLES', message: 'no IPv4' });
});

test('chains of the iptables mode are taken out, and nobody else’s', () => {
  const saved = `# Generated
*nat
:PREROUTING ACCEPT [1:2]
:KUBE-SERVICES - [0:0]
:KUBE-SVC-ABC - [0:0]
:KUBE-MARK-MASQ - [0:0]
:KUBE-MARK-OUTSIDE - [0:0]
:KUBE-NODE-PORT - [0:0]
:MINE - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A PREROUTING -j MINE
-A KUBE-SERVICES -d 10.96.0.1/32 -j KUBE-SVC-ABC
-A MINE -j KUBE-MARK-MASQ
COMMIT
`;
  assert.equal(
    cleanupInput('nat', saved),
    `*nat
:KUBE-SERVICES - [0:0]
:KUBE-SVC-ABC - [0:0]
:KUBE-MARK-OUTSIDE - [0:0]
:KUBE-NODE-PORT - [0:0]
-D PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-X KUBE-SERVICES
-X KUBE-SVC-ABC
-X KUBE-MARK-OUTSIDE
-X KUBE-NODE-PORT
COMMIT
`,
  );
  assert.equal(cleanupInput('filter', '*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n'), undefined);
});

async function findNode(clock: ManualClock, api: FakeApi, needsPodCidrs: boolean): Promise<string> {
  const abort = new AbortController();
  const client = createClient(inProcessTransport(api.handle, user));
  const feed = { client, clock: clock as Clock, log: silentLog, signal: abort.signal };
  const informer = nodeInformer('a', feed);
  informer.start(abort.signal);
  const found = ownNode(informer, { name: 'a', needsPodCidrs }, feed).then(
    (node) => node.metadata.name,
    (error: unknown) =>
      error instanceof CodedError ? `${error.code}: ${error.message}; ${error.hint}` : String(error),
  );
  await informer.synced;
  for (let i = 0; i < 40; i++) await clock.advance(1000);
  const text = await found;
  abort.abort();
  return text;
}

async function apiWith(clock: Clock, ...names: readonly string[]): Promise<FakeApi> {
  const api = new FakeApi(clock);

  for (const name of names) {
    const body = { apiVersion: 'v1', kind: 'Node', metadata: { name }, spec: {} };
    await api.handle({ method: 'POST', path: '/api/v1/nodes', query: {}, user, body });
  }
  return api;
}

test('a node that is not there is said, with those that are', async () => {
  const clock = new ManualClock();
  assert.equal(await findNode(clock, await apiWith(clock, 'a', 'b'), false), 'a');
  assert.equal(
    await findNode(clock, await apiWith(clock, 'b', 'c'), false),
    'ENONODE: Cannot find the node "a" in the cluster; there is b, c: choose with --node-name',
  );
  assert.equal(
    await findNode(clock, await apiWith(clock), false),
    'ENONODE: Cannot find the node "a" in the cluster; name the node with --node-name',
  );
  assert.match(await findNode(clock, await apiWith(clock, 'a'), true), /^ENOPODCIDR: .* it has no podCIDR; /);
});

test('an address that was given stands before that of the Node', () => {
  const addresses = ['192.168.0.1', 'fd00::1'].map((address) => ({ type: 'InternalIP', address }));
  const node = { metadata: { name: 'a' }, spec: {}, status: { addresses } } as unknown as Node;
  assert.deepEqual(factsOf(node, undefined).addresses, ['192.168.0.1', 'fd00::1']);
  assert.deepEqual(factsOf(node, { family: 4, value: 0x0a000001n }).addresses, ['10.0.0.1', 'fd00::1']);
});

test('changes that wait for a minute are bad health', async () => {
  const clock = new ManualClock(0);
  const synced = new Map<number, number>();
  const health = new ProxyHealth({ families: [4, 6], clock, lastSync: (family) => synced.get(family) ?? 0 });
  const tell = (path: 'healthz' | 'livez'): string => `${health[path]().code} ${health[path]().body}`;
  const at = (second: number): string => `"1970-01-01T00:00:${String(second).padStart(2, '0')}.000Z"`;
  const status = (v4: boolean, v6: boolean): string =>
    `"status":{"IPv4":{"lastUpdated":${at(1)},"healthy":${v4}},"IPv6":{"lastUpdated":${at(2)},"healthy":${v6}}}`;
  await clock.advance(1000);
  // It waits for the API server: it is alive, and nobody should send it traffic.
  const never = '"0001-01-01T00:00:00Z"';
  assert.equal(tell('livez'), `200 {"lastUpdated":${at(1)},"currentTime":${at(1)},"healthy":true}`);
  assert.equal(
    tell('healthz'),
    `503 {"lastUpdated":${never},"currentTime":${at(1)},"nodeEligible":true,"healthy":false}`,
  );
  health.changed();
  synced.set(4, clock.now());
  health.synced(4);
  await clock.advance(1000);
  synced.set(6, clock.now());
  health.settled();
  assert.equal(
    tell('healthz'),
    `200 {"lastUpdated":${at(2)},"currentTime":${at(2)},"nodeEligible":true,"healthy":true,${status(true, true)}}`,
  );
  await clock.advance(3_600_000);
  assert.equal(health.livez().code, 200);
  health.changed();
  await clock.advance(59_000);
  health.changed();
  assert.equal(health.livez().code, 200);
  // One family's rules are there, the other's are not.
  health.synced(4);
  await clock.advance(1000);
  const { code, body } = health.livez();
  assert.equal(code, 503);
  assert.match(body, new RegExp(`^{"lastUpdated":${at(2)},.*"healthy":false,${status(true, false)}}$`));
  assert.equal(health.healthz().code, 503);
  health.settled();
  assert.equal(health.livez().code, 200);
});

test('a node that is taken away gets no new traffic, and is told to be well', () => {
  const clock = new ManualClock(1000);
  const health = new ProxyHealth({ families: [4], clock, lastSync: () => 1000 });
  const node = (taint: string): Node =>
    ({ metadata: { name: 'a' }, spec: { taints: [{ key: taint, effect: 'NoSchedule' }] } }) as unknown as Node;
  health.setNode(node('ToBeDeletedByClusterAutoscaler'));
  assert.match(health.healthz().body, /"nodeEligible":false,"healthy":true,/);
  assert.deepEqual([health.healthz().code, health.livez().code], [503, 200]);
  health.setNode(node('other'));
  assert.equal(health.healthz().code, 200);
});

test('primary leaves 127.0.0.1 out in mode iptables, as in kube-proxy', () => {
  const has = (raw: RawConfig): boolean => hasLocalhostNodePorts(resolveConfig(raw));
  assert.deepEqual(
    (['nftables', 'iptables'] as const).map((mode) =>
      [[], ['primary'], ['10.0.0.0/8'], ['127.0.0.0/8'], ['126.0.0.0/7'], ['0.0.0.0/0'], ['fd00::/8']].map(
        (nodePortAddresses) => has({ mode, nodePortAddresses }),
      ),
    ),
    [
      [true, true, false, true, true, true, true],
      [true, false, false, true, true, true, true],
    ],
  );
});

test('ranges of Pods that are all of the other family are named', () => {
  const ofCluster = (...texts: readonly string[]): LocalDetection => ({
    kind: 'cluster-ranges',
    cidrs: texts.flatMap((text) => parseCidr(text) ?? []),
  });
  const node = (address: string, ...podCidrs: readonly string[]): NodeFacts => ({
    addresses: [address],
    zone: undefined,
    podCidrs: podCidrs.flatMap((text) => parseCidr(text) ?? []),
  });
  const [four, six] = ['10.244.0.0/16', 'fd00:244::/64'];
  for (const [local, facts, families, trouble] of [
    [ofCluster(four), node('192.0.2.1'), [4, 6], undefined],
    [ofCluster(four, six), node('fd00::1'), [4, 6], undefined],
    [ofCluster(), node('192.0.2.1'), [4], undefined],
    [
      ofCluster(six),
      node('192.0.2.1'),
      [4, 6],
      'cluster is IPv4-primary but clusterCIDRs contains only IPv6 addresses',
    ],
    [ofCluster(four), node('fd00::1'), [6], 'cluster is IPv6-only but clusterCIDRs contains only IPv4 addresses'],
    [
      { kind: 'node-ranges' },
      node('192.0.2.1', six),
      [4, 6],
      'cluster is IPv4-primary but node.spec.podCIDRs contains only IPv6 addresses',
    ],
    [{ kind: 'interface', name: 'cni0', isPrefix: false }, node('192.0.2.1', six), [4], undefined],
  ] as const) {
    assert.equal(familyTrouble(local, facts, families), trouble);
  }
});
