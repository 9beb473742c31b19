/** `clusterip proxy` on a node of a real cluster: kube-apiserver and etcd, one after the other going and coming. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CommandHome } from '../../src/cli/testing/command-home.ts';
import { until } from '../../src/cli/testing/proxy-node.ts';
import { isolateTestFile } from '../../src/netlink/isolated-test.ts';
import { RtnetlinkSocket } from '../../src/netlink/rtnetlink-socket.ts';
import { renderElement } from '../../src/nftables/render.ts';
import { NftablesSocket } from '../../src/nftables/nftables-socket.ts';
import { ruleset } from '../../src/proxy/ruleset.ts';
import { KubeApiServer, peerMissing } from './kube-apiserver.ts';

isolateTestFile();

const { counts, endpoints } = ruleset(4).planes.address.sets;
const SERVICES = '/api/v1/namespaces/default/services';
const SLICES = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices';

async function post(api: KubeApiServer, path: string, kind: string, apiVersion: string, rest: object): Promise<void> {
  const answer = await api.ask({ method: 'POST', path, body: { kind, apiVersion, ...rest } });
  assert.equal(answer.status, 201, JSON.stringify(answer.body));
}

async function addService(api: KubeApiServer, name: string, clusterIP: string, address: string): Promise<void> {
  await post(api, SERVICES, 'Service', 'v1', { metadata: { name }, spec: { clusterIP, ports: [{ port: 80 }] } });
  await post(api, SLICES, 'EndpointSlice', 'discovery.k8s.io/v1', {
    metadata: { name: `${name}-1`, labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    ports: [{ name: '', port: 8080, protocol: 'TCP' }],
    endpoints: [{ addresses: [address], conditions: { ready: true } }],
  });
}

function kernel(socket: NftablesSocket): string {
  return [counts.cluster, endpoints]
    .flatMap((set) => socket.readElements('ip', 'clusterip', set).map((element) => renderElement(set, element)))
    .map((text) => text.replace(/ [0-9a-f]{16}"/, '"'))
    .sort()
    .join('\n');
}

test(
  'a real kube-apiserver is followed, also when it goes and forgets what watches were at',
  { skip: peerMissing() ?? false },
  async () => {
    {
      using rtnetlink = RtnetlinkSocket.open();
      rtnetlink.setLink('lo', { up: true });
    }
    using socket = NftablesSocket.open();
    using home = new CommandHome();
    await using api = await KubeApiServer.start(['10.96.0.0/12']);
    const status = { addresses: [{ type: 'InternalIP', address: '192.0.2.7' }] };
    await post(api, '/api/v1/nodes', 'Node', 'v1', { metadata: { name: 'a' }, status });
    await addService(api, 'first', '10.96.0.50', '10.244.0.5');
    const kubeconfig = join(home.path, 'kubeconfig');
    writeFileSync(kubeconfig, api.kubeconfig);
    const { child, finished } = home.start(['proxy', '--kubeconfig', kubeconfig, '--node-name', 'a', '-v=4']);
    try {
      const first =
        '10.96.0.50 . tcp . 80 . 0 : 10.244.0.5 . 8080\n10.96.0.50 . tcp . 80 comment "default/first" : 6b70:1';
      await until('first', () => socket.readTable('ip', 'clusterip') !== undefined && kernel(socket) === first);
      // Where addresses come from is an object of its own in this cluster.
      const { ranges } = ruleset(4).sets;
      const known = socket.readElements('ip', 'clusterip', ranges).map((element) => renderElement(ranges, element));
      assert.deepEqual(known, ['10.96.0.0/12']);
      await api.stopServing();
      await api.serveAgain();
      await addService(api, 'second', '10.96.0.51', '10.244.0.6');
      const second =
        '10.96.0.51 . tcp . 80 . 0 : 10.244.0.6 . 8080\n10.96.0.51 . tcp . 80 comment "default/second" : 6b70:1';
      await until('second', () => kernel(socket) === `${first}\n${second}`);
      assert.equal((await api.ask({ method: 'DELETE', path: `${SERVICES}/first` })).status, 200);
      await until('the first is gone', () => kernel(socket) === second);
    } finally {
      child.kill('SIGTERM');
    }
    assert.equal((await finished).code, 0);
  },
);
