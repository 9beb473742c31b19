import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { availableParallelism, homedir } from 'node:os';
import { test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import type { Container, Pod } from '#api/generated/types.ts';
import { configMaps, pods, secrets, services } from '#api/resource.ts';
import { SandboxRuntime } from './sandbox/runtime-agent.ts';
import { isolateTests } from './testing/isolated.ts';
import { isReady, podSummary } from './testing/pod-summary.ts';
import { TestNodes } from './testing/test-nodes.ts';

const sleeper = { command: ['sleep', 'infinity'] };
/** Ends at SIGTERM, which a first process without a handler never sees; ready when it has one. */
const polite = {
  command: ['sh', '-c', 'trap "exit 0" TERM; touch /tmp/up; while :; do sleep 0.05; done'],
  readinessProbe: { exec: { command: ['test', '-e', '/tmp/up'] } },
};

function logOf(nodes: TestNodes, pod: string): string {
  const handle = nodes.runtime.find({ namespace: 'default', pod });
  assert.ok(handle);
  return readFileSync(handle.logPath, 'utf8').replaceAll(/^\S+Z /gm, '');
}

isolateTests(import.meta.url, () => {
  const runtime = new SandboxRuntime(systemClock);

  test('Pods on two nodes reach each other', async () => {
    await using nodes = await TestNodes.start(runtime, 2);
    await nodes.run('server', { command: ['python3', '-m', 'http.server', '80'] }, { nodeName: 'node-2' });
    await nodes.run('client', sleeper);
    const server = await nodes.until('server', isReady);
    const client = await nodes.until('client', isReady);
    assert.equal(podSummary(server), 'Running 10.244.1.2 on 172.18.0.3 ready; c running restarts 0');
    assert.equal(podSummary(client), 'Running 10.244.0.2 on 172.18.0.2 ready; c running restarts 0');
    const fetch =
      'until curl -sf -o /dev/null http://10.244.1.2/; do sleep 0.02; done; curl -s http://10.244.1.2/etc/hostname';
    assert.equal(await nodes.exec('client', 'sh', '-c', fetch), 'server\n');
    assert.match(logOf(nodes, 'server'), /10\.244\.0\.2 - - .* "GET \/etc\/hostname HTTP\/1\.1" 200/);
  });

  test('a Pod sees its own name, addresses, resolver and files, and cannot change the machine', async () => {
    await using nodes = await TestNodes.start(runtime, 1);
    await nodes.run('box', sleeper, { hostAliases: [{ ip: '1.2.3.4', hostnames: ['alias'] }] });
    await nodes.until('box', isReady);
    assert.equal(await nodes.exec('box', 'hostname'), 'box\n');
    assert.equal(await nodes.exec('box', 'cat', '/etc/hostname'), 'box\n');
    assert.match(await nodes.exec('box', 'cat', '/etc/hosts'), /^10\.244\.0\.2\tbox\n\n# .*\n1\.2\.3\.4\talias\n$/m);
    assert.match(
      await nodes.exec('box', 'cat', '/etc/resolv.conf'),
      /^search default\.svc\.cluster\.local .*\nnameserver 10\.96\.0\.10\noptions ndots:5\n$/,
    );
    assert.equal(
      await nodes.exec('box', 'sh', '-c', 'ls /proc | grep -c "^1$"; tr "\\0" " " < /proc/1/cmdline'),
      '1\nsleep infinity ',
    );
    const mark = `clusterip-test-${process.pid}`;
    const home = homedir();
    const places = ['/etc', '/tmp', '/run', '/var/lib', '/var/log', '/usr/local', home].filter((path) =>
      existsSync(path),
    );
    for (const place of places) {
      await nodes.exec('box', 'sh', '-c', `mkdir -p ${place} && echo x > ${place}/${mark} && cat ${place}/${mark}`);
      assert.equal(await nodes.exec('box', 'cat', `${place}/${mark}`), 'x\n', `${place} is not writable`);
      assert.equal(existsSync(`${place}/${mark}`), false, `${place} is the machine's own`);
    }
    assert.equal(await nodes.exec('box', 'sh', '-c', `ls -A ${nodes.stateDir} 2>/dev/null | wc -l`), '0\n');
    assert.equal(
      await nodes.exec('box', 'sh', '-c', 'echo to-a-path > /dev/stdout; echo x > /dev/null'),
      'to-a-path\n',
    );
  });

  test('a Pod that was bound to a node where it has no room is rejected, and the node goes on', async () => {
    await using nodes = await TestNodes.start(runtime, 1);
    const cpus = availableParallelism();
    const asking = (cpu: string): Partial<Container> => ({ ...sleeper, resources: { requests: { cpu } } });
    await nodes.run('half', asking(`${cpus * 500}m`));
    await nodes.until('half', isReady);
    await nodes.run('much', asking(`${cpus * 500 + 1}m`));
    const much = await nodes.until('much', ({ status }) => status?.phase === 'Failed');
    const why = `Node didn't have enough resource: cpu, requested: ${cpus * 500 + 1}, used: ${cpus * 500}, capacity: ${cpus * 1000}`;
    const { reason, message, podIP, containerStatuses } = much.status ?? {};
    assert.deepEqual(
      [reason, message, podIP, containerStatuses],
      ['OutOfcpu', `Pod was rejected: ${why}`, undefined, undefined],
    );
    assert.deepEqual(await nodes.events('much'), [`Warning OutOfcpu ${why}`]);
    // Neither one that was rejected nor one that has ended takes anything.
    await nodes.run('fits', asking(`${cpus * 500}m`));
    await nodes.until('fits', isReady);
    await nodes.client.delete(pods, { namespace: 'default', name: 'half' }, { gracePeriodSeconds: 0 });
    await nodes.run('again', asking(`${cpus * 500}m`));
    await nodes.until('again', isReady);
    const gone = nodes.gone('much');
    await nodes.client.delete(pods, { namespace: 'default', name: 'much' }, { gracePeriodSeconds: 1 });
    await gone;
  });

  test('exit code and output of a container come back', async () => {
    await using nodes = await TestNodes.start(runtime, 1);
    const command = ['sh', '-c', 'echo out; echo err >&2; printf done > /dev/termination-log; printf open; exit 3'];
    await nodes.run('job', { command }, { restartPolicy: 'Never' });
    const pod = await nodes.until('job', ({ status }) => status?.phase === 'Failed');
    assert.equal(podSummary(pod), 'Failed 10.244.0.2 on 172.18.0.2; c exit 3 Error "done" restarts 0');
    assert.deepEqual(logOf(nodes, 'job').split('\n').sort(), ['', 'stderr F err', 'stdout F out', 'stdout P open']);
    await nodes.run('ok', { command: ['true'] }, { restartPolicy: 'OnFailure' });
    const ok = await nodes.until('ok', ({ status }) => status?.phase === 'Succeeded');
    assert.equal(podSummary(ok), 'Succeeded 10.244.0.3 on 172.18.0.2; c exit 0 Completed restarts 0');
  });

  test('a container that fails is restarted once at once, and then made to wait', async () => {
    await using nodes = await TestNodes.start(runtime, 1);
    await nodes.run('crash', { command: ['sh', '-c', 'exit 1'] });
    const pod = await nodes.until(
      'crash',
      ({ status }) => status?.containerStatuses?.[0]?.state?.waiting !== undefined,
    );
    assert.equal(
      podSummary(pod),
      'Running 10.244.0.2 on 172.18.0.2; c waiting CrashLoopBackOff "back-off 10s restarting failed container=c ' +
        `pod=crash_default(${pod.metadata.uid})" restarts 1 after exit 1 Error`,
    );
    assert.deepEqual(await nodes.events('crash'), [
      'Normal Pulled Container image "host" already present on machine',
      'Normal Created Created container: c',
      'Normal Started Started container c',
      `Warning BackOff Back-off restarting failed container c in pod crash_default(${pod.metadata.uid})`,
    ]);
    // What the first run wrote over its image goes as soon as the next one is there.
    const runs = `${nodes.stateDir}/node-1/pods/${pod.metadata.uid}/containers`;
    for (let tries = 0; tries < 1000 && readdirSync(runs).length > 1; tries++) await systemClock.sleep(10);
    assert.deepEqual(readdirSync(runs), ['c-1']);
  });

  const broken = [
    {
      name: 'an unknown command',
      container: { command: ['no-such-program'] },
      summary:
        'Failed 10.244.0.2 on 172.18.0.2; c exit 128 StartError "failed to start container \\"c\\": ' +
        'exec: \\"no-such-program\\": executable file not found in $PATH" restarts 0',
    },
    {
      name: 'a command that is no program',
      container: { command: ['/etc/hostname'] },
      summary:
        'Failed 10.244.0.2 on 172.18.0.2; c exit 128 StartError "failed to start container \\"c\\": ' +
        'exec: \\"/etc/hostname\\": permission denied" restarts 0',
    },
    {
      name: 'a command that is a directory',
      container: { command: ['/etc'] },
      summary:
        'Failed 10.244.0.2 on 172.18.0.2; c exit 128 StartError "failed to start container \\"c\\": ' +
        'exec: \\"/etc\\": is a directory" restarts 0',
    },
    {
      name: 'no command',
      container: {},
      summary:
        'Pending 10.244.0.2 on 172.18.0.2; c waiting CreateContainerError ' +
        '"failed to generate container spec: no command specified" restarts 0',
    },
    {
      name: 'an image that cannot be had',
      container: { image: '127.0.0.1:1/app:1' },
      summary:
        'Pending 10.244.0.2 on 172.18.0.2; c waiting ErrImagePull "failed to pull and unpack image ' +
        '\\"127.0.0.1:1/app:1\\": Get \\"http://127.0.0.1:1/v2/app/manifests/1\\": ' +
        'dial tcp 127.0.0.1:1: connect: connection refused" restarts 0',
    },
    {
      name: 'a missing ConfigMap',
      container: { ...sleeper, env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'none', key: 'a' } } }] },
      summary:
        'Pending 10.244.0.2 on 172.18.0.2; c waiting CreateContainerConfigError "configmap \\"none\\" not found" restarts 0',
    },
  ];
  for (const { name, container, summary } of broken) {
    test(`a Pod with ${name} says so`, async () => {
      await using nodes = await TestNodes.start(runtime, 1);
      await nodes.run('broken', container, { restartPolicy: 'Never' });
      const pod = await nodes.until('broken', ({ status }) => {
        const state = status?.containerStatuses?.[0]?.state;
        return state !== undefined && state.waiting?.reason !== 'ContainerCreating';
      });
      assert.equal(podSummary(pod), summary);
      const events = await nodes.events('broken');
      assert.equal(events.includes('Normal Created Created container: c'), summary.includes('StartError'));
    });
  }

  test('init containers run in order before the others, and volumes and variables are there', async () => {
    await using nodes = await TestNodes.start(runtime, 1);
    await nodes.client.create(configMaps, {
      metadata: { namespace: 'default', name: 'cm' },
      data: { a: 'from-map' },
    });
    await nodes.client.create(secrets, {
      metadata: { namespace: 'default', name: 's' },
      data: { b: 'c2VjcmV0' },
    });
    await nodes.client.create(services, {
      metadata: { namespace: 'default', name: 'api-svc' },
      spec: { clusterIP: '10.96.5.5', ports: [{ port: 80 }] },
    });
    await nodes.run(
      'full',
      {
        command: ['sh', '-c', 'cat /shared/log; sleep infinity'],
        env: [
          { name: 'A', valueFrom: { configMapKeyRef: { name: 'cm', key: 'a' } } },
          { name: 'B', valueFrom: { secretKeyRef: { name: 's', key: 'b' } } },
          { name: 'C', value: '$(A)-$(POD)-$$(A)-$(NONE)' },
          { name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
          { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
        ],
        workingDir: '/work/dir',
        volumeMounts: [
          { name: 'shared', mountPath: '/shared' },
          { name: 'cm', mountPath: '/etc/cm', readOnly: true },
          { name: 'token', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' },
        ],
      },
      {
        volumes: [
          { name: 'shared', emptyDir: {} },
          { name: 'cm', configMap: { name: 'cm' } },
          {
            name: 'token',
            projected: {
              sources: [
                { serviceAccountToken: { path: 'token' } },
                { downwardAPI: { items: [{ path: 'namespace', fieldRef: { fieldPath: 'metadata.namespace' } }] } },
              ],
            },
          },
        ],
        initContainers: [1, 2].map((number) => ({
          name: `init-${number}`,
          image: 'host',
          command: ['sh', '-c', `echo init ${number} >> /shared/log`],
          volumeMounts: [{ name: 'shared', mountPath: '/shared' }],
        })),
      },
    );
    const pod = await nodes.until('full', isReady);
    assert.equal(
      podSummary(pod),
      'Running 10.244.0.2 on 172.18.0.2 ready; init-1 exit 0 Completed restarts 0; init-2 exit 0 Completed restarts 0; ' +
        'c running restarts 0',
    );
    assert.equal(
      await nodes.exec('full', 'sh', '-c', 'cat /shared/log; echo $A $B $C $IP; pwd; echo $API_SVC_SERVICE_HOST'),
      'init 1\ninit 2\nfrom-map secret from-map-$(POD)-$(A)-$(NONE) 10.244.0.2\n/work/dir\n10.96.5.5\n',
    );
    assert.equal(
      await nodes.exec('full', 'sh', '-c', 'cat /etc/cm/a; touch /etc/cm/x 2>/dev/null || echo -ro'),
      'from-map-ro\n',
    );
    assert.equal(
      await nodes.exec('full', 'sh', '-c', 'cd /run/secrets/kubernetes.io/serviceaccount; cat token namespace'),
      'a.b.cdefault',
    );
  });

  test('probes decide on readiness and on restarts', async () => {
    await using nodes = await TestNodes.start(runtime, 1);
    await nodes.run('probed', {
      command: ['sh', '-c', 'cd /tmp && exec python3 -m http.server 8080'],
      ports: [{ name: 'web', containerPort: 8080 }],
      readinessProbe: { httpGet: { port: 'web', path: '/ready' }, periodSeconds: 1 },
      livenessProbe: { exec: { command: ['test', '!', '-e', '/tmp/dead'] }, periodSeconds: 1, failureThreshold: 1 },
      startupProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 },
    });
    const started = await nodes.until('probed', ({ status }) => status?.containerStatuses?.[0]?.started === true);
    assert.equal(podSummary(started), 'Running 10.244.0.2 on 172.18.0.2; c running restarts 0');
    await nodes.exec('probed', 'touch', '/tmp/ready');
    await nodes.until('probed', isReady);
    await nodes.exec('probed', 'touch', '/tmp/dead');
    const again = await nodes.until('probed', ({ status }) => status?.containerStatuses?.[0]?.restartCount === 1);
    assert.match(podSummary(again), /^Running .*; c running restarts 1 after exit 137 Error$/);
    const events = await nodes.events('probed');
    assert.ok(
      events.includes('Normal Killing Container c failed liveness probe, will be restarted'),
      events.join('\n'),
    );
    assert.ok(events.some((event) => event.startsWith('Warning Unhealthy Liveness probe failed: ')));
  });

  test('a Pod that is deleted serves until it ends, ends in peace, and leaves nothing', async () => {
    await using nodes = await TestNodes.start(runtime, 1);
    const { uid } = (await nodes.run('gone', polite)).metadata;
    await nodes.until('gone', isReady);
    const seen: string[] = [];
    const watching = nodes.until('gone', (pod) => {
      seen.push(podSummary(pod));
      return pod.status?.phase === 'Succeeded';
    });
    const gone = nodes.gone('gone');
    await nodes.client.delete(pods, { namespace: 'default', name: 'gone' }, { gracePeriodSeconds: 20 });
    await watching;
    await gone;
    assert.deepEqual(
      seen.filter((text, index) => text !== seen[index - 1]),
      [
        'Running 10.244.0.2 on 172.18.0.2 ready; c running restarts 0',
        'Succeeded 10.244.0.2 on 172.18.0.2; c exit 0 Completed restarts 0',
      ],
    );
    assert.equal((await nodes.events('gone')).at(-1), 'Normal Killing Stopping container c');
    await nodes.forgotten('gone');
    assert.deepEqual(readdirSync(`${nodes.stateDir}/node-1/pods`), []);
    assert.deepEqual(readdirSync(`${nodes.stateDir}/node-1/logs`), []);
    await nodes.unwired(1);
    assert.equal(readFileSync('/proc/thread-self/mountinfo', 'utf8').includes(uid), false);
  });

  test('the grace period ends with SIGKILL', async () => {
    await using nodes = await TestNodes.start(runtime, 1);
    await nodes.run('stubborn', sleeper);
    await nodes.until('stubborn', isReady);
    const ended = nodes.until('stubborn', ({ status }) => status?.phase === 'Failed');
    await nodes.client.delete(pods, { namespace: 'default', name: 'stubborn' }, { gracePeriodSeconds: 1 });
    assert.equal(podSummary(await ended), 'Failed 10.244.0.2 on 172.18.0.2; c exit 137 Error restarts 0');
  });

  test('a Pod that is forced out of the API ends at once', async () => {
    await using nodes = await TestNodes.start(runtime, 1);
    await nodes.run('forced', sleeper);
    await nodes.until('forced', isReady);
    await nodes.client.delete(pods, { namespace: 'default', name: 'forced' }, { gracePeriodSeconds: 0 });
    await nodes.forgotten('forced');
    await nodes.unwired(1);
  });

  test('after a restart of the agent the Pods run again with the addresses they had', async () => {
    await using nodes = await TestNodes.start(runtime, 1);
    const mount = { volumeMounts: [{ name: 'kept', mountPath: '/kept' }] };
    await nodes.run('first', sleeper);
    await nodes.until('first', isReady);
    await nodes.run('second', { ...sleeper, ...mount }, { volumes: [{ name: 'kept', emptyDir: {} }] });
    await nodes.until('second', isReady);
    await nodes.run('once', sleeper, { restartPolicy: 'Never' });
    await nodes.until('once', isReady);
    await nodes.exec('second', 'sh', '-c', 'echo here > /kept/file');
    await nodes.stopAll();
    await nodes.unwired(1);
    await nodes.begin(1);
    const restarted = (pod: Pod): boolean => pod.status?.containerStatuses?.[0]?.restartCount === 1 && isReady(pod);
    const lost = 'after exit 255 Unknown "The container was lost when its node restarted"';
    assert.equal(
      podSummary(await nodes.until('second', restarted)),
      `Running 10.244.0.3 on 172.18.0.2 ready; c running restarts 1 ${lost}`,
    );
    assert.equal(
      podSummary(await nodes.until('first', restarted)),
      `Running 10.244.0.2 on 172.18.0.2 ready; c running restarts 1 ${lost}`,
    );
    assert.match((await nodes.events('first')).join('\n'), /^Normal SandboxChanged Pod sandbox changed/m);
    const once = await nodes.until('once', ({ status }) => status?.phase === 'Failed');
    assert.equal(podSummary(once), `Failed 10.244.0.4 on 172.18.0.2; c ${lost.slice('after '.length)} restarts 0`);
    assert.equal(await nodes.exec('second', 'cat', '/kept/file'), 'here\n');
  });

  test('a Pod in the network of its node is on the node', async () => {
    await using nodes = await TestNodes.start(runtime, 1);
    await nodes.run('host', sleeper, { hostNetwork: true });
    const pod = await nodes.until('host', isReady);
    assert.equal(podSummary(pod), 'Running 172.18.0.2 on 172.18.0.2 ready; c running restarts 0');
    assert.equal(await nodes.exec('host', 'hostname'), 'node-1\n');
    assert.equal(
      await nodes.exec('host', 'sh', '-c', 'cat /proc/sys/net/ipv4/ip_forward; ls /sys/class/net'),
      '1\neth0\nlo\nservices\n',
    );
  });

  test('a command in a terminal has one', async () => {
    await using nodes = await TestNodes.start(runtime, 1);
    await nodes.run('term', sleeper);
    const pod = await nodes.until('term', isReady);
    const command = ['sh', '-c', 'tty; read line; echo "got $line"; stty size; exit 4'];
    const ref = { podUid: pod.metadata.uid, container: 'c' };
    const child = runtime.exec({ ...ref, command, tty: true, stdin: true, size: { columns: 101, rows: 33 } });
    let output = '';
    const closed = new Promise((resolve) => child.stdout.once('close', resolve));
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.resize({ columns: 90, rows: 20 });
    child.stdin?.write('hello\n');
    assert.deepEqual(await child.wait(), { code: 4, signal: undefined });
    await closed;
    assert.equal(output.replaceAll('\r', '').replace('hello\n', ''), '/dev/pts/0\ngot hello\n20 90\n');
    assert.throws(() => runtime.exec({ ...ref, command: ['nothing-there'] }), {
      code: 'ERR_COMMAND_NOT_FOUND',
      message: 'exec: "nothing-there": executable file not found in $PATH',
    });
  });
});
