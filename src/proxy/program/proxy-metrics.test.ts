import assert from 'node:assert/strict';
import { systemClock } from '#base/clock.ts';
import { exposition } from '#base/exposition.ts';
import { silentLog } from '#base/log.ts';
import { isolateTestFile } from '#netlink/isolated-test.ts';
import { inNetns, settleInOwnNetns } from '#netlink/namespace.ts';
import { NfacctSocket } from '#netlink/nfacct-socket.ts';
import { Proxy, type ObjectChange } from '../sync.ts';
import { Cluster } from '../testing/cluster.ts';
import { iptablesOptions, testModes } from '../testing/mode.ts';
import { askTcp, askUdp, cidr, Network, NODE_ADDRESS } from '../testing/network.ts';
import { service, slice, type TestPort } from '../testing/objects.ts';
import { ProxyMetrics } from './proxy-metrics.ts';

isolateTestFile();
settleInOwnNetns();

const PODS = ['10.244.0.11', '10.244.0.12'] as const;
const port: TestPort = { port: 53, protocol: 'UDP' };
const backend: readonly TestPort[] = [{ port: 5353, protocol: 'UDP' }];
const node = { addresses: [NODE_ADDRESS], zone: undefined };

/** Lines of some metrics, without the common part of their names. */
function told(metrics: ProxyMetrics, names: RegExp): readonly string[] {
  return exposition(metrics.metrics())
    .split('\n')
    .filter((line) => !line.startsWith('#') && names.test(line))
    .map((line) => line.replace('kubeproxy_', '').replace('ip_family="IPv4"', '4'));
}

testModes('what was done to the connection table is counted', async (mode) => {
  const observer = new ProxyMetrics(mode === 'nftables' ? mode : 'iptables', [4], systemClock);
  await using cluster = await Cluster.start(mode, { observer, node, podCidrs: [cidr('10.244.0.0/16')] });
  for (const pod of PODS) await cluster.network.serveUdp(pod, 5353);
  await cluster.set(service('dns', '10.96.0.50', [port]), slice('dns', [PODS[0]], backend));
  const socket = await cluster.network.udpSocket(cluster.client);
  await askUdp(socket, '10.96.0.50', 53);
  const counted = (): number[] =>
    told(observer, /conntrack\S*(_total|_count){/).map((line) => Number(line.split(' ').at(-1)));
  const [rounds = 0, deleted = 0] = counted();
  await cluster.set(slice('dns', [PODS[1]], backend));
  assert.deepEqual(counted(), [rounds + 1, deleted + 1]);
  // With the proxy that comes after, nobody has told which endpoint went.
  await askUdp(socket, '10.96.0.50', 53);
  await cluster.restart(service('dns', '10.96.0.50', [port]), slice('dns', [PODS[0]], backend));
  assert.equal(counted()[1], deleted + 2);
});

testModes('Services that a policy Local leaves without endpoints are counted, by port and family', async (mode) => {
  const observer = new ProxyMetrics(mode === 'nftables' ? mode : 'iptables', [4], systemClock);
  await using cluster = await Cluster.start(mode, { observer, node });
  const count = (): readonly string[] => told(observer, /no_local/).map((line) => line.replace(/.*policy=/, ''));
  const local = service(
    'local',
    '10.96.0.51',
    [
      { name: 'a', port: 80, nodePort: 30_080 },
      { name: 'b', port: 81, nodePort: 30_081 },
    ],
    {
      spec: {
        type: 'NodePort',
        internalTrafficPolicy: 'Local',
        externalTrafficPolicy: 'Local',
        externalIPs: ['203.0.113.9'],
      },
    },
  );
  const ports: readonly TestPort[] = [
    { name: 'a', port: 8080 },
    { name: 'b', port: 8081 },
  ];
  await cluster.set(local);
  assert.deepEqual(count(), ['"internal"} 0', '"external"} 0']);
  await cluster.set(slice('local', ['10.244.1.5 node=b'], ports));
  assert.deepEqual(count(), ['"internal"} 2', '"external"} 2']);
  await cluster.set(slice('local', ['10.244.1.5 node=b', '10.244.0.5'], ports));
  assert.deepEqual(count(), ['"internal"} 0', '"external"} 0']);
  await cluster.set(slice('local', ['10.244.1.5 node=b'], ports));
  await cluster.delete(local);
  assert.deepEqual(count(), ['"internal"} 0', '"external"} 0']);
});

testModes(
  'rules of iptables are counted: all, and those of the last sync',
  async (mode) => {
    const observer = new ProxyMetrics('iptables', [4], systemClock);
    await using cluster = await Cluster.start(mode, { observer, node });
    const count = (): readonly string[] => told(observer, /rules_iptables_(total|last)/);
    const [filter, nat] = count().map((line) => Number(line.split(' ').at(-1)));
    assert.ok(filter !== undefined && nat !== undefined && filter > 0 && nat > 0);
    const line = (of: string, table: string, value: number): string =>
      `sync_proxy_rules_iptables_${of}{4,table="${table}"} ${value}`;
    await cluster.set(service('web', '10.96.0.52', [{ port: 80 }]));
    assert.deepEqual(count(), [
      line('total', 'filter', filter + 1),
      line('total', 'nat', nat),
      line('last', 'filter', 1),
      line('last', 'nat', 0),
    ]);
    await cluster.set(slice('web', ['10.244.0.5', '10.244.0.6'], [{ port: 8080 }]));
    // The jump to its chain, two rules there, two of each endpoint.
    assert.deepEqual(count(), [
      line('total', 'filter', filter),
      line('total', 'nat', nat + 7),
      line('last', 'filter', 0),
      line('last', 'nat', 7),
    ]);
  },
  ['iptables', 'iptables-legacy'],
);

testModes(
  'packets are counted by the kernel: to NodePorts at 127.0.0.1, over every change of the rules',
  async (mode) => {
    await using network = new Network();
    using counters = inNetns(network.node, () => NfacctSocket.open());
    const observer = new ProxyMetrics('iptables', [4], systemClock);
    const base = { nodeName: 'a', serviceCidrs: [cidr('10.96.0.0/12')], node, clock: systemClock, log: silentLog };
    using proxy = new Proxy({ ...base, observer, iptables: { ...iptablesOptions(mode, network.node), counters } });
    const accepted = (): number => Number(told(observer, /localhost_nodeports/)[0]?.split(' ')[1]);
    proxy.start();
    await proxy.settled();
    // A kernel without nfacct has no such metric.
    if (Number.isNaN(accepted())) return;
    network.addPod(PODS[0]);
    await network.serveTcp(PODS[0], 8080);
    const web = service('web', '10.96.0.52', [{ port: 80, nodePort: 30_080 }], { spec: { type: 'NodePort' } });
    const set = async (object: ObjectChange['object']): Promise<void> => {
      proxy.apply([{ kind: 'set', object }]);
      await proxy.settled();
    };
    await set(web);
    await set(slice('web', [PODS[0]], [{ port: 8080 }]));
    assert.deepEqual(told(observer, /^iptables_|_packets_total/), [
      'iptables_ct_state_invalid_dropped_packets_total 0',
      'iptables_localhost_nodeports_accepted_packets_total 0',
    ]);
    await askTcp(network.node, NODE_ADDRESS, 30_080);
    assert.equal(accepted(), 0);
    await askTcp(network.node, '127.0.0.1', 30_080);
    assert.equal(accepted(), 1);
    await set(slice('web', [PODS[0], PODS[1]], [{ port: 8080 }]));
    await set(slice('web', [PODS[0]], [{ port: 8080 }]));
    await askTcp(network.node, '127.0.0.1', 30_080);
    assert.equal(accepted(), 2);
  },
  ['iptables', 'iptables-legacy'],
);
