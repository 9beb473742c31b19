/** What Pods on a real node find in their volumes, and how that changes under them. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { oneMode } from './testing/kubectl-steps.ts';
import { TestCluster } from './testing/test-cluster.ts';
import { eventually } from './testing/traffic.ts';
import { podOf, polite, Workspace } from './testing/workspace.ts';

const map = (name: string, data: object, more: object = {}): object => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  data,
  ...more,
});

async function contents(on: Workspace): Promise<void> {
  const from = (path: string, fieldPath: string): object => ({ path, fieldRef: { fieldPath } });
  const volumes = {
    map: { configMap: { name: 'map' } },
    some: { configMap: { name: 'map', defaultMode: 0o440, items: [{ key: 'a', path: 'in/A', mode: 0o400 }] } },
    frozen: { configMap: { name: 'frozen' } },
    later: { configMap: { name: 'later', optional: true } },
    secret: { secret: { secretName: 'secret', defaultMode: 0o400 } },
    about: { downwardAPI: { items: [from('labels', 'metadata.labels'), from('name', 'metadata.name')] } },
    all: { projected: { sources: [{ configMap: { name: 'map' } }, { secret: { name: 'secret' } }] } },
  };
  const names = Object.keys(volumes);
  const mounts = [
    ...names.map((name) => ({ name, mountPath: `/${name}` })),
    { name: 'map', mountPath: '/part', subPath: 'a' },
  ];
  const script = 'trap exit TERM; cat /map/a > /dev/null; sleep infinity & wait';
  await on.apply(
    map('map', { a: '1', b: '2' }),
    map('frozen', { a: '1' }, { immutable: true }),
    { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'secret' }, stringData: { key: 's1' } },
    podOf(
      'box',
      {
        securityContext: { runAsUser: 1234, runAsGroup: 1234, fsGroup: 1235 },
        volumes: Object.entries(volumes).map(([name, volume]) => ({ name, ...volume })),
        containers: [polite({ command: ['sh', '-c', script], volumeMounts: mounts })],
      },
      { labels: { tier: 'one' } },
    ),
  );
  await on.wait('condition=Ready', 'pod/box');
  const inside = (line: string): Promise<string> => on.kubectl('exec', 'box', '--', 'sh', '-c', line);
  const files = 'cat /map/a /part /some/in/A /secret/key /about/labels; echo; ls /some /later /all | xargs';
  assert.equal(await inside(files), '111s1tier="one"\n/all: a b key /later: /some: in\n');
  assert.match(await inside('touch /map/x 2>&1 || true'), /Read-only file system/);

  // He reads it over and over, by his group alone, while it changes; a change of labels makes the node look at once.
  const look = (tier: string): Promise<string> => on.kubectl('label', '--overwrite', 'pod', 'box', `tier=${tier}`);
  const reading = 'until [ "$(cat /secret/key || echo failed)" = last ]; do :; done 2>&1';
  const reads = on.kubectl('exec', 'box', '--', 'sh', '-c', reading);
  reads.catch(() => {});
  for (const key of ['s2', 's3', 's4', 'last']) {
    await on.kubectl('patch', 'secret', 'secret', '-p', JSON.stringify({ stringData: { key } }));
    await look(key);
  }
  assert.equal(await reads, '', 'no moment without it');
  await on.kubectl('patch', 'configmap', 'map', '-p', '{"data":{"a":"new","b":null}}');
  await on.kubectl('create', 'configmap', 'later', '--from-literal=z=9');
  await look('two');
  const changed = 'newnewlasttier="two"\n/all: a key /later: z /some: in\n';
  await eventually('what is new', changed, () => inside(files.replace(' /part', '')));
  assert.equal(await inside('cat /part'), '1', 'a part stays what it was');
  for (const patch of ['{"data":{"a":"2"}}', '{"immutable":false}']) {
    const refused = await on.try(['patch', 'configmap', 'frozen', '-p', patch]);
    assert.match(refused.stderr, /Forbidden: field is immutable when `immutable` is set$/m);
  }
}

async function memory(on: Workspace): Promise<void> {
  const volumes = [{ name: 'memory', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } }];
  const volumeMounts = [{ name: 'memory', mountPath: '/memory' }];
  await on.apply(
    podOf('box', { volumes, containers: [polite({ volumeMounts }), polite({ name: 'd', volumeMounts })] }),
  );
  await on.wait('condition=Ready', 'pod/box');
  const script =
    'echo shared > /memory/f; stat -fc %T /memory; dd if=/dev/zero of=/memory/big bs=1M count=2 2>&1 || true';
  assert.match(
    await on.kubectl('exec', 'box', '-c', 'c', '--', 'sh', '-c', script),
    /^tmpfs\n[^]*No space left on device/,
  );
  assert.equal(await on.kubectl('exec', 'box', '-c', 'd', '--', 'cat', '/memory/f'), 'shared\n');
}

async function claims(on: Workspace): Promise<void> {
  const claim = (name: string, spec: object): object => ({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Mi' } }, ...spec },
  });
  const provisioner = await on.get('{.provisioner}', 'storageclass', 'standard');
  const keep = {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name: 'keep' },
    provisioner,
    reclaimPolicy: 'Retain',
    volumeBindingMode: 'Immediate',
  };
  await on.apply(
    keep,
    claim('kept', { storageClassName: 'keep' }),
    claim('one', { accessModes: ['ReadWriteOncePod'] }),
  );
  await on.until('Bound', '{.status.phase}', 'pvc', 'kept');
  await on.happened('one', /^Normal WaitForFirstConsumer waiting for first consumer to be created before binding$/);
  const user = (name: string): object =>
    podOf(name, {
      volumes: [{ name: 'd', persistentVolumeClaim: { claimName: 'one' } }],
      containers: [polite({ volumeMounts: [{ name: 'd', mountPath: '/d' }] })],
    });
  await on.apply(user('first'));
  await on.wait('condition=Ready', 'pod/first');
  await on.kubectl('exec', 'first', '--', 'sh', '-c', 'echo data > /d/file');
  await on.apply(user('second'));
  await on.happened(
    'second',
    /^Warning FailedScheduling 0\/1 nodes are available: 1 node\(s\) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod\./,
  );
  await on.kubectl('patch', 'pvc', 'one', '-p', '{"spec":{"resources":{"requests":{"storage":"2Mi"}}}}');
  await on.until('2Mi', '{.status.capacity.storage}', 'pvc', 'one');
  await on.kubectl('delete', 'pod', 'first');
  await on.wait('condition=Ready', 'pod/second');
  assert.equal(await on.kubectl('exec', 'second', '--', 'cat', '/d/file'), 'data\n');

  // In use, a claim that is deleted stays; then its volume goes with it, unless it is to be kept.
  const volume = await on.get('{.spec.volumeName}', 'pvc', 'one');
  const kept = await on.get('{.spec.volumeName}', 'pvc', 'kept');
  await on.kubectl('delete', 'pvc', 'one', 'kept', '--wait=false');
  assert.match(await on.kubectl('get', 'pvc', 'one', '--no-headers'), /^one +Terminating /);
  await on.kubectl('delete', 'pod', 'second');
  await on.wait('delete', 'pvc/one', `pv/${volume}`);
  await on.until('Released', '{.status.phase}', 'pv', kept);
  const directories = (): readonly string[] => {
    const volumes = join(on.cluster.dataDir, 'volumes');
    return (existsSync(volumes) ? readdirSync(volumes) : []).map((name) => name.split('_')[0] ?? '');
  };
  assert.deepEqual(directories(), [kept]);
}

test('volumes of Pods', { timeout: 200_000, concurrency: true }, async (t) => {
  const { mode } = oneMode();
  await using cluster = await TestCluster.start({ mode });
  const stories: Readonly<Record<string, readonly [string, (on: Workspace) => Promise<void>]>> = {
    contents: ['what comes from the API, as it is now', contents],
    memory: ['memory that containers share, and no more of it than there may be', memory],
    claims: ['claims: waited for, for one Pod, grown, kept and given up', claims],
  };
  await Promise.all(
    Object.entries(stories).map(([namespace, [name, story]]) =>
      t.test(name, async () => story(await Workspace.make(cluster, namespace))),
    ),
  );
});
