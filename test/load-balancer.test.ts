/** Load balancers and NodePorts from where users stand: the host, a Pod, a node. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import test from 'node:test';
import { applyAll, askFrom, askTcp, askUdp, echoPod, serviceOf } from './testing/echo.ts';
import { modes } from './testing/mode.ts';
import { TestCluster } from './testing/test-cluster.ts';
import { eventually } from './testing/traffic.ts';

const app = { app: 'echo' };
const ports = [
  { name: 'tcp', port: 80, protocol: 'TCP' },
  { name: 'udp', port: 80, protocol: 'UDP' },
];

for (const { mode, skip } of modes()) {
  test(`load balancers answer on the host and in the cluster, as ${mode}`, { skip, timeout: 180_000 }, async (t) => {
    await using cluster = await TestCluster.start({ mode, nodes: 2 });
    const addressOf = (name: string): Promise<string> =>
      cluster.jsonpath('{.status.loadBalancer.ingress[*].ip}', 'service', name);
    const nodePortOf = async (name: string): Promise<number> =>
      Number(await cluster.jsonpath('{.spec.ports[0].nodePort}', 'service', name));
    // Where ports below 1024 are root's, port 80 of a load balancer is at 8080 for an ordinary user.
    const mayListen = mode === 'root' || Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start')) <= 80;
    const hostPort = mayListen ? 80 : 8080;

    await applyAll(
      cluster,
      echoPod({ name: 'one', labels: app, nodeName: 'node-1' }),
      echoPod({ name: 'two', labels: app, nodeName: 'node-2' }),
      echoPod({ name: 'client', nodeName: 'node-1' }),
      echoPod({ name: 'host-client', nodeName: 'node-1', hostNetwork: true, serves: ['tcp/99'] }),
      serviceOf('web', { type: 'LoadBalancer', selector: app, ports }),
    );
    await cluster.kubectl('wait', '--for=condition=Ready', 'pod', '--all', '--timeout=60s');
    const address = await addressOf('web');

    await t.test('the same address everywhere, TCP and UDP', async () => {
      assert.match(address, /^127\.\d+\.\d+\.1$/);
      await eventually('from the host, to both nodes', ['one', 'two'], async () => {
        const names = new Set<string>();
        for (let tries = 0; tries < 20 && names.size < 2; tries++) {
          names.add((await askTcp(address, hostPort)).split(' ')[0] ?? '');
        }
        return [...names].sort();
      });
      assert.match(await askUdp(address, hostPort), /^(one|two) /);
      const questions = [`tcp ${address} 80`, `udp ${address} 80`];
      for (const pod of ['client', 'host-client', 'one']) {
        for (const answer of await askFrom(cluster, pod, questions)) assert.match(answer, /^(one|two) /, pod);
      }
      for (const pod of ['client', 'host-client']) {
        assert.deepEqual(await askFrom(cluster, pod, [`tcp ${address} 81`]), ['refused'], `no such port, from ${pod}`);
      }
      const nodePort = await nodePortOf('web');
      assert.match(await askTcp('127.0.0.1', nodePort), /^(one|two) /);
      assert.deepEqual(
        (await askFrom(cluster, 'host-client', [`tcp 127.0.0.1 ${nodePort}`, `tcp 172.18.0.3 ${nodePort}`])).map(
          (answer) => /^(one|two) /.test(answer),
        ),
        [true, true],
      );
      await eventually('the event of a port that is forbidden', !mayListen, async () =>
        (await cluster.kubectl('get', 'events', '-o', 'jsonpath={.items[*].reason}')).includes('HostPortForbidden'),
      );
    });

    await t.test('policy Local goes to the nodes with Pods and keeps the source', async () => {
      await cluster.kubectl('patch', 'service', 'web', '-p', '{"spec":{"externalTrafficPolicy":"Local"}}');
      await eventually('both nodes answer', ['one 172.18.0.1', 'two 172.18.0.1'], async () => {
        const answers = new Set<string>();
        for (let i = 0; i < 4; i++) answers.add(await askTcp(address, hostPort));
        return [...answers].sort();
      });
      for (const [pod, node] of [
        ['one', 'node-1'],
        ['two', 'node-2'],
      ] as const) {
        const selector = { app: 'echo', only: node };
        await cluster.kubectl('label', 'pod', pod, `only=${node}`);
        await cluster.kubectl('patch', 'service', 'web', '-p', JSON.stringify({ spec: { selector } }));
        const nodePort = await nodePortOf('web');
        await eventually(`${pod} alone answers`, [`${pod} 172.18.0.1`], async () => {
          const answers = new Set<string>();
          for (let turn = 0; turn < 2; turn++) {
            answers.add(await askTcp(address, hostPort));
            answers.add(await askUdp(address, hostPort));
            answers.add(await askTcp('127.0.0.1', nodePort));
          }
          return [...answers];
        });
      }
      const health = await cluster.jsonpath('{.spec.healthCheckNodePort}', 'service', 'web');
      const asked = ['172.18.0.2', '172.18.0.3'].map((node) => `http://${node}:${health}`);
      const codes = [
        'exec',
        'client',
        '--',
        'curl',
        '-s',
        '-o',
        '/dev/null',
        '-o',
        '/dev/null',
        '-w',
        '%{http_code}\n',
        ...asked,
      ];
      assert.equal(await cluster.kubectl(...codes), '503\n200\n', 'as the health check port of each node says');
    });

    await t.test('without endpoints it refuses, everywhere', async () => {
      await cluster.kubectl('patch', 'service', 'web', '-p', '{"spec":{"selector":{"app":"nobody"}}}');
      await eventually('nobody answers', ['refused'], () => askFrom(cluster, 'client', [`tcp ${address} 80`]));
      await eventually('on the host neither', 'ECONNRESET', () => askTcp(address, hostPort));
      await cluster.kubectl(
        'patch',
        'service',
        'web',
        '-p',
        '{"spec":{"selector":{"app":"echo","only":null},"externalTrafficPolicy":"Cluster"}}',
      );
      await eventually('it answers again', true, async () => /^(one|two) /.test(await askTcp(address, hostPort)));
    });

    await t.test('the next one has another address; a change of type closes and frees the first', async () => {
      await applyAll(
        cluster,
        serviceOf('next', { type: 'LoadBalancer', selector: app, ports: [{ port: 9000, targetPort: 80 }] }),
        serviceOf('other', {
          type: 'LoadBalancer',
          loadBalancerClass: 'example.com/lb',
          selector: app,
          ports: [{ port: 80 }],
        }),
      );
      await eventually('it has an address', address.replace(/1$/, '2'), () => addressOf('next'));
      assert.equal(await addressOf('other'), '', 'that class is somebody else');
      await eventually('and answers', true, async () =>
        /^(one|two) /.test(await askTcp(await addressOf('next'), 9000)),
      );
      await cluster.kubectl('patch', 'service', 'web', '-p', '{"spec":{"type":"ClusterIP"}}');
      await eventually('the ports are closed', 'ECONNREFUSED', () => askTcp(address, hostPort));
      assert.equal(await addressOf('web'), '');
      assert.equal(await cluster.jsonpath('{.metadata.finalizers}', 'service', 'web'), '');
      await applyAll(
        cluster,
        serviceOf('third', { type: 'LoadBalancer', selector: app, ports: [{ port: 9000, targetPort: 80 }] }),
      );
      await eventually('the first address is given again', address, () => addressOf('third'));
      await eventually('and answers', true, async () => /^(one|two) /.test(await askTcp(address, 9000)));
    });

    await t.test('a port that another program has is said to be, and taken when it is free', async () => {
      const other = net.createServer().listen(0, '127.0.0.1');
      await once(other, 'listening');
      let nodePort = 0;
      // One of the range that NodePorts come from, and nobody has.
      for (let tries = 0; tries < 50 && nodePort === 0; tries++) {
        const wanted = 30_000 + Math.floor(Math.random() * 2768);
        const squatter = net.createServer().listen(wanted, '127.0.0.1');
        const outcome = await Promise.race([once(squatter, 'listening'), once(squatter, 'error')]);
        if (outcome.length > 0) continue;
        nodePort = wanted;
        const spec = { type: 'NodePort', selector: app, ports: [{ port: 80, nodePort }] };
        await applyAll(cluster, serviceOf('busy', spec));
        await eventually('an event says so', true, async () =>
          (await cluster.kubectl('get', 'events', '-o', 'jsonpath={.items[*].reason}')).includes('HostPortInUse'),
        );
        const inside = await askFrom(cluster, 'client', [`tcp 172.18.0.2 ${nodePort}`]);
        assert.match(inside[0] ?? '', /^(one|two) /);
        squatter.close();
        await once(squatter, 'close');
        await eventually('it is taken', true, async () => /^(one|two) /.test(await askTcp('127.0.0.1', nodePort)));
      }
      other.close();
      assert.notEqual(nodePort, 0);
    });

    await t.test('a restart keeps the addresses', async () => {
      const before = await addressOf('third');
      await cluster.clusterip('down');
      await cluster.up();
      await eventually('it has its address', before, () => addressOf('third'));
      await eventually('it answers', true, async () => /^(one|two) /.test(await askTcp(before, 9000)), 60);
    });
  });
}
