import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import type { Container, Pod } from '#api/generated/types.ts';
import { pods } from '#api/resource.ts';
import { CgroupTree } from './cgroup/cgroup-tree-sync.ts';
import { SandboxRuntime } from './sandbox/runtime-agent.ts';
import { isolateTests } from './testing/isolated.ts';
import { isReady, podSummary } from './testing/pod-summary.ts';
import { TestNodes } from './testing/test-nodes.ts';

const sleeper = { command: ['sleep', 'infinity'] };

/** Answers each datagram with what it says and its own name. */
const UDP_ECHO = `
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", 53))
while True:
    data, peer = s.recvfrom(2048)
    s.sendto(data + b" from " + socket.gethostname().encode(), peer)
`;
const UDP_ASK = `
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(0.2)
while True:
    s.sendto(b"hello", (sys.argv[1], int(sys.argv[2])))
    try: print(s.recvfrom(2048)[0].decode()); break
    except OSError: pass
`;
/** A gRPC health service: HTTP/2 of Node, which every machine with this checkout has. */
const GRPC = `
const http2 = require('node:http2');
http2.createServer().on('stream', (stream, headers) => {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.end(Buffer.from([0, 0, 0, 0, 2, 8, require('node:fs').existsSync('/tmp/serving') ? 1 : 2]));
}).listen(9000);
`;

const failed = ({ status }: Pod): boolean => status?.phase === 'Failed';

isolateTests(import.meta.url, () => {
  const tree = CgroupTree.open(`clusterip-test-${process.ppid}-features`);
  const runtime = new SandboxRuntime(systemClock, tree);

  test('UDP ports of the node lead to Pods, each on the address that it asks for', async () => {
    await using nodes = await TestNodes.start(runtime, 1);
    const server = (hostIP: string): Partial<Container> => ({
      command: ['python3', '-c', UDP_ECHO],
      ports: [{ containerPort: 53, hostPort: 5353, protocol: 'UDP', hostIP }],
    });
    await nodes.run('one', server('172.18.0.2'));
    await nodes.run('other', server('127.0.0.1'));
    await nodes.run('client', sleeper, { hostNetwork: true });
    for (const name of ['one', 'other', 'client']) await nodes.until(name, isReady);
    const ask = (address: string): Promise<string> => nodes.exec('client', 'python3', '-c', UDP_ASK, address, '5353');
    assert.equal(await ask('172.18.0.2'), 'hello from one\n');
    assert.equal(await ask('127.0.0.1'), 'hello from other\n');
    await nodes.client.delete(pods, { namespace: 'default', name: 'one' }, { gracePeriodSeconds: 0 });
    await nodes.forgotten('one');
    await nodes.run('next', server('172.18.0.2'));
    await nodes.until('next', isReady);
    assert.equal(await ask('172.18.0.2'), 'hello from next\n');
  });

  test('a Pod sees the processes and the shared memory of its node where it asks for them', async () => {
    await using nodes = await TestNodes.start(runtime, 1);
    await nodes.run('other', { command: ['sleep', '4321'] });
    await nodes.until('other', isReady);
    const command = ['sh', '-c', 'sleep 5432 & exec sleep infinity'];
    await nodes.run('host', { command }, { hostPID: true, hostIPC: true, terminationGracePeriodSeconds: 0 });
    await nodes.until('host', isReady);
    const find = 'until grep -aq 4321 /proc/[0-9]*/cmdline 2>/dev/null; do sleep 0.02; done; echo seen';
    assert.equal(await nodes.exec('host', 'sh', '-c', find), 'seen\n');
    assert.notEqual(
      await nodes.exec('host', 'readlink', '/proc/self/ns/ipc'),
      await nodes.exec('other', 'readlink', '/proc/self/ns/ipc'),
    );
    if (tree.notice !== undefined) return;
    // Its processes do not outlive it, though the first of them is not the first of a namespace.
    await nodes.client.delete(pods, { namespace: 'default', name: 'host' }, { gracePeriodSeconds: 0 });
    await nodes.forgotten('host');
    await nodes.run('look', sleeper, { hostPID: true });
    await nodes.until('look', isReady);
    const gone = 'while grep -alq 5432 /proc/[0-9]*/cmdline 2>/dev/null; do sleep 0.02; done; echo gone';
    assert.equal(await nodes.exec('look', 'sh', '-c', gone.replace('5432', '543[2]')), 'gone\n');
  });

  test('a sidecar starts before the others, serves them to their end, and ends after them', async () => {
    await using nodes = await TestNodes.start(runtime, 1);
    const mounts = { volumeMounts: [{ name: 'log', mountPath: '/log' }] };
    const side = 'trap "echo side ends >> /log/log; exit 0" TERM; echo side >> /log/log; while :; do sleep 0.02; done';
    await nodes.run(
      'job',
      { command: ['sh', '-c', 'cat /log/log; echo main >> /log/log'], ...mounts },
      {
        restartPolicy: 'Never',
        terminationGracePeriodSeconds: 20,
        volumes: [{ name: 'log', emptyDir: {} }],
        initContainers: [
          {
            name: 'side',
            image: 'host',
            restartPolicy: 'Always',
            command: ['sh', '-c', side],
            startupProbe: { exec: { command: ['test', '-s', '/log/log'] }, periodSeconds: 1 },
            ...mounts,
          },
        ],
      },
    );
    const done = await nodes.until('job', ({ status }) => status?.phase === 'Succeeded');
    assert.match(podSummary(done), /^Succeeded .*; side exit 0 Completed restarts 0; c exit 0 Completed restarts 0$/);
  });

  test('preStop hooks of all containers run at once, and signals come in the order of the containers', async () => {
    await using nodes = await TestNodes.start(runtime, 1);
    const volumeMounts = [{ name: 'log', mountPath: '/log' }];
    const container = (name: string, hook: string): Container => ({
      name,
      image: 'host',
      command: [
        'sh',
        '-c',
        `trap "echo ${name} ends >> /log/log; exit 0" TERM; touch /up; while :; do sleep 0.02; done`,
      ],
      readinessProbe: { exec: { command: ['test', '-e', '/up'] }, periodSeconds: 1 },
      lifecycle: { preStop: { exec: { command: ['sh', '-c', hook] } } },
      volumeMounts,
    });
    // No hook ends before all have begun; and a hostPath outlives the Pod.
    const meet = (name: string): string =>
      `touch /log/${name}; until [ -e /log/x -a -e /log/y -a -e /log/c ]; do sleep 0.02; done; echo met >> /log/log`;
    const directory = mkdtempSync(`${nodes.stateDir}/hooks-`);
    await nodes.run('ordered', container('c', meet('c')), {
      terminationGracePeriodSeconds: 20,
      initContainers: ['x', 'y'].map((name) => ({ ...container(name, meet(name)), restartPolicy: 'Always' })),
      volumes: [{ name: 'log', hostPath: { path: directory } }],
    });
    await nodes.until('ordered', isReady);
    await nodes.client.delete(pods, { namespace: 'default', name: 'ordered' }, {});
    await nodes.gone('ordered');
    const log = readFileSync(`${directory}/log`, 'utf8').split('\n');
    assert.deepEqual(
      log.filter((line) => line.endsWith('ends')),
      ['c ends', 'y ends', 'x ends'],
    );
    assert.equal(log.filter((line) => line === 'met').length, 3);
  });

  test('a container with a postStart hook comes before those after it', async () => {
    await using nodes = await TestNodes.start(runtime, 1);
    const volumeMounts = [{ name: 'shared', mountPath: '/shared' }];
    const hook = ['sh', '-c', 'sleep 0.3; echo ready > /shared/proxy'];
    await nodes.run(
      'app',
      {},
      {
        volumes: [{ name: 'shared', emptyDir: {} }],
        containers: [
          {
            name: 'proxy',
            image: 'host',
            ...sleeper,
            volumeMounts,
            lifecycle: { postStart: { exec: { command: hook } } },
          },
          { name: 'app', image: 'host', command: ['sh', '-c', 'cat /shared/proxy; exec sleep infinity'], volumeMounts },
        ],
      },
    );
    const seen: string[] = [];
    await nodes.until('app', (pod) => {
      seen.push(pod.status?.phase ?? '');
      return isReady(pod);
    });
    assert.deepEqual([...new Set(seen)], ['', 'Pending', 'Running']);
    const path = runtime.find({ namespace: 'default', pod: 'app', container: 'app' })?.logPath ?? '';
    let log = '';
    for (let tries = 0; tries < 500 && log === ''; tries++) {
      await systemClock.sleep(20);
      log = readFileSync(path, 'utf8');
    }
    assert.match(log, /^\S+ stdout F ready\n$/);
  });

  test('a Pod that has failed says so when nothing of it runs any more', async () => {
    await using nodes = await TestNodes.start(runtime, 1);
    const script = 'trap "sleep 0.5; exit 3" TERM; touch /up; while :; do sleep 0.02; done';
    await nodes.run(
      'late',
      { command: ['sh', '-c', script] },
      { activeDeadlineSeconds: 1, terminationGracePeriodSeconds: 20 },
    );
    const late = await nodes.until('late', failed);
    assert.equal(late.status?.containerStatuses?.[0]?.state?.terminated?.exitCode, 3);
    assert.equal(late.status?.reason, 'DeadlineExceeded');
  });

  test('a Pod that runs longer than it may fails, and one that writes more than it may is evicted', async () => {
    await using nodes = await TestNodes.start(runtime, 1);
    await nodes.run('late', sleeper, { activeDeadlineSeconds: 1, terminationGracePeriodSeconds: 0 });
    const big = { name: 'big', emptyDir: { sizeLimit: '1Mi' } };
    const write = { command: ['sh', '-c', 'head -c 3000000 /dev/zero > /big/file; exec sleep infinity'] };
    await nodes.run(
      'writer',
      { ...write, volumeMounts: [{ name: 'big', mountPath: '/big' }] },
      { volumes: [big], terminationGracePeriodSeconds: 0 },
    );
    // What no container of it may write alone, nor any volume hold, they may still not keep together.
    await nodes.run(
      'whole',
      {
        ...write,
        volumeMounts: [{ name: 'big', mountPath: '/big' }],
        resources: { limits: { 'ephemeral-storage': '2048Ki' } },
      },
      { volumes: [{ name: 'big', emptyDir: {} }], terminationGracePeriodSeconds: 0 },
    );
    const late = await nodes.until('late', failed);
    assert.equal(late.status?.reason, 'DeadlineExceeded');
    const writer = await nodes.until('writer', failed);
    assert.deepEqual(
      [writer.status?.reason, writer.status?.message],
      ['Evicted', 'Usage of EmptyDir volume "big" exceeds the limit "1Mi". '],
    );
    const whole = await nodes.until('whole', failed);
    assert.equal(
      whole.status?.message,
      'Pod ephemeral local storage usage exceeds the total limit of containers 2Mi. ',
    );
    assert.ok((await nodes.events('writer')).some((event) => event.startsWith('Warning Evicted Usage of EmptyDir')));
  });

  test('preStop hooks come before the signal; their failure is told and stops nothing', async () => {
    await using nodes = await TestNodes.start(runtime, 1);
    const polite = 'trap "exit 0" TERM; touch /tmp/up; while :; do sleep 0.02; done';
    const readinessProbe = { exec: { command: ['test', '-e', '/tmp/up'] }, periodSeconds: 1 };
    const hooks = { sleep: { sleep: { seconds: 1 } }, bad: { exec: { command: ['sh', '-c', 'echo no; exit 1'] } } };
    for (const [name, preStop] of Object.entries(hooks)) {
      await nodes.run(name, { command: ['sh', '-c', polite], readinessProbe, lifecycle: { preStop } });
      await nodes.until(name, isReady);
    }
    for (const name of Object.keys(hooks)) {
      await nodes.client.delete(pods, { namespace: 'default', name }, { gracePeriodSeconds: 20 });
      await nodes.gone(name);
    }
    const events = await nodes.events('bad');
    assert.ok(events.includes('Warning FailedPreStopHook PreStopHook failed'), events.join('\n'));
    assert.deepEqual(
      (await nodes.events('sleep')).filter((event) => event.startsWith('Warning')),
      [],
    );
  });

  test('probes by gRPC, TCP and HTTP say why in the words of a kubelet', async () => {
    await using nodes = await TestNodes.start(runtime, 1);
    const often = { periodSeconds: 1, failureThreshold: 1 };
    // Wherever it is: what lies in /tmp the image host does not show.
    const volumes = [{ name: 'node', hostPath: { path: process.execPath } }];
    const volumeMounts = [{ name: 'node', mountPath: '/node' }];
    const readinessProbe = { grpc: { port: 9000 }, ...often };
    await nodes.run('grpc', { command: ['/node', '-e', GRPC], readinessProbe, volumeMounts }, { volumes });
    await nodes.run('tcp', { ...sleeper, readinessProbe: { tcpSocket: { port: 81 }, ...often } });
    await nodes.run('http', { ...sleeper, readinessProbe: { httpGet: { port: 82, path: '/up' }, ...often } });
    const unhealthy = async (name: string, pattern: RegExp): Promise<void> => {
      let events: readonly string[] = [];
      for (let tries = 0; tries < 200; tries++) {
        events = await nodes.events(name);
        if (events.some((event) => pattern.test(event))) return;
        await systemClock.sleep(100);
      }
      assert.fail(events.join('\n'));
    };
    await unhealthy(
      'grpc',
      /Warning Unhealthy Readiness probe failed: service unhealthy \(responded with "NOT_SERVING"\)/,
    );
    await unhealthy('tcp', /Readiness probe failed: dial tcp 10\.244\.0\.\d+:81: connect: connection refused/);
    await unhealthy(
      'http',
      /Readiness probe failed: Get "http:\/\/10\.244\.0\.\d+:82\/up": dial tcp 10\.244\.0\.\d+:82: connect: connection refused/,
    );
    await nodes.exec('grpc', 'touch', '/tmp/serving');
    await nodes.until('grpc', isReady);
  });

  test('a readiness gate keeps a Pod unready until somebody opens it', async () => {
    await using nodes = await TestNodes.start(runtime, 1);
    await nodes.run('gated', sleeper, { readinessGates: [{ conditionType: 'example.com/gate' }] });
    const condition = (pod: Pod, type: string): string | undefined =>
      pod.status?.conditions?.find((one) => one.type === type)?.status;
    const closed = await nodes.until('gated', (pod) => condition(pod, 'ContainersReady') === 'True');
    assert.equal(condition(closed, 'Ready'), 'False');
    const open = [...(closed.status?.conditions ?? []), { type: 'example.com/gate', status: 'True' }];
    const ref = { namespace: 'default', name: 'gated' };
    await nodes.client.patch(
      pods,
      ref,
      { kind: 'merge', body: { status: { conditions: open } } },
      { subresource: 'status' },
    );
    await nodes.until('gated', isReady);
  });

  test('volumes show labels as they are now, parts of themselves, their modes, and no more than their size', async () => {
    await using nodes = await TestNodes.start(runtime, 1);
    const labels = { path: 'labels', fieldRef: { fieldPath: 'metadata.labels' }, mode: 0o400 };
    await nodes.run(
      'box',
      {
        ...sleeper,
        env: [{ name: 'PART', value: 'part' }],
        volumeMounts: [
          { name: 'about', mountPath: '/about' },
          { name: 'memory', mountPath: '/memory' },
          { name: 'memory', mountPath: '/part', subPath: 'a/b' },
          { name: 'memory', mountPath: '/expr', subPathExpr: 'x-$(PART)' },
          { name: 'disk', mountPath: '/disk' },
          { name: 'memory', mountPath: '/disk/new/memory', subPath: 'a' },
          { name: 'about', mountPath: '/disk/labels', subPath: 'labels' },
        ],
      },
      {
        securityContext: { fsGroup: 0 },
        volumes: [
          { name: 'about', downwardAPI: { items: [labels], defaultMode: 0o440 } },
          { name: 'memory', emptyDir: { medium: 'Memory', sizeLimit: '0.5Mi' } },
          { name: 'disk', emptyDir: {} },
        ],
      },
    );
    await nodes.until('box', isReady);
    assert.equal(await nodes.exec('box', 'stat', '-c', '%a %g', '/disk', '/memory'), '2777 0\n3777 0\n');
    const nested = 'touch /disk/new/memory/b/inner; ls /disk /part; ! touch /disk/labels 2>&1';
    assert.match(
      await nodes.exec('box', 'sh', '-c', nested),
      /^\/disk:\nlabels\nnew\n\n\/part:\ninner\n.*Read-only file system\n$/,
    );
    const key = 'cd /disk; touch key; chmod 600 key; chmod 700 .';
    await nodes.exec('box', 'sh', '-c', key);
    assert.equal(await nodes.exec('box', 'stat', '-Lc', '%a', '/about/labels'), '440\n');
    const body = { metadata: { labels: { tier: 'gold' } } };
    await nodes.client.patch(pods, { namespace: 'default', name: 'box' }, { kind: 'merge', body });
    const wait = 'until grep gold /about/labels; do sleep 0.02; done';
    assert.equal(await nodes.exec('box', 'sh', '-c', wait), 'tier="gold"\n');
    const parts = 'echo 1 > /part/f; echo 2 > /expr/f; cat /memory/a/b/f /memory/x-part/f';
    assert.equal(await nodes.exec('box', 'sh', '-c', parts), '1\n2\n');
    const fill = 'head -c 3000000 /dev/zero 2>/dev/null > /memory/big || stat -c %s /memory/big';
    const size = Number(await nodes.exec('box', 'sh', '-c', fill));
    assert.ok(size > 0 && size <= 1 << 19, String(size));
    // What the Pod made of them since is its own affair.
    assert.equal(await nodes.exec('box', 'stat', '-c', '%a', '/disk', '/disk/key'), '2700\n600\n');
  });

  test('everything goes with the tests', () => tree[Symbol.dispose]());
});
