import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { persistentVolumeClaims, persistentVolumes, pods } from '#api/resource.ts';
import { SandboxRuntime } from '../sandbox/runtime-agent.ts';
import { isolateTests } from '../testing/isolated.ts';
import { isReady } from '../testing/pod-summary.ts';
import { TestNodes } from '../testing/test-nodes.ts';

const sleeper = { command: ['sleep', 'infinity'] };

/** A claim `data` with a volume at `path`. */
async function makeBound({ client }: TestNodes, path: string): Promise<void> {
  const claim = await client.create(persistentVolumeClaims, {
    metadata: { namespace: 'default', name: 'data' },
    spec: { accessModes: ['ReadWriteOnce'], volumeName: 'pv' },
  });
  const { uid } = claim.metadata;
  await client.create(persistentVolumes, {
    metadata: { name: 'pv' },
    spec: { hostPath: { path, type: 'DirectoryOrCreate' }, claimRef: { uid } },
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
    const container = mounts(
      { mountPath: '/absolute', subPath: 'absolute' },
      { mountPath: '/relative', subPath: 'relative' },
      { mountPath: '/inside', subPath: 'inside' },
    );
    await nodes.run('sly', { ...sleeper, ...container }, { volumes });
    await nodes.until('sly', isReady);
    assert.equal(
      await nodes.exec('sly', 'sh', '-c', 'ls /absolute /relative; touch /inside/here'),
      ['/absolute:', '', '/relative:', ''].join('\n'),
    );
    assert.equal(readFileSync(`${path}/etc/here`, 'utf8'), '');
  });
});
