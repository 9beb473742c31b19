/** How workloads get from one version of their Pods to the next, on real nodes, as kubectl tells of it. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { oneMode } from './testing/kubectl-steps.ts';
import { PodWatch, type SeenPod } from './testing/pod-watch.ts';
import { TestCluster } from './testing/test-cluster.ts';
import { eventually } from './testing/traffic.ts';
import { polite, workload, Workspace } from './testing/workspace.ts';

const version = (value: string): object => ({ containers: [polite({ env: [{ name: 'V', value }] })] });
/** A version that never becomes ready. */
const stuck = (value: string): string =>
  JSON.stringify({
    spec: {
      template: {
        spec: {
          containers: [
            {
              name: 'c',
              env: [{ name: 'V', value }],
              readinessProbe: { exec: { command: ['false'] }, periodSeconds: 100 },
            },
          ],
        },
      },
    },
  });
const conditions = '{range .status.conditions[*]}{.type} {.status} {.reason}: {.message}{"\\n"}{end}';
const STATUS = ['rollout', 'status', '--timeout=60s'] as const;

/** Until its controller has seen the object as it is now. */
async function observed(on: Workspace, ...target: readonly string[]): Promise<void> {
  await on.until(await on.get('{.metadata.generation}', ...target), '{.status.observedGeneration}', ...target);
}

const live = (pods: readonly SeenPod[]): readonly SeenPod[] => pods.filter(({ ending }) => !ending);
const ready = (pods: readonly SeenPod[]): number => live(pods).filter((pod) => pod.ready).length;
const versions = (pods: readonly SeenPod[]): string => [...new Set(pods.map((pod) => pod.version))].sort().join(' ');

async function limits(on: Workspace): Promise<void> {
  const rollingUpdate = { maxSurge: 2, maxUnavailable: 1 };
  await on.apply(workload('apps/v1', 'Deployment', 'web', { replicas: 5, strategy: { rollingUpdate } }, version('1')));
  await on.kubectl(...STATUS, 'deployment/web');
  await using watch = new PodWatch(on, 'app=web');
  await eventually('the watch', 5, async () => ready(watch.last));
  const before = watch.states.length;
  await on.kubectl('set', 'env', 'deployment/web', 'V=2');
  await on.kubectl(...STATUS, 'deployment/web');
  await eventually('the last of the old ones', '2', async () => versions(watch.last));
  const states = watch.states.slice(before);
  assert.equal(Math.max(...states.map((pods) => live(pods).length)), 7, 'as many more as may be, and no more');
  assert.equal(Math.min(...states.map(ready)), 4, 'as many less as may be, and no less');
}

async function recreate(on: Workspace): Promise<void> {
  const spec = { replicas: 3, strategy: { type: 'Recreate' } };
  await on.apply(workload('apps/v1', 'Deployment', 'web', spec, version('1')));
  await on.kubectl(...STATUS, 'deployment/web');
  await using watch = new PodWatch(on, 'app=web');
  await eventually('the watch', 3, async () => ready(watch.last));
  await on.kubectl('set', 'env', 'deployment/web', 'V=2');
  await on.kubectl(...STATUS, 'deployment/web');
  await eventually('the new ones', 3, async () => watch.last.filter((pod) => pod.version === '2' && pod.ready).length);
  const running = watch.states.map((pods) => versions(pods.filter(({ finished }) => !finished)));
  const seen = running.filter((text, i, all) => text !== all[i - 1]);
  assert.deepEqual(seen, ['1', '', '2'], 'no two versions at any time');
}

async function history(on: Workspace): Promise<void> {
  const cause = 'kubernetes.io/change-cause';
  const deployment = workload('apps/v1', 'Deployment', 'web', { revisionHistoryLimit: 1 });
  await on.apply(deployment);
  await on.kubectl('annotate', 'deployment/web', `${cause}=first`);
  await on.kubectl(...STATUS, 'deployment/web');
  await on.kubectl('set', 'resources', 'deployment/web', '--requests=cpu=1m');
  await on.kubectl('annotate', '--overwrite', 'deployment/web', `${cause}=smaller`);
  await on.kubectl(...STATUS, 'deployment/web');
  await on.kubectl('set', 'serviceaccount', 'deployment/web', 'default');
  await on.kubectl('annotate', '--overwrite', 'deployment/web', `${cause}=account`);
  await on.kubectl(...STATUS, 'deployment/web');
  const listed = 'deployment.apps/web \nREVISION  CHANGE-CAUSE\n2         smaller\n3         account\n\n';
  await eventually('only one old revision', listed, () => on.kubectl('rollout', 'history', 'deployment/web'));

  await on.kubectl('patch', 'deployment', 'web', '-p', stuck('2'));
  await on.kubectl('patch', 'deployment', 'web', '-p', '{"spec":{"progressDeadlineSeconds":1}}');
  const late = await on.try(['rollout', 'status', 'deployment/web', '--timeout=60s']);
  assert.match(late.stderr, /^error: deployment "web" exceeded its progress deadline$/m);
  assert.equal(late.code, 1);
  const set = await on.get(
    '{.items[?(@.metadata.annotations.deployment\\.kubernetes\\.io/revision=="4")].metadata.name}',
    'rs',
  );
  assert.equal(
    await on.get(conditions, 'deployment', 'web'),
    'Available True MinimumReplicasAvailable: Deployment has minimum availability.\n' +
      `Progressing False ProgressDeadlineExceeded: ReplicaSet "${set}" has timed out progressing.\n`,
  );

  await on.kubectl('patch', 'deployment', 'web', '-p', '{"spec":{"progressDeadlineSeconds":600}}');
  assert.match(await on.kubectl('rollout', 'undo', 'deployment/web', '--to-revision=2'), /rolled back$/m);
  await on.kubectl(...STATUS, 'deployment/web');
  assert.equal(await on.get('{.spec.template.spec.containers[0].readinessProbe}', 'deployment', 'web'), '');
  assert.equal(await on.get('{.spec.template.spec.serviceAccountName}', 'deployment', 'web'), '');
  assert.match(
    (await on.try(['rollout', 'undo', 'deployment/web', '--to-revision=3'])).stderr,
    /^error: unable to find specified revision 3 in history$/m,
  );
  await on.kubectl('rollout', 'restart', 'deployment/web');
  await on.kubectl(...STATUS, 'deployment/web');
  assert.match(await on.get('{.spec.template.metadata.annotations}', 'deployment', 'web'), /restartedAt/);
}

/** The example of Kubernetes' documentation, "Proportional scaling". */
async function proportional(on: Workspace): Promise<void> {
  const strategy = { rollingUpdate: { maxSurge: 3, maxUnavailable: 2 } };
  await on.apply(workload('apps/v1', 'Deployment', 'web', { replicas: 10, strategy }, version('1')));
  await on.kubectl(...STATUS, 'deployment/web');
  const replicas = async (): Promise<string> => {
    const path = '{range .items[*]}{.spec.template.spec.containers[0].env[0].value}={.spec.replicas} {end}';
    return (await on.get(path, 'rs')).trim().split(' ').sort().join(' ');
  };
  await on.kubectl('patch', 'deployment', 'web', '-p', stuck('2'));
  await eventually('a rollout that is stuck', '1=8 2=5', replicas);
  await on.kubectl('scale', 'deployment/web', '--replicas=15');
  await eventually('both have grown', '1=11 2=7', replicas);
  // A paused one grows and shrinks, and goes no further.
  await on.kubectl('rollout', 'pause', 'deployment/web');
  await on.kubectl('scale', 'deployment/web', '--replicas=5');
  await eventually('both have shrunk', '1=5 2=3', replicas);
  await on.kubectl('set', 'env', 'deployment/web', 'V=3');
  const status = await on.try(['rollout', 'status', 'deployment/web', '--watch=false']);
  assert.match(
    status.stdout,
    /^Waiting for deployment "web" rollout to finish: 0 out of 5 new replicas have been updated/,
  );
  assert.equal(await replicas(), '1=5 2=3');
}

async function controller(on: Workspace): Promise<void> {
  await on.apply(workload('v1', 'ReplicationController', 'old', { replicas: 2 }, version('1')));
  await on.until('2 2 2', '{.status.replicas} {.status.readyReplicas} {.status.availableReplicas}', 'rc', 'old');
  assert.match(await on.kubectl('get', 'rc'), /^NAME +DESIRED +CURRENT +READY +AGE\nold +2 +2 +2 +\d+s\n$/);
  await on.kubectl('expose', 'rc', 'old', '--port=80');
  assert.equal(await on.get('{.spec.selector}', 'service', 'old'), '{"app":"old"}');
  // A Pod that is none of its own any more goes on without it, and it makes another.
  const [pod = ''] = (await on.kubectl('get', 'pods', '-o', 'name')).split('\n');
  await on.kubectl('label', '--overwrite', pod, 'app=free');
  await on.until('', '{.metadata.ownerReferences}', pod);
  const names = async (): Promise<readonly string[]> =>
    (await on.get('{.items[*].metadata.name}', 'pods', '-l', 'app=old')).split(' ').sort();
  await eventually('another in its place', 2, async () => (await names()).length);
  await on.kubectl('scale', 'rc', 'old', '--replicas=3', '--current-replicas=2');
  await on.until('3', '{.status.readyReplicas}', 'rc', 'old');
  // What changes in its template is for the Pods to come.
  const before = await names();
  await on.kubectl('set', 'env', 'rc/old', 'V=2');
  await on.kubectl('delete', 'pod', before[0] ?? '');
  await on.until('3', '{.status.readyReplicas}', 'rc', 'old');
  const pods = await on.get('{.items[*].spec.containers[0].env[0].value}', 'pods', '-l', 'app=old');
  assert.equal(pods.split(' ').sort().join(' '), '1 1 2');
  await on.kubectl('delete', 'rc', 'old', '--cascade=orphan');
  assert.equal((await names()).length, 3);
  // What nothing is made of by itself.
  const template = { metadata: { labels: { app: 'later' } }, spec: { containers: [polite()] } };
  await on.apply({ apiVersion: 'v1', kind: 'PodTemplate', metadata: { name: 'later' }, template });
  assert.match(
    await on.kubectl('get', 'podtemplates'),
    /^NAME +CONTAINERS +IMAGES +POD LABELS\nlater +c +host +app=later\n$/,
  );
}

async function daemons(on: Workspace): Promise<void> {
  const updateStrategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } };
  await on.apply(workload('apps/v1', 'DaemonSet', 'agent', { updateStrategy }, version('1')));
  await on.kubectl(...STATUS, 'daemonset/agent');
  await using watch = new PodWatch(on, 'app=agent');
  await eventually('the watch', 2, async () => ready(watch.last));
  const before = watch.states.length;
  await on.kubectl('set', 'env', 'daemonset/agent', 'V=2');
  await on.kubectl(...STATUS, 'daemonset/agent');
  await eventually('the last of the old ones', '2', async () => versions(watch.last));
  const states = watch.states.slice(before);
  assert.equal(Math.max(...states.map((pods) => live(pods).length)), 3, 'one node has two');
  assert.equal(Math.min(...states.map(ready)), 2, 'no node has none');

  await on.kubectl('rollout', 'undo', 'daemonset/agent');
  await on.kubectl(...STATUS, 'daemonset/agent');
  await eventually('the first again', '1', async () => versions(live(watch.last)));
  const listed = 'daemonset.apps/agent \nREVISION  CHANGE-CAUSE\n2         <none>\n3         <none>\n\n';
  assert.equal(await on.kubectl('rollout', 'history', 'daemonset/agent'), listed);

  const onDelete = JSON.stringify({ spec: { updateStrategy: { type: 'OnDelete', rollingUpdate: null } } });
  await on.kubectl('patch', 'daemonset', 'agent', '-p', onDelete);
  await on.kubectl('set', 'env', 'daemonset/agent', 'V=3');
  await observed(on, 'daemonset', 'agent');
  const [pod = ''] = live(watch.last).map(({ name }) => name);
  await on.kubectl('delete', 'pod', pod);
  await eventually('one by hand', '1 3', async () =>
    live(watch.last)
      .filter((seen) => seen.ready)
      .map((seen) => seen.version)
      .sort()
      .join(' '),
  );
  assert.match(
    (await on.try(['rollout', 'status', 'daemonset/agent'])).stderr,
    /^error: rollout status is only available for RollingUpdate strategy type$/m,
  );
}

async function ordered(on: Workspace): Promise<void> {
  const claims = [
    {
      metadata: { name: 'data' },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Mi' } } },
    },
  ];
  const spec = {
    serviceName: 'db',
    replicas: 3,
    minReadySeconds: 1,
    volumeClaimTemplates: claims,
    persistentVolumeClaimRetentionPolicy: { whenScaled: 'Delete', whenDeleted: 'Retain' },
    updateStrategy: { rollingUpdate: { partition: 2 } },
  };
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'db' },
    spec: { clusterIP: 'None', selector: { app: 'db' }, ports: [{ port: 80 }] },
  };
  await using watch = new PodWatch(on, 'app=db');
  await on.apply(service, workload('apps/v1', 'StatefulSet', 'db', spec, version('1')));
  await on.kubectl(...STATUS, 'statefulset/db');
  const names = (pods: readonly SeenPod[]): string =>
    pods
      .map(({ name }) => name)
      .sort()
      .join(' ');
  const comings = watch.states.map(names).filter((text, i, all) => text !== all[i - 1]);
  assert.deepEqual(comings, ['db-0', 'db-0 db-1', 'db-0 db-1 db-2']);
  const early = watch.states.filter((pods) => live(pods).length - ready(pods) > 1);
  assert.deepEqual(early, [], 'each when those before it are ready');
  assert.match(
    await on.kubectl('exec', 'db-0', '--', 'getent', 'hosts', 'db-2.db'),
    /db-2\.db\.ordered\.svc\.cluster\.local/,
  );

  const shown = (): Promise<string> =>
    on.get('{range .items[*]}{.metadata.name}={.spec.containers[0].env[0].value} {end}', 'pods', '-l', 'app=db');
  await on.kubectl('set', 'env', 'statefulset/db', 'V=2');
  assert.match(
    await on.kubectl(...STATUS, 'statefulset/db'),
    /partitioned roll out complete: 1 new pods have been updated\.\.\.\n$/,
  );
  assert.equal(await shown(), 'db-0=1 db-1=1 db-2=2 ');
  await on.kubectl('patch', 'statefulset', 'db', '-p', '{"spec":{"updateStrategy":{"rollingUpdate":{"partition":0}}}}');
  await on.kubectl(...STATUS, 'statefulset/db');
  assert.equal(await shown(), 'db-0=2 db-1=2 db-2=2 ');

  // A Pod that never becomes ready is in the way of its own repair, as Kubernetes' documentation says.
  await on.kubectl('patch', 'statefulset', 'db', '-p', stuck('3'));
  await on.until('3', '{.spec.containers[0].env[0].value}', 'pod', 'db-2');
  await on.kubectl('rollout', 'undo', 'statefulset/db');
  await observed(on, 'statefulset', 'db');
  assert.equal(await shown(), 'db-0=2 db-1=2 db-2=3 ');
  await on.kubectl('delete', 'pod', 'db-2');
  await on.kubectl(...STATUS, 'statefulset/db');
  assert.equal(await shown(), 'db-0=2 db-1=2 db-2=2 ');

  await on.kubectl('scale', 'statefulset/db', '--replicas=1');
  await eventually('the claims that are left', 'data-db-0', () => on.get('{.items[*].metadata.name}', 'pvc'));
  await on.kubectl('delete', 'statefulset', 'db');
  await on.wait('delete', 'pod/db-0');
  assert.equal(await on.get('{.items[*].metadata.name}', 'pvc'), 'data-db-0');
}

async function parallel(on: Workspace): Promise<void> {
  const spec = {
    serviceName: 'db',
    replicas: 3,
    podManagementPolicy: 'Parallel',
    persistentVolumeClaimRetentionPolicy: {},
  };
  await on.apply(workload('apps/v1', 'StatefulSet', 'db', spec, { containers: [polite({ command: ['false'] })] }));
  await on.until('db-0 db-1 db-2', '{.items[*].metadata.name}', 'pods');
}

async function nodes(on: Workspace): Promise<void> {
  const tolerations = [{ key: 'special', operator: 'Exists' }];
  const tolerant = workload('apps/v1', 'DaemonSet', 'tolerant', {}, { tolerations });
  await on.apply(workload('apps/v1', 'DaemonSet', 'plain', {}), tolerant);
  const places = (): Promise<string> => {
    const path = '{range .items[*]}{.metadata.labels.app}={.spec.nodeName}/{.status.phase} {end}';
    return on.get(path, 'pods', '--sort-by={.spec.nodeName}').then((text) => text.trim().split(' ').sort().join(' '));
  };
  const on2 = 'plain=node-1/Running plain=node-2/Running tolerant=node-1/Running tolerant=node-2/Running';
  await eventually('each node has both', on2, places);
  const added = await on.cluster.clusterip('node', 'add', 'late');
  assert.equal(added.code, 0, added.stderr);
  const both =
    'plain=late/Running plain=node-1/Running plain=node-2/Running tolerant=late/Running tolerant=node-1/Running tolerant=node-2/Running';
  await eventually('the node that came has both', both, places);
  await on.kubectl('taint', 'nodes', 'late', 'special:NoExecute');
  await eventually('the one that does not tolerate it is gone', both.replace('plain=late/Running ', ''), places);
  assert.equal(await on.get('{.status.desiredNumberScheduled}', 'daemonset', 'plain'), '2');
  await on.kubectl('taint', 'nodes', 'late', 'special-');
  await eventually('and comes back', both, places);
  const removed = await on.cluster.clusterip('node', 'remove', 'late');
  assert.equal(removed.code, 0, removed.stderr);
  await eventually('what was there is gone with the node', on2, places);
  await on.until('2 2', '{.status.desiredNumberScheduled} {.status.numberReady}', 'daemonset', 'tolerant');
}

test('from one version to the next', { timeout: 280_000, concurrency: true }, async (t) => {
  const { mode } = oneMode();
  await using cluster = await TestCluster.start({ mode, nodes: 2 });
  const stories: Readonly<Record<string, readonly [string, (on: Workspace) => Promise<void>]>> = {
    limits: ['a Deployment keeps to maxSurge and maxUnavailable', limits],
    recreate: ['a Deployment that recreates never has two versions', recreate],
    history: ['revisions, their causes, a deadline that is missed, and back', history],
    proportional: ['a Deployment that is scaled while it rolls', proportional],
    controller: ['a ReplicationController', controller],
    daemons: ['a DaemonSet that surges, goes back, and waits to be told', daemons],
    ordered: ['a StatefulSet: one after the other, by partition, stuck, and its claims', ordered],
    parallel: ['a StatefulSet that waits for nobody', parallel],
  };
  await Promise.all(
    Object.entries(stories).map(([namespace, [name, story]]) =>
      t.test(name, async () => story(await Workspace.make(cluster, namespace))),
    ),
  );
  // Where the others' Pods go is their business.
  await t.test('DaemonSets on nodes that come, are tainted, and go', async () => {
    await nodes(await Workspace.make(cluster, 'nodes'));
  });
});
