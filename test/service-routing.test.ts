/**
 * Where a Service's packets go: families, policies, zones, sources, Pods that come and go. What Kubernetes' network tests
 * ask of it, on a cluster of three nodes in two zones with both families.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { applyAll, askFrom, askTcp, askUdp, echoPod, serviceOf } from './testing/echo.ts';
import { modes } from './testing/mode.ts';
import { TestCluster } from './testing/test-cluster.ts';
import { eventually } from './testing/traffic.ts';

const ZONE = 'topology.kubernetes.io/zone';
const DUAL = ['--service-cidr=10.96.0.0/12,fd00:10:96::/112'];
const rootless = modes().find(({ mode }) => mode === 'rootless');
const skip = rootless?.skip ?? 'rootless only';

/** Who answers each of many questions, without those who ask. */
async function who(cluster: TestCluster, pod: string, question: string, count = 16): Promise<string> {
  const lines = await askFrom(
    cluster,
    pod,
    Array.from({ length: count }, () => question),
  );
  return [...new Set(lines.map((line) => line.split(' ')[0] ?? ''))].sort().join(' ');
}

const twoPorts = [
  { name: 'tcp', port: 80 },
  { name: 'udp', port: 80, protocol: 'UDP' },
];

test('Services of both families, and where their packets go', { skip, timeout: 300_000 }, async (t) => {
  await using cluster = await TestCluster.start({ mode: 'rootless', nodes: 3, args: DUAL });
  const patch = (kind: string, name: string, body: object): Promise<string> =>
    cluster.kubectl('patch', kind, name, '--type=merge', '-p', JSON.stringify(body));
  const field = (name: string, path: string): Promise<string> => cluster.jsonpath(`{${path}}`, 'service', name);
  const app = { app: 'echo' };
  const zones = [
    ['node-1', 'z1'],
    ['node-2', 'z1'],
    ['node-3', 'z2'],
  ] as const;
  for (const [node, zone] of zones) await cluster.kubectl('label', 'node', node, `${ZONE}=${zone}`);
  await applyAll(
    cluster,
    ...['1', '2', '3'].map((n) => echoPod({ name: `e${n}`, labels: { ...app, nth: n }, nodeName: `node-${n}` })),
    ...['1', '2', '3'].map((n) => echoPod({ name: `client-${n}`, nodeName: `node-${n}`, serves: ['tcp/7'] })),
    echoPod({
      name: 'host-1',
      labels: { app: 'host' },
      nodeName: 'node-1',
      hostNetwork: true,
      serves: ['tcp/8111', 'udp/8111'],
    }),
    serviceOf('web', {
      type: 'NodePort',
      ipFamilyPolicy: 'RequireDualStack',
      selector: app,
      ports: [
        { name: 'tcp', port: 80 },
        { name: 'udp', port: 80, protocol: 'UDP' },
      ],
    }),
  );
  await cluster.kubectl('wait', '--for=condition=Ready', 'pod', '--all', '--timeout=60s');
  const ips = async (pod: string): Promise<readonly string[]> =>
    (await cluster.jsonpath('{.status.podIPs[*].ip}', 'pod', pod)).split(' ');

  await t.test('nodes, Pods and names have an address of each family', async () => {
    const client = await ips('client-1');
    assert.match(client.join(' '), /^10\.244\.0\.\d+ fd00:10:244::[0-9a-f]+$/);
    assert.equal(
      await cluster.jsonpath(
        '{.status.addresses[?(@.type=="InternalIP")].address} {.spec.podCIDRs[*]}',
        'node',
        'node-2',
      ),
      '172.18.0.3 fd00:172:18::3 10.244.1.0/24 fd00:10:244:1::/64',
    );
    const both = (await field('web', '.spec.clusterIPs[*]')).split(' ');
    assert.deepEqual(await askFrom(cluster, 'client-1', ['name web 4', 'name web 6']), both);
    await applyAll(
      cluster,
      serviceOf('bare', {
        clusterIP: 'None',
        ipFamilyPolicy: 'PreferDualStack',
        selector: { nth: '2' },
        ports: [{ port: 80 }],
      }),
    );
    await eventually('a headless name', await ips('e2'), () =>
      askFrom(cluster, 'client-1', ['name bare 4', 'name bare 6']),
    );
  });

  await t.test('granular checks: Pod, node and endpoint to Service, TCP and UDP, both families', async () => {
    const [v4 = '', v6 = ''] = (await field('web', '.spec.clusterIPs[*]')).split(' ');
    const ports = (await field('web', '.spec.ports[*].nodePort')).split(' ');
    const questions = [v4, v6].flatMap((address) => [`tcp ${address} 80`, `udp ${address} 80`]);
    for (const node of ['172.18.0.2', '172.18.0.4', 'fd00:172:18::2', 'fd00:172:18::4']) {
      questions.push(`tcp ${node} ${ports[0]}`, `udp ${node} ${ports[1]}`);
    }
    for (const pod of ['client-1', 'client-3', 'host-1', 'e1']) {
      const answers = await askFrom(cluster, pod, questions);
      for (const [i, answer] of answers.entries()) assert.match(answer, /^e[123] /, `${pod}: ${questions[i]}`);
    }
    for (const loopback of ['127.0.0.1', '::1']) {
      assert.match(await askTcp(loopback, Number(ports[0])), /^e[123] /, loopback);
      assert.match(await askUdp(loopback, Number(ports[1])), /^e[123] /, loopback);
    }
  });

  await t.test('connections that wait to be closed are tracked for an hour', async () => {
    const file = '/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_close_wait';
    assert.equal((await cluster.kubectl('exec', 'host-1', '--', 'cat', file)).trim(), '3600');
  });

  await t.test('preserve the source Pod IP, on the same node and between nodes', async () => {
    const client = await ips('client-1');
    for (const nth of ['1', '3']) {
      await applyAll(
        cluster,
        serviceOf(`only-${nth}`, { ipFamilyPolicy: 'PreferDualStack', selector: { nth }, ports: twoPorts }),
      );
      const both = (await field(`only-${nth}`, '.spec.clusterIPs[*]')).split(' ');
      const questions = both.map((address) => `tcp ${address} 80`);
      const wanted = client.map((ip) => `e${nth} ${ip}`);
      await eventually(`of e${nth}`, wanted, () => askFrom(cluster, 'client-1', questions));
    }
  });

  await t.test('hairpin: a Pod reaches itself through its Service', async () => {
    const both = (await field('only-1', '.spec.clusterIPs[*]')).split(' ');
    const answers = await askFrom(
      cluster,
      'e1',
      both.flatMap((address) => [`tcp ${address} 80`, `udp ${address} 80`]),
    );
    for (const answer of answers) assert.match(answer, /^e1 /);
  });

  await t.test('upgrade and downgrade between the families', async () => {
    const spec = { ipFamilyPolicy: 'SingleStack', selector: app, ports: [{ port: 80 }] };
    await applyAll(cluster, serviceOf('grow', spec));
    const first = await field('grow', '.spec.clusterIPs[*]');
    assert.match(first, /^10\.\S+$/);
    await patch('service', 'grow', { spec: { ipFamilyPolicy: 'PreferDualStack' } });
    const [kept, second = ''] = (await field('grow', '.spec.clusterIPs[*]')).split(' ');
    assert.equal(kept, first);
    await eventually('the new address answers', true, async () =>
      /^e[123] fd00:/.test((await askFrom(cluster, 'client-1', [`tcp ${second} 80`]))[0] ?? ''),
    );
    await patch('service', 'grow', { spec: { ipFamilyPolicy: 'SingleStack' } });
    assert.equal(await field('grow', '.spec.clusterIPs[*]'), first);
    await eventually(
      'and no more',
      'timeout',
      async () => (await askFrom(cluster, 'client-1', [`tcp ${second} 80 1`]))[0],
    );
    await applyAll(cluster, serviceOf('heir', { ...spec, ipFamilies: ['IPv6'], clusterIP: second }));
    await eventually('it was given back', ['', second], () =>
      askFrom(cluster, 'client-1', ['name heir 4', 'name heir 6']).then(([v4, v6]) => [
        v4 === 'no such name' ? '' : (v4 ?? ''),
        v6 ?? '',
      ]),
    );
  });

  await t.test('internalTrafficPolicy Local, to Pods and to Pods of the host network', async () => {
    await patch('service', 'only-1', { spec: { internalTrafficPolicy: 'Local' } });
    await applyAll(
      cluster,
      serviceOf('on-host', {
        internalTrafficPolicy: 'Local',
        selector: { app: 'host' },
        ports: [{ port: 80, targetPort: 8111 }],
      }),
    );
    const questions = ['tcp only-1 80 1', 'tcp on-host 80 1'];
    const ask = async (pod: string): Promise<readonly string[]> =>
      (await askFrom(cluster, pod, questions)).map((line) => line.split(' ')[0] ?? '');
    await eventually('from the node itself', ['e1', 'host-1'], () => ask('client-1'));
    await eventually('from its host network', ['e1', 'host-1'], () => ask('host-1'));
    await eventually('from another node', ['timeout', 'timeout'], () => ask('client-2'));
    await patch('service', 'only-1', { spec: { internalTrafficPolicy: 'Cluster' } });
  });

  await t.test('endpoints of the host network, from everywhere', async () => {
    await patch('service', 'on-host', { spec: { internalTrafficPolicy: 'Cluster' } });
    for (const pod of ['client-1', 'client-2', 'host-1']) {
      await eventually(pod, 'host-1', () => who(cluster, pod, 'tcp on-host 80', 2));
    }
  });

  await t.test('trafficDistribution and topology-mode: the same node, the same zone, anybody', async () => {
    const spec = (trafficDistribution: string | null): object => ({ spec: { trafficDistribution } });
    const expected: readonly (readonly [string | null, readonly string[]])[] = [
      ['PreferClose', ['e1 e2', 'e1 e2', 'e3']],
      ['PreferSameNode', ['e1', 'e2', 'e3']],
      ['PreferSameZone', ['e1 e2', 'e1 e2', 'e3']],
      [null, ['e1 e2 e3', 'e1 e2 e3', 'e1 e2 e3']],
    ];
    for (const [mode, answers] of expected) {
      await patch('service', 'web', spec(mode));
      for (const [i, wanted] of answers.entries()) {
        await eventually(`${mode} from node-${i + 1}`, wanted, () => who(cluster, `client-${i + 1}`, 'tcp web 80', 24));
      }
    }
    // One endpoint of a zone is not ready: its neighbours serve the zone, then everybody.
    await patch('service', 'web', spec('PreferSameNode'));
    await cluster.kubectl('label', 'pod', 'e1', 'app=gone', '--overwrite');
    await eventually('no node has one for itself', 'e2', () => who(cluster, 'client-1', 'tcp web 80'));
    await cluster.kubectl('label', 'pod', 'e2', 'app=gone', '--overwrite');
    await eventually('nor the zone', 'e3', () => who(cluster, 'client-1', 'tcp web 80'));
    await cluster.kubectl('label', 'pod', 'e1', 'e2', 'app=echo', '--overwrite');
    // Two thirds of the processors are in z1, and so are two thirds of the endpoints.
    await cluster.kubectl('annotate', 'service', 'web', 'service.kubernetes.io/topology-mode=Auto');
    for (const [i, wanted] of ['e1 e2', 'e1 e2', 'e3'].entries()) {
      await eventually(`Auto from node-${i + 1}`, wanted, () => who(cluster, `client-${i + 1}`, 'tcp web 80', 24));
    }
    await cluster.kubectl('label', 'pod', 'e3', 'app=gone', '--overwrite');
    await eventually('too few for a fair share', 'e1 e2', () => who(cluster, 'client-3', 'tcp web 80', 24));
    await cluster.kubectl('label', 'pod', 'e3', 'app=echo', '--overwrite');
    await cluster.kubectl('annotate', 'service', 'web', 'service.kubernetes.io/topology-mode-');
    await patch('service', 'web', spec(null));
  });

  await t.test('Pods that are not ready: publishNotReadyAddresses', async () => {
    await applyAll(
      cluster,
      echoPod({ name: 'shy', labels: { app: 'shy' }, nodeName: 'node-2', readyFile: '/tmp/never' }),
      serviceOf('shy', { selector: { app: 'shy' }, ports: [{ port: 80 }] }),
    );
    await cluster.kubectl('wait', '--for=jsonpath={.status.phase}=Running', 'pod/shy', '--timeout=60s');
    assert.equal(await who(cluster, 'client-1', 'tcp shy 80', 1), 'refused');
    await patch('service', 'shy', { spec: { publishNotReadyAddresses: true } });
    await eventually('it is published', 'shy', () => who(cluster, 'client-1', 'tcp shy 80', 1));
    await cluster.kubectl('delete', 'pod', 'shy');
  });

  await t.test('terminating endpoints serve as long as there are no others', async () => {
    await applyAll(
      cluster,
      echoPod({ name: 'drain', labels: { app: 'drain' }, nodeName: 'node-2', drainSeconds: 60 }),
      ...(['Cluster', 'Local'] as const).flatMap((policy) => [
        serviceOf(`drain-${policy.toLowerCase()}`, {
          type: 'LoadBalancer',
          internalTrafficPolicy: policy,
          externalTrafficPolicy: policy,
          selector: { app: 'drain' },
          ports: [{ port: 80 }],
        }),
      ]),
      serviceOf('drain-all', { publishNotReadyAddresses: true, selector: { app: 'drain' }, ports: [{ port: 80 }] }),
    );
    await cluster.kubectl('wait', '--for=condition=Ready', 'pod/drain', '--timeout=60s');
    const ports = await Promise.all(
      ['drain-cluster', 'drain-local'].map((name) => field(name, '.spec.ports[0].nodePort')),
    );
    const questions = [
      ...['drain-cluster', 'drain-local', 'drain-all'].map((name) => `tcp ${name} 80 1`),
      ...ports.map((port) => `tcp 172.18.0.3 ${port} 1`),
    ];
    const names = async (pod: string): Promise<string> =>
      (await askFrom(cluster, pod, questions)).map((line) => line.split(' ')[0]).join(' ');
    await eventually('it serves', 'drain drain drain drain drain', () => names('client-2'));
    await cluster.kubectl('delete', 'pod', 'drain', '--wait=false');
    await eventually('it is on its way out', 'false true true', () =>
      cluster.jsonpath(
        '{.items[0].endpoints[0].conditions.ready} {.items[0].endpoints[0].conditions.serving} {.items[0].endpoints[0].conditions.terminating}',
        'endpointslice',
        '-l',
        'kubernetes.io/service-name=drain-local',
      ),
    );
    assert.equal(await names('client-2'), 'drain drain drain drain drain');
    const health = await field('drain-local', '.spec.healthCheckNodePort');
    const code = ['curl', '-s', '-o', '/dev/null', '-w', '%{http_code}', `http://172.18.0.3:${health}`];
    assert.equal(await cluster.kubectl('exec', 'client-2', '--', ...code), '503', 'load balancers are to go elsewhere');
    for (const port of ports) assert.match(await askTcp('127.0.0.1', Number(port)), /^drain /);
    await applyAll(cluster, echoPod({ name: 'fresh', labels: { app: 'drain' }, nodeName: 'node-2' }));
    await cluster.kubectl('wait', '--for=condition=Ready', 'pod/fresh', '--timeout=60s');
    await eventually('until another is ready', 'fresh fresh', async () =>
      (await names('client-2')).split(' ').slice(0, 2).join(' '),
    );
    await cluster.kubectl('delete', 'pod', 'drain', 'fresh', '--force', '--grace-period=0');
    await eventually('nobody is left', 'refused refused refused refused refused', () => names('client-2'));
  });

  await t.test('UDP follows a Pod that is replaced, from one open socket', async () => {
    await applyAll(
      cluster,
      serviceOf('udp', { selector: { app: 'cycle' }, ports: [{ port: 80, protocol: 'UDP' }] }),
      echoPod({ name: 'cycle-1', labels: { app: 'cycle' }, nodeName: 'node-2' }),
    );
    await cluster.kubectl('wait', '--for=condition=Ready', 'pod/cycle-1', '--timeout=60s');
    const program = `
import socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(0.2)
s.connect((sys.argv[1], 80))
last, end = "", time.time() + 60
while time.time() < end and last != "cycle-2":
    try:
        s.send(b"who")
        last = s.recv(200).decode().split()[0]
    except OSError: continue
    print(last, flush=True)
`;
    const address = await field('udp', '.spec.clusterIP');
    const asking = cluster.kubectl('exec', 'client-1', '--', 'python3', '-c', program, address);
    await cluster.kubectl('delete', 'pod', 'cycle-1', '--force', '--grace-period=0');
    await applyAll(cluster, echoPod({ name: 'cycle-2', labels: { app: 'cycle' }, nodeName: 'node-3' }));
    assert.equal((await asking).trim().split('\n').at(-1), 'cycle-2');
  });
});

test('a cluster of IPv6 alone', { skip, timeout: 120_000 }, async () => {
  await using cluster = await TestCluster.start({
    mode: 'rootless',
    nodes: 2,
    args: ['--service-cidr=fd00:10:96::/112', '--static-cluster-ips=deny'],
  });
  await applyAll(
    cluster,
    serviceOf('web', { type: 'LoadBalancer', selector: { app: 'echo' }, ports: [{ port: 80 }] }),
    echoPod({ name: 'one', labels: { app: 'echo' }, nodeName: 'node-2' }),
    echoPod({ name: 'client', nodeName: 'node-1', serves: ['tcp/7'] }),
  );
  await cluster.kubectl('wait', '--for=condition=Ready', 'pod', '--all', '--timeout=60s');
  const path = '{.spec.clusterIP} {.status.loadBalancer.ingress[*].ip} {.spec.ports[0].nodePort}';
  const [clusterIp = '', balancer = '', nodePort] = (await cluster.jsonpath(path, 'service', 'web')).split(' ');
  assert.match(`${clusterIp} ${balancer}`, /^fd00:10:96::\S+ fd00:127::7f\S+$/);
  const client = await cluster.jsonpath('{.status.podIP}', 'pod', 'client');
  await eventually('by name and address', [clusterIp, `one ${client}`, 'one', 'one'], async () => {
    const questions = ['name web 6', 'tcp web 80', `tcp ${balancer} 80`, `tcp fd00:172:18::2 ${nodePort}`];
    const [name = '', service = '', ...rest] = await askFrom(cluster, 'client', questions);
    return [name, service, ...rest.map((line) => line.split(' ')[0] ?? '')];
  });
  assert.match(await askTcp('::1', Number(nodePort)), /^one /);
  const events = ['get', 'events', '-o', 'jsonpath={.items[?(@.reason=="HostAddress")].message}'];
  const [, twin = ''] = / is at (127\.\S+),/.exec(await cluster.kubectl(...events)) ?? [];
  const hostPort = Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start')) <= 80 ? 80 : 8080;
  for (const address of [twin, `::ffff:${twin}`]) assert.match(await askTcp(address, hostPort), /^one /, address);
  const chosen = JSON.stringify(serviceOf('chosen', { clusterIP: 'fd00:10:96::77', ports: [{ port: 80 }] }));
  const refused = await cluster.try(['create', '-f', '-'], chosen);
  assert.equal(
    refused.stderr.trim(),
    'The Service "chosen" is invalid: spec.clusterIPs: Forbidden: this cluster lets nobody choose an address',
  );
  const code = ['curl', '-sk', '-o', '/dev/null', '-w', '%{http_code}', 'https://kubernetes.default/version'];
  assert.equal(await cluster.kubectl('exec', 'client', '--', ...code), '200');
});
