import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import type { Container, Pod } from '#api/generated/types.ts';
import { configMaps, pods } from '#api/resource.ts';
import { SandboxRuntime } from './sandbox/runtime-agent.ts';
import { isolateTests } from './testing/isolated.ts';
import { isReady, podSummary } from './testing/pod-summary.ts';
import { TestNodes } from './testing/test-nodes.ts';

const sleeper = { command: ['sleep', 'infinity'] };

isolateTests(import.meta.url, () => {
  const runtime = new SandboxRuntime(systemClock);

  test('a postStart hook comes before readiness, and its failure restarts the container', async () => {
    await using nodes = await TestNodes.start(runtime, 1);
    const hook = (script: string): object => ({
      lifecycle: { postStart: { exec: { command: ['sh', '-c', script] } } },
    });
    await nodes.run('good', { ...sleeper, ...hook('sleep 0.2; touch /tmp/hooked') });
    await nodes.until('good', isReady);
    assert.equal(await nodes.exec('good', 'ls', '/tmp/hooked'), '/tmp/hooked\n');
    await nodes.run('bad', { ...sleeper, ...hook('echo no way; exit 1') }, { terminationGracePeriodSeconds: 0 });
    await nodes.until('bad', ({ status }) => status?.containerStatuses?.[0]?.lastState?.terminated !== undefined);
    const events = await nodes.events('bad');
    assert.ok(events.includes('Warning FailedPostStartHook PostStartHook failed'), events.join('\n'));
    assert.ok(events.includes('Normal Killing FailedPostStartHook'), events.join('\n'));
  });

  test('another image is another run, whatever the Pod says about restarts', async () => {
    await using nodes = await TestNodes.start(runtime, 1);
    const set = (name: string, image: string, more: Partial<Container> = sleeper): Promise<unknown> => {
      const body = { spec: { containers: [{ name: 'c', image, imagePullPolicy: 'Never', ...more }] } };
      return nodes.client.patch(pods, { namespace: 'default', name }, { kind: 'merge', body });
    };
    const spec = { restartPolicy: 'Never', terminationGracePeriodSeconds: 0 } as const;
    await nodes.run('wrong', { ...sleeper, image: 'none.invalid/x:1', imagePullPolicy: 'Never' }, spec);
    const waiting = await nodes.until(
      'wrong',
      ({ status }) => status?.containerStatuses?.[0]?.state?.waiting !== undefined,
    );
    assert.match(podSummary(waiting), /waiting (ErrImageNeverPull|ContainerCreating)/);
    await set('wrong', 'host');
    assert.match(podSummary(await nodes.until('wrong', isReady)), /^Running .*; c running restarts 0$/);
    await nodes.run('right', sleeper, spec);
    await nodes.until('right', isReady);
    await set('right', 'docker.io/library/host:latest');
    const again = (pod: Pod): boolean => pod.status?.containerStatuses?.[0]?.restartCount === 1 && isReady(pod);
    assert.match(podSummary(await nodes.until('right', again)), /c running restarts 1 after exit \d+ Error$/);
    const events = await nodes.events('right');
    const why = 'Normal Killing Container c definition changed, will be restarted';
    assert.ok(events.includes(why), events.join('\n'));
    // That it did not start was its run: the Pod's policy holds again.
    const directory = mkdtempSync(`${nodes.stateDir}/tools-`);
    copyFileSync('/bin/sleep', `${directory}/tool`);
    const tool = { command: ['/tools/tool', '1000'], volumeMounts: [{ name: 'tools', mountPath: '/tools' }] };
    await nodes.run('gone', tool, { ...spec, volumes: [{ name: 'tools', hostPath: { path: directory } }] });
    await nodes.until('gone', isReady);
    rmSync(`${directory}/tool`);
    await set('gone', 'docker.io/library/host:latest', tool);
    const gone = await nodes.until('gone', ({ status }) => status?.phase === 'Failed');
    assert.match(podSummary(gone), /StartError/);
  });

  test('the last words of a container are its message, or its log where it wants that', async () => {
    await using nodes = await TestNodes.start(runtime, 1);
    const terminationMessagePolicy = 'FallbackToLogsOnError';
    const run = (name: string, script: string, more: Partial<Container> = {}): Promise<unknown> =>
      nodes.run(name, { command: ['sh', '-c', script], terminationMessagePolicy, ...more }, { restartPolicy: 'Never' });
    await run('other', 'echo $(id -u) > /dev/words', {
      terminationMessagePath: '/dev/words',
      securityContext: { runAsUser: 1000 },
    });
    await run('logged', 'echo one; echo two; exit 2');
    await run('said', 'echo one; echo said > /dev/termination-log; exit 2');
    await run('fine', 'echo one');
    await run('long', '(head -c 100000 /dev/zero | tr "\\0" x; echo the end) > /dev/termination-log; exit 2');
    const ended = ({ status }: Pod): boolean => /^(Failed|Succeeded)$/.test(status?.phase ?? '');
    const messages = [];
    for (const name of ['logged', 'said', 'fine', 'long', 'other']) {
      const pod = await nodes.until(name, ended);
      messages.push(pod.status?.containerStatuses?.[0]?.state?.terminated?.message);
    }
    assert.deepEqual(messages, ['one\ntwo\n', 'said\n', undefined, `${'x'.repeat(4096 - 8)}the end\n`, '1000\n']);
  });

  test('containers share their processes where the Pod says so, and outlive each other', async () => {
    await using nodes = await TestNodes.start(runtime, 1);
    await nodes.run('shared', sleeper, {
      shareProcessNamespace: true,
      containers: [
        { name: 'a', image: 'host', command: ['sleep', '1111'] },
        {
          name: 'b',
          image: 'host',
          command: ['sh', '-c', 'until grep -aq 1111 /proc/[0-9]*/cmdline; do :; done; exec sleep 2222'],
        },
      ],
    });
    await nodes.until('shared', isReady);
    const count = 'for p in /proc/[0-9]*/cmdline; do tr "\\0" " " < $p; echo; done 2>/dev/null | grep -c "^sleep"';
    const seen = 'until [ "$(SEEN)" = 2 ]; do :; done; pkill -f "sleep 2222"; echo $$'.replace('SEEN', count);
    assert.notEqual(await nodes.exec('shared', 'sh', '-c', seen), '1\n');
    const again = await nodes.until('shared', ({ status }) => status?.containerStatuses?.[1]?.restartCount === 1);
    assert.match(podSummary(again), /a running restarts 0; b running restarts 1 after exit 143 Error/);
  });

  test('an ephemeral container joins a Pod that runs, and sees the processes of its target', async () => {
    await using nodes = await TestNodes.start(runtime, 1);
    const pod = await nodes.run('target', sleeper);
    await nodes.until('target', isReady);
    const debug = {
      name: 'debug',
      image: 'host',
      command: ['sh', '-c', 'tr "\\0" " " < /proc/1/cmdline; hostname; exit 3'],
      targetContainerName: 'c',
    };
    const body = { spec: { ...pod.spec, ephemeralContainers: [debug] } };
    await nodes.client.patch(pods, { namespace: 'default', name: 'target' }, { kind: 'merge', body });
    const after = await nodes.until('target', ({ status }) => {
      return status?.ephemeralContainerStatuses?.[0]?.state?.terminated !== undefined;
    });
    assert.equal(after.status?.ephemeralContainerStatuses?.[0]?.state?.terminated?.exitCode, 3);
    assert.match(podSummary(after), /^Running .* ready; c running restarts 0$/);
  });

  test('a port of the node leads to the Pod, and can be taken only once', async () => {
    await using nodes = await TestNodes.start(runtime, 2);
    const container = {
      command: ['sh', '-c', 'cd /etc && exec python3 -m http.server 80'],
      readinessProbe: { tcpSocket: { port: 80 } },
      ports: [{ containerPort: 80, hostPort: 8088 }],
    };
    await nodes.run('web', container);
    await nodes.run('client', sleeper, { nodeName: 'node-2' });
    await nodes.until('web', isReady);
    await nodes.until('client', isReady);
    const fetch = ['curl', '-s', '--retry', '20', '--retry-connrefused', 'http://172.18.0.2:8088/hostname'];
    assert.equal(await nodes.exec('client', ...fetch), 'web\n');
    await nodes.run('late', container);
    const late = await nodes.until('late', ({ status }) => status?.phase === 'Failed');
    const why = "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports";
    assert.deepEqual([late.status?.reason, late.status?.message], ['NodePorts', `Pod was rejected: ${why}`]);
    await nodes.client.delete(pods, { namespace: 'default', name: 'web' }, { gracePeriodSeconds: 0 });
    await nodes.run('next', container);
    await nodes.until('next', isReady);
  });

  test('a changed ConfigMap shows in the volume of a running Pod', async () => {
    await using nodes = await TestNodes.start(runtime, 1);
    const metadata = { namespace: 'default', name: 'cm' };
    await nodes.client.create(configMaps, { metadata, data: { a: 'old' } });
    await nodes.run(
      'reader',
      { ...sleeper, volumeMounts: [{ name: 'cm', mountPath: '/cm' }] },
      { volumes: [{ name: 'cm', configMap: { name: 'cm' } }] },
    );
    await nodes.until('reader', isReady);
    await nodes.client.patch(configMaps, metadata, { kind: 'merge', body: { data: { a: 'new', b: 'more' } } });
    const wait = 'until [ -e /cm/b ]; do sleep 0.1; done; cat /cm/a /cm/b';
    assert.equal(await nodes.exec('reader', 'sh', '-c', wait), 'newmore');
  });
});
