/**
 * exec, attach, cp, logs, port-forward and debug of every installed kubectl, through the real API server to real Pods: over
 * SPDY until kubectl 1.30, over WebSockets since.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { text } from 'node:stream/consumers';
import { ClusterKubectl, hasScript, kubectlRuns, oneMode, type KubectlStep } from './testing/kubectl-steps.ts';
import { TestCluster } from './testing/test-cluster.ts';
import { eventually } from './testing/traffic.ts';

const WEB = `import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"served")
    def log_message(self, *args): pass
print("from-b", flush=True)
http.server.ThreadingHTTPServer(("127.0.0.1", 8080), Handler).serve_forever()
`;

/** Restarts once, so that there is a previous log; `echo` has a terminal of its own to attach to. */
function manifests(): string {
  const b = {
    name: 'b',
    image: 'host',
    command: ['python3', '-c', WEB],
    ports: [{ name: 'http', containerPort: 8080 }],
  };
  const again = 'if [ -e /data/again ]; then echo second; exec sleep infinity; fi; touch /data/again; echo first';
  const spec = {
    terminationGracePeriodSeconds: 0,
    volumes: [{ name: 'data', emptyDir: {} }],
    initContainers: [{ name: 'init', image: 'host', command: ['echo', 'from-init'] }],
    containers: [
      { name: 'a', image: 'host', command: ['sh', '-c', 'echo from-a; exec sleep infinity'] },
      b,
      {
        name: 'again',
        image: 'host',
        command: ['sh', '-c', again],
        volumeMounts: [{ name: 'data', mountPath: '/data' }],
      },
      {
        name: 'echo',
        image: 'host',
        stdin: true,
        stdinOnce: true,
        command: ['sh', '-c', 'while read line; do echo "<$line>"; done'],
      },
    ],
  };
  const labels = { app: 'two' };
  const items = [
    { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'two', labels }, spec },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'two' },
      spec: { selector: labels, ports: [{ port: 80, targetPort: 'http' }] },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web' },
      spec: {
        selector: { matchLabels: { app: 'web' } },
        template: { metadata: { labels: { app: 'web' } }, spec: { terminationGracePeriodSeconds: 0, containers: [b] } },
      },
    },
  ];
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
}

const BEGIN: readonly KubectlStep[] = [
  { args: 'apply -f -', input: manifests(), text: /created/ },
  { args: 'wait --for=condition=Ready pod/two --timeout=60s', text: 'pod/two condition met\n' },
  { args: 'rollout status deployment/web --timeout=60s', text: /successfully rolled out\n$/ },
];

const EXEC: readonly KubectlStep[] = [
  { args: 'exec two -c a -- hostname', text: 'two\n' },
  {
    args: ['exec', 'two', '-c', 'a', '--', 'sh', '-c', 'echo out; echo err >&2; exit 7'],
    code: 7,
    text: 'out\nerr\ncommand terminated with exit code 7\n',
  },
  { args: 'exec -i two -c a -- tr a-z A-Z', input: 'data\n', text: 'DATA\n' },
  { args: 'exec deployment/web -- echo there', text: 'there\n' },
  { args: 'exec service/two -c b -- echo there', text: 'there\n' },
  {
    args: 'exec two -c none -- true',
    code: 1,
    text: /container none (?:is not valid for|not found in) pod two/,
  },
  { args: 'exec two -c a -- none', code: 1, text: /exec: "none": executable file not found in \$PATH/ },
  { args: 'exec nobody -- true', code: 1, text: 'Error from server (NotFound): pods "nobody" not found\n' },
];

const LOGS: readonly KubectlStep[] = [
  { args: 'logs two -c a', text: 'from-a\n' },
  { args: 'logs two -c init', text: 'from-init\n' },
  { args: 'logs two -c again', text: 'second\n', eventually: true },
  { args: 'logs two -c again --previous', text: 'first\n' },
  {
    args: 'logs two -c a --previous',
    code: 1,
    text: 'Error from server (BadRequest): previous terminated container "a" in pod "two" not found\n',
  },
  { args: 'logs two --all-containers --prefix', text: /^\[pod\/two\/a\] from-a$/m },
  { args: 'logs -l app=two -c b --tail=1', text: 'from-b\n' },
  { args: 'logs deployment/web', text: 'from-b\n' },
  { args: 'logs two -c a --since=1h', text: 'from-a\n' },
  { args: 'logs two -c a --since-time=2099-01-01T00:00:00Z', text: '' },
  { args: 'logs two -c a --timestamps', text: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z from-a\n$/ },
  { args: 'logs two -c a --limit-bytes=4', text: 'from' },
];

const DEBUG: readonly KubectlStep[] = [
  // Until 1.22 it sends an object of a kind of its own, which Kubernetes knows no more.
  ...[
    {
      args: 'debug two --image=host -c dbg --target=a -- sh -c hostname',
      text: /^(?:Targeting container "a"\..*\n)?$/,
    },
    { args: 'logs two -c dbg', text: 'two\n', eventually: true },
    {
      args: 'get pod two -o jsonpath={.status.ephemeralContainerStatuses[0].state.terminated.exitCode}',
      text: '0',
      eventually: true,
    },
  ].map((step) => ({ ...step, since: 23 })),
  { args: 'debug two --image=host --copy-to=copy -c dbg -- sleep infinity', text: /^$/ },
  { args: 'get pod copy -o jsonpath={.spec.containers[*].name}', text: 'a b again echo dbg' },
  { args: 'wait --for=condition=Ready pod/copy --timeout=60s', text: 'pod/copy condition met\n' },
  {
    args: 'debug node/node-1 --image=host -- ls /host/etc/hostname',
    text: /^Creating debugging pod node-debugger-node-1-\S+ with container debugger on node node-1\.\n$/,
  },
  {
    args: 'get pods -o jsonpath={.items[?(@.spec.hostNetwork==true)].status.phase}',
    text: 'Succeeded',
    eventually: true,
  },
  { args: 'delete pods --all --now', text: /^pod "copy"/ },
];

async function copies(t: TestContext, cluster: TestCluster, kubectl: ClusterKubectl): Promise<void> {
  await t.test('cp in both directions', async () => {
    const dir = join(cluster.home.path, kubectl.namespace);
    mkdirSync(join(dir, 'tree', 'sub'), { recursive: true });
    const bytes = randomBytes(3_000_000);
    writeFileSync(join(dir, 'tree', 'sub', 'file'), bytes);
    const copy = async (...args: string[]): Promise<void> => {
      const { code, stderr } = await kubectl.run(['cp', ...args, '-c', 'a']);
      assert.equal(code, 0, stderr);
    };
    await copy(join(dir, 'tree'), 'two:/tmp/tree');
    const sum = await kubectl.run(['exec', 'two', '-c', 'a', '--', 'stat', '-c', '%s', '/tmp/tree/sub/file']);
    assert.equal(sum.stdout, '3000000\n');
    await copy('two:/tmp/tree', join(dir, 'back'));
    assert.ok(readFileSync(join(dir, 'back', 'sub', 'file')).equals(bytes), 'the same came back');
    await copy('two:/tmp/tree/sub/file', join(dir, 'single'));
    assert.ok(readFileSync(join(dir, 'single')).equals(bytes));
  });
}

async function follows(t: TestContext, kubectl: ClusterKubectl): Promise<void> {
  await t.test('attach carries input, and logs -f goes on', { timeout: 60_000 }, async () => {
    const logs = kubectl.start(['logs', '-f', 'two', '-c', 'echo']);
    const attach = kubectl.start(['attach', '-i', 'two', '-c', 'echo']);
    try {
      let followed = '';
      logs.stdout.on('data', (chunk: Buffer) => (followed += chunk.toString()));
      const attached = text(attach.stdout);
      const ends = Promise.all([once(attach, 'exit'), once(logs, 'exit')]);
      attach.stdin.write('one\n');
      await eventually('the line is in the log', '<one>\n', async () => followed);
      // The end of the input is the end of the container's process; what starts in its place is not followed.
      attach.stdin.end('two\n');
      await ends;
      assert.match(await attached, /<two>\n/);
      assert.equal(followed, '<one>\n<two>\n');
    } finally {
      logs.kill();
      attach.kill();
    }
  });
}

async function forwards(t: TestContext, kubectl: ClusterKubectl): Promise<void> {
  for (const [to, port] of [
    ['pod/two', '8080'],
    ['pod/two', 'http'],
    ['service/two', '80'],
    ['deployment/web', '8080'],
  ] as const) {
    await t.test(`port-forward ${to} :${port}`, async () => {
      const child = kubectl.start(['port-forward', to, `:${port}`]);
      try {
        const [line] = (await once(child.stdout, 'data')) as [Buffer];
        const local =
          /^Forwarding from (127\.0\.0\.1:\d+) -> 8080\n/.exec(line.toString())?.[1] ?? assert.fail(String(line));
        for (let i = 0; i < 3; i++) assert.equal(await (await fetch(`http://${local}/`)).text(), 'served');
      } finally {
        child.kill();
        await once(child, 'close');
      }
    });
  }
}

async function terminals(t: TestContext, kubectl: ClusterKubectl): Promise<void> {
  const skip = !hasScript && 'no script(1) to make a terminal with';
  await t.test('exec -it has a terminal of the size of ours', { skip }, async () => {
    const line = `stty rows 33 cols 77; exec ${kubectl.line(['exec', '-it', 'two', '-c', 'a', '--', 'sh', '-c', 'tty; sleep 1; stty size; exit 3'])}`;
    const { stdout, code } = await kubectl.shellOnTerminal(line);
    // script(1) sends an end of file of its own.
    assert.match(stdout.replaceAll('^@', ''), /\/dev\/pts\/\d+\r\n33 77\r\n/);
    assert.equal(code, 3);
  });
  await t.test('run -it --rm', { skip }, async () => {
    const args = ['run', 'shell', '--image=host', '--restart=Never', '-it', '--rm', '--quiet', '--', 'sh', '-c'];
    const { stdout, code } = await kubectl.shellOnTerminal(
      kubectl.line([...args, 'read line; echo "<$line>"']),
      'typed\n',
    );
    assert.match(stdout, /<typed>\r\n/);
    assert.equal(code, 0);
    assert.match((await kubectl.run(['get', 'pod', 'shell'])).stderr, /NotFound/);
  });
}

test('kubectl streams to and from a real cluster', { timeout: 280_000, concurrency: true }, async (t) => {
  const { mode } = oneMode();
  await using cluster = await TestCluster.start({ mode });
  await Promise.all(
    kubectlRuns().map(({ binary, name }) =>
      t.test(name, async (t) => {
        const kubectl = await ClusterKubectl.create(cluster, binary);
        await kubectl.steps(t, BEGIN);
        await kubectl.steps(t, EXEC);
        await kubectl.steps(t, LOGS);
        await copies(t, cluster, kubectl);
        await forwards(t, kubectl);
        await terminals(t, kubectl);
        await follows(t, kubectl);
        await kubectl.steps(t, DEBUG);
      }),
    ),
  );
});
