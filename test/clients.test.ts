/**
 * Helm, the TypeScript, Python and Go clients on a real cluster. Programs and libraries come from `test/clients/install`,
 * what is in Go from `test/clients/build`.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import test from 'node:test';
import { oneMode } from './testing/kubectl-steps.ts';
import { prefix, root } from './testing/mode.ts';
import { run, type Finished } from './testing/run.ts';
import { hasTmux, Terminal } from './testing/terminal.ts';
import { TestCluster } from './testing/test-cluster.ts';

const clients = join(root, 'test', 'clients');
const bin = (name: string): string => join(clients, 'bin', name);

function lacking(path: string, how: string): string | false {
  return !existsSync(path) && `not installed: ${how}`;
}

/** What the programs have their streams with. */
const STREAMS = JSON.stringify({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'streams' },
  spec: {
    terminationGracePeriodSeconds: 0,
    containers: [
      {
        name: 'web',
        image: 'host',
        command: [
          'sh',
          '-c',
          'mkdir /tmp/www && echo hi > /tmp/www/hello.txt; echo begun; exec python3 -m http.server 8080 --directory /tmp/www',
        ],
        readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 },
      },
    ],
  },
});

const TOY = JSON.stringify({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'toys.clients.example.com' },
  spec: {
    group: 'clients.example.com',
    scope: 'Namespaced',
    names: { plural: 'toys', singular: 'toy', kind: 'Toy' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: { type: 'object', properties: { color: { type: 'string' } } },
              status: { type: 'object', properties: { painted: { type: 'string' } } },
            },
          },
        },
      },
    ],
  },
});

async function cluster(): Promise<TestCluster> {
  const started = await TestCluster.start({ mode: oneMode().mode });
  await started.apply(STREAMS);
  await started.apply(TOY);
  await started.kubectl('wait', '--for=condition=Ready', 'pod/streams', '--timeout=60s');
  await started.kubectl('wait', '--for=condition=Established', 'crd/toys.clients.example.com', '--timeout=60s');
  return started;
}

function runOn(on: TestCluster, command: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Finished> {
  return run([...prefix(on.mode), ...command], { env: { ...on.home.env(), ...env } });
}

const TYPESCRIPT = `read 1 true
stale 409 Conflict
patched {"a":"2","b":"3"}
listed 1
applied by-node Apply
gone 404
watched ADDED node-watched, DELETED node-watched
cached b
informed of all three
exec SHOUT 4
log true
forwarded HTTP/1.0 200 OK
server v1.34.2
`;

const PYTHON = `read 1 True
stale 409 Conflict
patched {'a': '2', 'b': '3'}
patched {'b': '3'}
listed 1
watched ADDED DELETED
exec SHOUT 4
log True
forwarded HTTP/1.0 200 OK
proxied hi
made Deployment RollingUpdate
applied True
server v1.34.2
`;

const GO: Readonly<Record<string, string>> = {
  informers: `caches are filled
added watched map[is:new]
updated watched map[is:changed]
the cache lists 1
deleted watched map[is:changed]
`,
  leader: `first leads
first has stopped
second leads
the lease is held by second after 1 transitions
`,
  manager: `the Toy is painted red
the Toy is painted blue
its ConfigMap has come again
both are gone
`,
  streams: `exec works both ways
logs: begun
port-forward works both ways
`,
  protobuf: `service UDP 80 true
slice [10.1.2.3] 80
lease me true
event by protobuf proto
updated map[by:protobuf]
delete of another true
`,
  dynamic: `mapped apps/v1, Resource=deployments true
not found true
groups are listed true
`,
  pagination: `25 in 3 pages
wrong token true false
`,
  serverapply: `conflict FieldManagerConflict .data.key conflict with "first"
forced map[key:two]
extracted map[key:two]
`,
};

test('clients other than kubectl', { timeout: 280_000 }, async (t) => {
  await using on = await cluster();
  const { streams, ...others } = GO;
  const goClient = bin('go-client');
  const skipGo = lacking(goClient, 'test/clients/build builds it with Go');
  // First of all those that read the log: requests are logged, too.
  for (const [scenario, expected = ''] of [['streams', streams] as const, ...Object.entries(others)]) {
    await t.test(`client-go: ${scenario}`, { skip: skipGo }, async () => {
      const { code, stdout, stderr } = await runOn(on, [goClient, scenario]);
      assert.deepEqual([stdout, code], [expected, 0], stderr);
    });
  }
  await t.test('client-go: informers that are sent their first list', { skip: skipGo }, async () => {
    const env = { KUBE_FEATURE_WatchListClient: 'true' };
    const { stdout, stderr } = await runOn(on, [goClient, 'informers'], env);
    assert.equal(stdout, GO['informers'], stderr);
  });
  const skipNode = lacking(join(clients, 'node_modules'), 'test/clients/install');
  await t.test('@kubernetes/client-node', { skip: skipNode }, async () => {
    const { stdout, stderr } = await runOn(on, [process.execPath, join(clients, 'client-node.mjs')]);
    assert.equal(stdout, TYPESCRIPT, stderr);
  });
  const python = join(clients, 'python');
  await t.test('kubernetes of Python', { skip: lacking(python, 'test/clients/install --python') }, async () => {
    const { stdout, stderr } = await runOn(on, ['python3', join(clients, 'client.py')], { PYTHONPATH: python });
    assert.equal(stdout, PYTHON, stderr);
  });
  const k9s = bin('k9s');
  const skipK9s = lacking(k9s, 'test/clients/build builds it with Go') || (!hasTmux && 'no tmux on PATH');
  await t.test('k9s', { skip: skipK9s }, async () => {
    await using screen = await Terminal.start(on, [k9s, '--splashless', '--namespace', 'default', '--command', 'pods']);
    await screen.shows(/pods\(default\)\[1\][^]*│ streams +\S+ +1\/1 +Running /);
    await screen.type('d');
    await screen.shows(/Describe\(default\/streams\)[^]*Node: +node-1\/172\.18\.0\.2/);
    await screen.type('Escape');
    await screen.shows(/pods\(default\)\[1\]/);
    await screen.type('l');
    await screen.shows(/Logs\(default\/streams:web\)[^]*│ begun /);
    await screen.type('Escape');
    await screen.shows(/pods\(default\)\[1\]/);
    await screen.type(':services', 'Enter');
    await screen.shows(/services\(default\)\[1\][^]*│ kubernetes +ClusterIP +10\.96\.0\.1 /);
    await on.kubectl('create', 'service', 'clusterip', 'later', '--tcp=80');
    await screen.shows(/│ later +ClusterIP +10\./);
    await screen.type(':toys', 'Enter');
    await screen.shows(/toys\(default\)\[0\]/);
  });
  for (const helm of ['helm.3', 'helm.4']) {
    await t.test(helm, { skip: lacking(bin(helm), 'test/clients/install') }, (t) => helmSession(t, on, bin(helm)));
  }
});

async function helmSession(t: test.TestContext, on: TestCluster, helm: string): Promise<void> {
  const chart = join(clients, 'chart');
  const wait = ['--wait', '--timeout', '60s'];
  const steps: readonly (readonly [args: readonly string[], text: RegExp, code?: number])[] = [
    [
      ['install', 'web', chart, ...wait],
      /^STATUS: deployed\nREVISION: 1\n[^]*\nweb says hello; the server is v1\.34\.2, with slices\.\n/m,
    ],
    [['install', 'web', chart], /cannot re-?use a name that is still in use/, 1],
    [['list'], /^web\s+default\s+1\s+.*\sdeployed\s+greeter-1\.2\.3\s+1\.0\s*$/m],
    [['status', 'web'], /^STATUS: deployed$/m],
    [['test', 'web', '--logs'], /^Phase: +Succeeded$[^]*\nhello\n/m],
    [['upgrade', 'web', chart, '--set', 'greeting=goodbye,replicas=2', ...wait], /^REVISION: 2$[^]*says goodbye/m],
    [['test', 'web', '--logs'], /^Phase: +Succeeded$[^]*\ngoodbye\n/m],
    [['get', 'values', 'web'], /\ngreeting: goodbye\nreplicas: 2\n/],
    [['rollback', 'web', '1', ...wait], /^Rollback was a success! Happy Helming!\n/],
    [['test', 'web', '--logs'], /^Phase: +Succeeded$[^]*\nhello\n/m],
    [['history', 'web'], /^1\s.*superseded[^]*^2\s.*superseded[^]*^3\s.*deployed.*Rollback to 1\s*$/m],
    [['upgrade', '--install', 'web', chart, '--dry-run=server'], /^REVISION: 4$/m],
    [['uninstall', 'web', ...wait], /^release "web" uninstalled\n/],
    [['status', 'web'], /^Error: release: not found\n/, 1],
  ];
  for (const [args, expected, code = 0] of steps) {
    await t.test(args.filter((word) => word !== chart).join(' '), async () => {
      const done = await runOn(on, [helm, ...args]);
      assert.match(done.stdout + done.stderr, expected);
      assert.equal(done.code, code);
    });
  }
}
