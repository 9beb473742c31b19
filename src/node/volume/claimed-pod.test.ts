import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import type { Pod } from '#api/generated/types.ts';
import { persistentVolumeClaims, persistentVolumes, pods } from '#api/resource.ts';
import { SandboxRuntime } from '../sandbox/runtime-agent.ts';
import { isolateTests } from '../testing/isolated.ts';
import { isReady } from '../testing/pod-summary.ts';
import { TestNodes } from '../testing/test-nodes.ts';

const sleeper = { command: ['sleep', 'infinity'] };

/** A claim `data` with a volume at `path`. */
async function makeBound({ client }: TestNodes, path: string, kind: 'hostPath' | 'local' = 'hostPath'): Promise<void> {
  const claim = await client.create(persistentVolumeClaims, {
    metadata: { namespace: 'default', name: 'data' },
    spec: { accessModes: ['ReadWriteOnce'], volumeName: 'pv' },
  });
  const { uid } = claim.metadata;
  await client.create(persistentVolumes, {
    metadata: { name: 'pv' },
    spec: {
      ...(kind === 'local' ? { local: { path } } : { hostPath: { path, type: 'DirectoryOrCreate' } }),
      claimRef: { uid },
    },
  });
}

async function markBound({ client }: TestNodes): Promise<void> {
  const body = { status: { phase: 'Bound' } };
  const ref = { namespace: 'default', name: 'data' };
  await client.patch(persistentVolumeClaims, ref, { kind: 'merge', body }, { subresource: 'status' });
}

const volumes = [{ name: 'v', persistentVolumeClaim: { claimName: 'data' } }];
const mounts = (...list: readonly object[]): object => ({
  volumeMounts: list.map((mount) => ({ name: 'v', ...mount })),
});

isolateTests(import.meta.url, () => {
  const runtime = new SandboxRuntime(systemClock);

  test('a Pod waits for its claim, writes to its volume, and the next one reads it', async () => {
    await using nodes = await TestNodes.start(runtime, 1);
    const path = `${nodes.stateDir}/disk`;
    await makeBound(nodes, path);
    const container = { ...sleeper, ...mounts({ mountPath: '/data' }, { mountPath: '/part', subPath: 'a/b' }) };
    await nodes.run('one', container, { volumes });
    await nodes.until('one', ({ status }) => status?.phase === 'Pending' && status.startTime !== undefined);
    assert.deepEqual(await nodes.events('one'), [
      'Warning FailedMount Unable to attach or mount volumes: unmounted volumes=[v], unattached volumes=[], failed to ' +
        'process volumes=[v]: error processing PVC default/data: PVC is not bound',
    ]);
    await markBound(nodes);
    await nodes.until('one', isReady);
    assert.equal(
      await nodes.exec('one', 'sh', '-c', 'echo 1 > /data/x; echo 2 > /part/y; ls -R /data'),
      ['/data:', 'a', 'x', '', '/data/a:', 'b', '', '/data/a/b:', 'y', ''].join('\n'),
    );
    const gone = nodes.gone('one');
    await nodes.client.delete(pods, { namespace: 'default', name: 'one' }, { gracePeriodSeconds: 1 });
    await gone;
    assert.equal(readFileSync(`${path}/a/b/y`, 'utf8'), '2\n');
    const readOnly = [{ name: 'v', persistentVolumeClaim: { claimName: 'data', readOnly: true } }];
    await nodes.run('two', { ...sleeper, ...mounts({ mountPath: '/data' }) }, { volumes: readOnly });
    await nodes.until('two', isReady);
    assert.equal(await nodes.exec('two', 'cat', '/data/x'), '1\n');
    assert.match(await nodes.exec('two', 'touch', '/data/z'), /Read-only file system/);
  });

  test('a link in a volume does not lead out of it by way of a subPath', async () => {
    await using nodes = await TestNodes.start(runtime, 1);
    const path = `${nodes.stateDir}/disk`;
    mkdirSync(`${path}/etc`, { recursive: true });
    mkdirSync(`${nodes.stateDir}/secret`);
    writeFileSync(`${nodes.stateDir}/secret/key`, 'secret');
    symlinkSync(`${nodes.stateDir}/secret`, `${path}/absolute`);
    symlinkSync('../secret', `${path}/relative`);
    symlinkSync('etc', `${path}/inside`);
    await makeBound(nodes, path);
    await markBound(nodes);
    const sly = (subPath: string): object => mounts({ mountPath: '/it', subPath });
    for (const name of ['absolute', 'relative']) {
      await nodes.run(name, { ...sleeper, ...sly(name) }, { volumes });
      const pod = await nodes.until(name, ({ status }) => {
        const reason = status?.containerStatuses?.[0]?.state?.waiting?.reason ?? 'ContainerCreating';
        return reason !== 'ContainerCreating';
      });
      const why = 'failed to prepare subPath for volumeMount "v" of container "c"';
      assert.deepEqual(pod.status?.containerStatuses?.[0]?.state?.waiting, {
        reason: 'CreateContainerConfigError',
        message: why,
      });
      assert.equal((await nodes.events(name)).at(-1), `Warning Failed Error: ${why}`);
    }
    // Nothing was run so far: this is the first time.
    unlinkSync(`${path}/relative`);
    const ready = await nodes.until('relative', isReady);
    assert.equal(ready.status?.containerStatuses?.[0]?.restartCount, 0);
    await nodes.run('inside', { ...sleeper, ...sly('inside') }, { volumes });
    await nodes.until('inside', isReady);
    await nodes.exec('inside', 'touch', '/it/here');
    assert.equal(readFileSync(`${path}/etc/here`, 'utf8'), '');
  });

  test('a local volume is given to the group of a Pod, and so is what it leads to', async () => {
    await using nodes = await TestNodes.start(runtime, 1);
    const path = `${nodes.stateDir}/disk`;
    mkdirSync(path, { mode: 0o700 });
    symlinkSync('disk', `${nodes.stateDir}/link`);
    await makeBound(nodes, `${nodes.stateDir}/link`, 'local');
    await markBound(nodes);
    await nodes.run(
      'one',
      { ...sleeper, ...mounts({ mountPath: '/data' }) },
      { volumes, securityContext: { fsGroup: 0 } },
    );
    await nodes.until('one', isReady);
    assert.equal(await nodes.exec('one', 'stat', '-c', '%a', '/data'), '2770\n');
  });

  test('a subPath is as open as its volume, and has to be one', async () => {
    await using nodes = await TestNodes.start(runtime, 1);
    const mount = { name: 'v', mountPath: '/it' };
    const run = (name: string, subPathExpr: string, annotations: Record<string, string> = {}): Promise<Pod> =>
      nodes.client.create(pods, {
        metadata: { namespace: 'default', name, annotations },
        spec: {
          nodeName: 'node-1',
          terminationGracePeriodSeconds: 1,
          volumes: [{ name: 'v', emptyDir: {} }],
          containers: [
            {
              ...sleeper,
              name: 'c',
              image: 'host',
              env: [{ name: 'PART', valueFrom: { fieldRef: { fieldPath: "metadata.annotations['part']" } } }],
              volumeMounts: [{ ...mount, subPathExpr }],
            },
          ],
        },
      });
    const waits = async (name: string): Promise<string | undefined> => {
      const pod = await nodes.until(name, ({ status }) => {
        return status?.containerStatuses?.[0]?.state?.waiting?.reason === 'CreateContainerConfigError';
      });
      return pod.status?.containerStatuses?.[0]?.state?.waiting?.message;
    };
    await run('absolute', '$(PART)', { part: '/tmp' });
    await run('back', '$(PART)', { part: 'a/..' });
    await run('later', 'a/$(PART)');
    assert.deepEqual(await Promise.all(['absolute', 'back', 'later'].map(waits)), [
      'error SubPath `/tmp` must not be an absolute path',
      "unable to provision SubPath `a/..`: must not contain '..'",
      'missing value for PART',
    ]);
    const body = { metadata: { annotations: { part: 'b' } } };
    await nodes.client.patch(pods, { namespace: 'default', name: 'later' }, { kind: 'merge', body });
    await nodes.until('later', isReady);
    assert.equal(await nodes.exec('later', 'stat', '-c', '%a', '/it'), '777\n');
  });
});
