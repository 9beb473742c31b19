/** The journey that must always work, with the kubectl of PATH and real packets, as root and as an ordinary user. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { clientPod, deployment, service } from './testing/manifests.ts';
import { modes, prefix, root } from './testing/mode.ts';
import { TestCluster } from './testing/test-cluster.ts';
import { eventually, get, knock, tally, tallyUdp } from './testing/traffic.ts';

const READY = ['--for=condition=Ready', '--timeout=60s'] as const;

/** Programs that only mode iptables runs; an ordinary user seldom has them on PATH. */
const hasIptables = ['/usr/sbin/iptables-restore', '/sbin/iptables-restore'].some((path) => existsSync(path));

/** Both modes of the proxy go the same way; who can start a cluster does not depend on it. */
const journeys = modes().flatMap(({ mode, skip }) => [
  { mode, skip, proxyMode: 'nftables' },
  ...(mode === 'rootless'
    ? [{ mode, skip: skip === false && !hasIptables ? 'iptables is not installed' : skip, proxyMode: 'iptables' }]
    : []),
]);

for (const { mode, skip, proxyMode } of journeys) {
  test(`the journey, as ${mode}, with proxy mode ${proxyMode}`, { skip, timeout: 280_000 }, async (t) => {
    await using cluster = await TestCluster.start({ mode, nodes: 3, args: [`--proxy-mode=${proxyMode}`] });
    const manifest = readFileSync(join(root, 'examples/clusterip/clusterip-svc.yaml'), 'utf8');
    let address = '';

    await t.test('the cluster is as kubectl expects one', async () => {
      assert.match(
        await cluster.kubectl('get', 'nodes', '--no-headers'),
        /^(node-\d\s+Ready\s+\S+\s+\S+\s+v1\.34\.\d+\n){3}$/,
      );
      assert.match(
        await cluster.kubectl('get', 'namespaces', '-o', 'name'),
        /namespace\/default\n(.*\n)*namespace\/kube-system/,
      );
      assert.equal(await cluster.jsonpath('{.spec.clusterIP}', 'service', 'kubernetes'), '10.96.0.1');
      assert.equal(
        await cluster.jsonpath('{.spec.clusterIP}', 'service', 'kube-dns', '-n', 'kube-system'),
        '10.96.0.10',
      );
    });

    await t.test('create deployment, run, apply', async () => {
      await cluster.kubectl(
        'create',
        'deployment',
        'web',
        '--image=host',
        '--replicas=2',
        '--',
        'python3',
        '-m',
        'http.server',
        '80',
      );
      assert.match(
        await cluster.kubectl('rollout', 'status', 'deployment/web', '--timeout=60s'),
        /successfully rolled out/,
      );
      await cluster.kubectl('run', 'frontend', '--image=host', '--', 'sleep', 'infinity');
      await cluster.kubectl('wait', ...READY, 'pod/frontend');
      assert.equal(await cluster.apply(manifest), 'service/api-svc created\n');
      assert.equal(await cluster.apply(manifest), 'service/api-svc unchanged\n');
      address = await cluster.jsonpath('{.spec.clusterIP}', 'service', 'api-svc');
      assert.match(address, /^10\.(9[6-9]|10\d|11[01])\.\d+\.\d+$/);
    });

    await t.test('get and describe show what Kubernetes shows', async () => {
      const [header, row] = (await cluster.kubectl('get', 'service', 'api-svc')).split('\n');
      assert.match(header ?? '', /^NAME\s+TYPE\s+CLUSTER-IP\s+EXTERNAL-IP\s+PORT\(S\)\s+AGE$/);
      assert.match(
        row ?? '',
        new RegExp(`^api-svc\\s+ClusterIP\\s+${address.replaceAll('.', '\\.')}\\s+<none>\\s+80/TCP\\s+\\d+s$`),
      );
      assert.match(await cluster.kubectl('get', 'service', 'api-svc', '-o', 'wide'), /SELECTOR\n.*app=web/);
      assert.match(
        await cluster.kubectl('get', 'service', 'api-svc', '-o', 'yaml'),
        new RegExp(`clusterIP: ${address}`),
      );
      const ips = (await cluster.jsonpath('{.items[*].status.podIP}', 'pods', '-l', 'app=web')).split(' ').sort();
      assert.equal(ips.length, 2);
      const described = await cluster.kubectl('describe', 'service', 'api-svc');
      assert.match(described, new RegExp(`^IP:\\s+${address}$`, 'm'));
      assert.match(described, /^Port:\s+<unset>\s+80\/TCP$/m);
      assert.match(described, /^TargetPort:\s+80\/TCP$/m);
      assert.match(described, /^Selector:\s+app=web$/m);
      const listed = /^Endpoints:\s+(.*)$/m.exec(described)?.[1]?.split(',').sort();
      assert.deepEqual(
        listed,
        ips.map((ip) => `${ip}:80`),
      );
      for (const kind of ['pods', 'deployments', 'endpoints', 'endpointslices', 'nodes', 'namespaces']) {
        assert.match(await cluster.kubectl('get', kind), /^NAME\s/);
      }
    });

    await t.test('a Pod reaches the Service by every name and the address', async () => {
      for (const host of [
        address,
        'api-svc',
        'api-svc.default',
        'api-svc.default.svc',
        'api-svc.default.svc.cluster.local',
      ]) {
        assert.match(await get(cluster, 'frontend', `http://${host}/etc/hostname`), /^\S+$/, host);
      }
    });

    await t.test('exec gives the exit code back, logs the output', async () => {
      assert.equal((await cluster.try(['exec', 'frontend', '--', 'sh', '-c', 'exit 7'])).code, 7);
      const pod = await cluster.jsonpath('{.items[0].metadata.name}', 'pods', '-l', 'app=web');
      await eventually(
        'requests in the log',
        true,
        async () =>
          /GET \/etc\/hostname/.test(await cluster.kubectl('logs', pod)) ||
          /GET \/etc\/hostname/.test(await cluster.kubectl('logs', '-l', 'app=web')),
      );
    });

    await t.test('the API answers a Pod over TLS with its service account', async () => {
      await cluster.kubectl(
        'create',
        'rolebinding',
        'pods-may-look',
        '--clusterrole=view',
        '--serviceaccount=default:default',
      );
      const script = `d=/var/run/secrets/kubernetes.io/serviceaccount; curl -sS --fail --max-time 5 --cacert $d/ca.crt -H "Authorization: Bearer $(cat $d/token)" https://kubernetes.default.svc/api/v1/namespaces/$(cat $d/namespace)/services/api-svc`;
      const answer = JSON.parse(await cluster.kubectl('exec', 'frontend', '--', 'sh', '-c', script)) as {
        spec: { clusterIP: string };
      };
      assert.equal(answer.spec.clusterIP, address);
      assert.equal(
        await cluster.kubectl('exec', 'frontend', '--', 'sh', '-c', 'echo $KUBERNETES_SERVICE_HOST'),
        '10.96.0.1\n',
      );
    });

    await t.test('requests spread over all endpoints on all nodes, TCP and UDP', async () => {
      await cluster.apply(deployment({ name: 'who', replicas: 3 }));
      await cluster.apply(service({ name: 'who', selector: { app: 'who' } }));
      assert.equal(
        await cluster.jsonpath('{.spec.type}', 'service', 'who'),
        'ClusterIP',
        'what a Service is by default',
      );
      await cluster.apply(deployment({ name: 'udp', replicas: 3, protocol: 'UDP', port: 5353 }));
      await cluster.apply(
        service({ name: 'udp', selector: { app: 'udp' }, port: 53, targetPort: 5353, protocol: 'UDP' }),
      );
      await cluster.kubectl('rollout', 'status', 'deployment/who', '--timeout=60s');
      await cluster.kubectl('rollout', 'status', 'deployment/udp', '--timeout=60s');
      const nodes = new Set((await cluster.jsonpath('{.items[*].spec.nodeName}', 'pods', '-l', 'app=who')).split(' '));
      assert.equal(nodes.size, 3);
      const names = async (app: string): Promise<string[]> =>
        (await cluster.jsonpath('{.items[*].metadata.name}', 'pods', '-l', `app=${app}`)).split(' ').sort();
      await eventually('all answer', await names('who'), async () =>
        [...(await tally(cluster, 'frontend', 'http://who', 60)).keys()].sort(),
      );
      await eventually('all answer over UDP', await names('udp'), async () =>
        [...(await tallyUdp(cluster, 'frontend', 'udp', 53, 60)).keys()].sort(),
      );
    });

    await t.test('Pods of every node and the nodes themselves reach Pods and Services', async () => {
      const ips = (await cluster.jsonpath('{.items[*].status.podIP}', 'pods', '-l', 'app=who')).split(' ');
      for (const nodeName of ['node-1', 'node-2', 'node-3']) {
        await cluster.apply(clientPod(`pod-on-${nodeName}`, { nodeName }));
        await cluster.apply(clientPod(`at-${nodeName}`, { nodeName, hostNetwork: true }));
      }
      for (const nodeName of ['node-1', 'node-2', 'node-3']) {
        for (const pod of [`pod-on-${nodeName}`, `at-${nodeName}`]) {
          await cluster.kubectl('wait', ...READY, `pod/${pod}`);
          for (const ip of ips) assert.match(await get(cluster, pod, `http://${ip}`), /^who-/, `${pod} -> ${ip}`);
          assert.match(await get(cluster, pod, 'http://who.default.svc.cluster.local'), /^who-/, `${pod} -> who`);
        }
      }
    });

    await t.test('a Pod reaches itself through its own Service', async () => {
      const one = await cluster.jsonpath('{.items[0].metadata.name}', 'pods', '-l', 'app=who');
      await cluster.kubectl('label', 'pod', one, 'self=yes');
      await cluster.apply(service({ name: 'self', selector: { self: 'yes' } }));
      await eventually('it answers itself', one, async () => {
        const done = await cluster.try(['exec', one, '--', 'curl', '-sS', '--max-time', '3', 'http://self']);
        return done.stdout.split(' ')[0] ?? '';
      });
    });

    await t.test('without endpoints a connection is refused at once; Pods that are not ready get none', async () => {
      await cluster.apply(service({ name: 'nobody', selector: { app: 'nobody' } }));
      await cluster.apply(deployment({ name: 'shy', replicas: 1, readyFile: '/tmp/ready' }));
      await cluster.apply(service({ name: 'shy', selector: { app: 'shy' } }));
      assert.equal(await knock(cluster, 'frontend', 'nobody', 80), 'refused');
      assert.equal(await knock(cluster, 'at-node-2', 'nobody.default.svc.cluster.local', 80), 'refused');
      // What no rule of mode iptables knows ends on a bridge without ports.
      assert.equal(await knock(cluster, 'frontend', address, 81), proxyMode === 'nftables' ? 'refused' : 'timeout');
      await eventually('the shy Pod runs', 'Running', () =>
        cluster.jsonpath('{.items[0].status.phase}', 'pods', '-l', 'app=shy'),
      );
      assert.equal(await knock(cluster, 'frontend', 'shy', 80), 'refused');
      const shy = await cluster.jsonpath('{.items[0].metadata.name}', 'pods', '-l', 'app=shy');
      await cluster.kubectl('exec', shy, '--', 'touch', '/tmp/ready');
      await cluster.kubectl('wait', ...READY, `pod/${shy}`);
      await eventually('the ready Pod answers', 'answered', () => knock(cluster, 'frontend', 'shy', 80));
      await cluster.kubectl('exec', shy, '--', 'rm', '/tmp/ready');
      await eventually('no traffic once it is not ready', 'refused', () => knock(cluster, 'frontend', 'shy', 80));
    });

    await t.test('every Pod is replaced under load: the address stays, nothing fails', async () => {
      const whoIp = await cluster.jsonpath('{.spec.clusterIP}', 'service', 'who');
      const living = await cluster.jsonpath('{.items[0].metadata.name}', 'pods', '-l', 'app=web');
      const load = spawnLoad(cluster, whoIp, address);
      await load.begun;
      await cluster.kubectl('rollout', 'restart', 'deployment/who');
      await cluster.kubectl('rollout', 'status', 'deployment/who', '--timeout=90s');
      const result = await load.stop();
      assert.equal(result.failed, 0, JSON.stringify(result));
      assert.ok(result.pods > 3, `requests reached ${result.pods} Pods, of three old and three new`);
      assert.equal(result.kept, true, 'the open connection went on');
      assert.equal(await cluster.jsonpath('{.spec.clusterIP}', 'service', 'who'), whoIp);
      assert.equal(await cluster.jsonpath('{.metadata.name}', 'pod', living), living);
    });

    await t.test('scale up and down', async () => {
      await cluster.kubectl('scale', 'deployment', 'who', '--replicas=5');
      await cluster.kubectl('rollout', 'status', 'deployment/who', '--timeout=60s');
      await eventually('five answer', 5, async () => (await tally(cluster, 'frontend', 'http://who', 80)).size);
      await cluster.kubectl('scale', 'deployment', 'who', '--replicas=1');
      await eventually('one answers', 1, async () => (await tally(cluster, 'frontend', 'http://who', 20)).size);
    });

    await t.test('deleting the Service frees the address and silences the name', async () => {
      await cluster.kubectl('delete', 'service', 'api-svc');
      await eventually('the name is gone', 'no such name', () =>
        knock(cluster, 'frontend', 'api-svc.default.svc.cluster.local', 80),
      );
      assert.notEqual(await knock(cluster, 'frontend', address, 80), 'answered');
      const again = JSON.parse(service({ name: 'again', selector: { app: 'web' } })) as {
        spec: Record<string, unknown>;
      };
      again.spec['clusterIP'] = address;
      await cluster.apply(JSON.stringify(again));
      await eventually('the same address serves anew', 'answered', () => knock(cluster, 'frontend', address, 80));
      const taken = JSON.parse(service({ name: 'taken', selector: { app: 'web' } })) as {
        spec: Record<string, unknown>;
      };
      taken.spec['clusterIP'] = address;
      const refused = await cluster.try(['create', '-f', '-'], JSON.stringify(taken));
      assert.match(refused.stderr, /provided IP is already allocated/);
    });

    await t.test('delete removes a Deployment with its Pods', async () => {
      await cluster.kubectl('delete', 'deployment', 'who', 'udp', 'shy');
      await eventually(
        'its Pods are gone',
        '',
        () => cluster.jsonpath('{.items[*].metadata.name}', 'pods', '-l', 'app in (who,udp,shy)'),
        60,
      );
    });
  });
}

interface LoadResult {
  readonly answered: number;
  readonly failed: number;
  readonly pods: number;
  readonly kept: boolean;
  readonly errors: readonly string[];
}

/** New connections one after the other to `host`, and one connection to `keptHost` that stays open, until stopped. */
function spawnLoad(
  cluster: TestCluster,
  host: string,
  keptHost: string,
): { readonly begun: Promise<void>; stop(): Promise<LoadResult> } {
  const program = `
import http.client, json, sys, threading, time
kept = http.client.HTTPConnection("${keptHost}", 80, timeout=5)
kept.connect()
sock = kept.sock
answered, failed, pods, errors = 0, 0, set(), []
stop = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
end = time.time() + 120
after = 0
while after < 50 and time.time() < end:
    # Some of the requests come surely before and some surely after what happens in between.
    after += stop.is_set()
    if answered + failed == 50: print("begun", flush=True)
    try:
        c = http.client.HTTPConnection("${host}", 80, timeout=5)
        c.request("GET", "/")
        pods.add(c.getresponse().read().split()[0])
        c.close()
        answered += 1
    except Exception as error:
        failed += 1
        errors.append(repr(error))
kept.request("GET", "/etc/hostname")
ok = kept.getresponse().status == 200 and kept.sock in (sock, None)
print(json.dumps(dict(answered=answered, failed=failed, pods=len(pods), kept=ok, errors=errors[:5])))
`;
  const child = spawn(
    [...prefix(cluster.mode), 'kubectl'][0] ?? 'kubectl',
    [...[...prefix(cluster.mode), 'kubectl'].slice(1), 'exec', '-i', 'frontend', '--', 'python3', '-c', program],
    { env: cluster.home.env(), stdio: ['pipe', 'pipe', 'inherit'] },
  );
  let output = '';
  const begun = new Promise<void>((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (output.startsWith('begun\n')) resolve();
    });
    child.once('close', () => reject(new Error(`the load ended before it began: ${output}`)));
  });
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  return {
    begun,
    async stop() {
      child.stdin.end();
      await closed;
      return JSON.parse(output.replace('begun\n', '')) as LoadResult;
    },
  };
}
