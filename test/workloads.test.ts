/** Ordinary manifests, unchanged, on one cluster: a guest book, a shop, a database with what belongs to it. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { clientPod } from './testing/manifests.ts';
import { oneMode } from './testing/kubectl-steps.ts';
import { root } from './testing/mode.ts';
import { TestCluster } from './testing/test-cluster.ts';
import { eventually, get } from './testing/traffic.ts';

const MANIFESTS = join(root, 'examples/workloads');
const DEPLOYMENTS =
  'guestbook guestbook-leader guestbook-follower shop checkout catalog cart currency payment shipping email'.split(' ');

interface Answer {
  readonly role: string;
  readonly version: string;
  readonly calls?: readonly Answer[];
}

/** `shop(catalog checkout(...))` */
function tree({ role, calls = [] }: Answer): string {
  return calls.length === 0 ? role : `${role}(${calls.map(tree).join(' ')})`;
}

/** Asks the shop through its Service, a connection each time, until told to stop; prints how the answers were. */
const LOAD = `
import collections, json, sys, threading, urllib.request
seen, stop = collections.Counter(), threading.Event()
def run():
    while not stop.is_set():
        try:
            with urllib.request.urlopen("http://shop/", timeout=10) as answer:
                seen["version " + json.load(answer)["version"]] += 1
        except Exception as error:
            seen[repr(error)] += 1
threads = [threading.Thread(target=run) for _ in range(2)]
for t in threads: t.start()
print("begun", flush=True)
sys.stdin.read()
stop.set()
for t in threads: t.join()
print(json.dumps(seen))
`;

async function rolledOut(cluster: TestCluster): Promise<void> {
  const targets = [...DEPLOYMENTS.map((name) => `deployment/${name}`), 'statefulset/db', 'daemonset/node-report'];
  await Promise.all(targets.map((target) => cluster.kubectl('rollout', 'status', target, '--timeout=90s')));
}

function post(cluster: TestCluster, url: string, method: string, data: string): Promise<string> {
  const command = ['curl', '-sS', '--fail', '--max-time', '5', '-X', method, '--data', data, url];
  return cluster.kubectl('exec', 'client', '--', ...command);
}

/** Runs `work` while the shop is asked; resolves to the answers with their counts. */
async function underLoad(cluster: TestCluster, work: () => Promise<void>): Promise<Readonly<Record<string, number>>> {
  await cluster.kubectl('exec', 'client', '--', 'mkfifo', '/tmp/stop');
  const script = `exec 3<>/tmp/stop; head -n1 <&3 | python3 -c "$0"; rm /tmp/stop`;
  const load = cluster.kubectl('exec', 'client', '--', 'sh', '-c', script, LOAD);
  load.catch(() => {});
  await work();
  await cluster.kubectl('exec', 'client', '--', 'sh', '-c', 'echo > /tmp/stop');
  return JSON.parse((await load).trim().split('\n').at(-1) ?? '') as Readonly<Record<string, number>>;
}

/** Three values of the Job and one of ours; a Job that was tried again has written some twice. */
const DB_HAS_ALL = /^db-0 has (?:[4-9]|[1-9]\d+) lines\n/;

test('ordinary manifests', { timeout: 280_000 }, async (t) => {
  const { mode } = oneMode();
  await using cluster = await TestCluster.start({ mode, nodes: 3 });
  const volumes = join(cluster.dataDir, 'volumes');

  await t.test('all of them are applied and become ready', async () => {
    await cluster.kubectl('apply', '-f', MANIFESTS);
    await cluster.apply(clientPod('client'));
    await rolledOut(cluster);
    await cluster.kubectl('wait', '--for=condition=Ready', '--timeout=60s', 'pod/client');
    await cluster.kubectl('wait', '--for=condition=Complete', '--timeout=60s', 'job/db-fill');
    const again = await cluster.kubectl('apply', '-f', MANIFESTS);
    // These two hold lists that a client replaces as a whole, here as upstream.
    const changed = [...again.matchAll(/^(\S+) configured$/gm)].map(([, name]) => name);
    assert.deepEqual(changed, ['statefulset.apps/db', 'poddisruptionbudget.policy/shop'], again);
  });

  await t.test('a guest book: written to the leader, read from the followers', async () => {
    for (const entry of ['first', 'second']) await post(cluster, 'http://guestbook', 'POST', entry);
    await eventually(
      'the entries',
      '["first", "second"]',
      async () => /"is": (.*)\}/.exec(await get(cluster, 'client', 'http://guestbook'))?.[1],
    );
  });

  await t.test('a shop: eight services that call each other', async () => {
    const answer = JSON.parse(await get(cluster, 'client', 'http://shop/order')) as Answer;
    assert.equal(tree(answer), 'shop(catalog checkout(cart currency payment shipping email))');
    assert.equal(
      await cluster.jsonpath('{.spec.rules[0].host} {.status}', 'ingress', 'shop'),
      'shop.example {"loadBalancer":{}}',
    );
  });

  await t.test('a database: names, replicas and data that stay', async () => {
    const value = (host: string, key: string): Promise<string> =>
      get(cluster, 'client', `http://${host}:5432/${key}`).catch(String);
    assert.ok(Number(await post(cluster, 'http://db-0.db:5432/name', 'PUT', 'Ada')) >= 4);
    await eventually('the value at a replica', '{"member": "db-2", "value": "Ada"}', () => value('db-2.db', 'name'));
    assert.equal(await value('db-0.db', 'key1'), '{"member": "db-0", "value": "value 1"}');
    const ip = await cluster.jsonpath('{.status.podIP}', 'pod', 'db-0');
    const uid = await cluster.jsonpath('{.metadata.uid}', 'pod', 'db-0');
    await cluster.kubectl('delete', 'pod', 'db-0');
    await cluster.kubectl('rollout', 'status', 'statefulset/db', '--timeout=60s');
    assert.notEqual(await cluster.jsonpath('{.metadata.uid}', 'pod', 'db-0'), uid, ip);
    assert.match(await cluster.kubectl('logs', 'db-0'), DB_HAS_ALL);
    await eventually('the value after a new birth', '{"member": "db-0", "value": "Ada"}', () =>
      value('db-0.db', 'name'),
    );
    assert.deepEqual(
      readdirSync(volumes)
        .map((name) => name.replace(/^pvc-[^_]*_/, ''))
        .sort(),
      ['default_data-db-0', 'default_data-db-1', 'default_data-db-2'],
    );
  });

  await t.test('a CronJob whose Job is made by hand, with a claim that waited for it', async () => {
    assert.equal(await cluster.jsonpath('{.status.phase}', 'pvc', 'db-backup'), 'Pending');
    await cluster.kubectl('create', 'job', '--from=cronjob/db-backup', 'backup');
    await cluster.kubectl('wait', '--for=condition=Complete', '--timeout=60s', 'job/backup');
    assert.match(await cluster.kubectl('logs', 'job/backup'), /^1 files\n\["key\d=value \d", .*"name=Ada"\]$/);
    assert.equal(await cluster.jsonpath('{.status.phase}', 'pvc', 'db-backup'), 'Bound');
  });

  await t.test('an update and a drained node, while requests go on', async () => {
    const answers = await underLoad(cluster, async () => {
      await cluster.kubectl('set', 'env', 'deployment/shop', 'VERSION=2');
      await cluster.kubectl('rollout', 'status', 'deployment/shop', '--timeout=90s');
      const drain = ['--ignore-daemonsets', '--delete-emptydir-data', '--force', '--timeout=90s'];
      const node = await cluster.jsonpath('{.spec.nodeName}', 'pod', 'client');
      const other = node === 'node-2' ? 'node-3' : 'node-2';
      // Only what has one Pod alone is away for a moment.
      await cluster.kubectl('drain', other, '--pod-selector=role=shop', ...drain);
    });
    assert.deepEqual(Object.keys(answers).sort(), ['version 1', 'version 2'], JSON.stringify(answers));
  });

  await t.test('a node that is drained altogether, and what was on it elsewhere', async () => {
    const node = await cluster.jsonpath('{.spec.nodeName}', 'pod', 'db-1');
    await cluster.kubectl('uncordon', 'node-2', 'node-3');
    const drain = ['--ignore-daemonsets', '--delete-emptydir-data', '--timeout=90s'];
    await cluster.kubectl('drain', node, '--pod-selector=app in (db, shop, guestbook)', ...drain);
    await rolledOut(cluster);
    assert.notEqual(await cluster.jsonpath('{.spec.nodeName}', 'pod', 'db-1'), node);
    assert.match(await cluster.kubectl('logs', 'db-1', '-c', 'db'), /^db-1 has [1-9]\d* lines\n/);
    const reports = await cluster.jsonpath('{.items[*].spec.nodeName}', 'pods', '-l', 'app=node-report');
    assert.deepEqual(reports.split(' ').sort(), ['node-1', 'node-2', 'node-3']);
    await cluster.kubectl('uncordon', node);
  });

  await t.test('the data are there after the cluster was away, and gone with their claims', async () => {
    await cluster.clusterip('down');
    await cluster.up();
    await rolledOut(cluster);
    assert.match(await cluster.kubectl('logs', 'db-0', '-c', 'db'), DB_HAS_ALL);
    await cluster.kubectl('delete', '-f', MANIFESTS);
    await cluster.kubectl('delete', 'pvc', '--all', '--timeout=60s');
    await eventually('the volumes', '', () => cluster.jsonpath('{.items[*].metadata.name}', 'pv'));
    assert.deepEqual(existsSync(volumes) ? readdirSync(volumes) : [], []);
  });
});
