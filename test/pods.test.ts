/** The life of Pods on a real node: in which order what happens, and what kubectl says of it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { oneMode } from './testing/kubectl-steps.ts';
import { TestCluster } from './testing/test-cluster.ts';
import { eventually } from './testing/traffic.ts';
import { podOf, polite, Workspace } from './testing/workspace.ts';

const CONDITIONS = '{range .status.conditions[*]}{.type}={.status} {end}';
const shell = (name: string, script: string, more: object = {}): object =>
  polite({ name, command: ['sh', '-c', script], ...more });
const READY = 'condition=Ready';

async function told(on: Workspace): Promise<void> {
  const spec = {
    initContainers: [shell('first', 'true')],
    containers: [polite(), polite({ name: 'd', image: '127.0.0.1:1/none:1' })],
    readinessGates: [{ conditionType: 'example.com/gate' }],
  };
  await on.apply(podOf('plain', {}), podOf('mixed', spec));
  await on.apply(
    podOf('large', { containers: [polite({ resources: { requests: { cpu: '1000' } } })] }),
    podOf('volume', {
      volumes: [{ name: 'v', configMap: { name: 'none' } }],
      containers: [polite({ volumeMounts: [{ name: 'v', mountPath: '/v' }] })],
    }),
  );
  await on.wait(READY, 'pod/plain');
  const present = 'Normal Pulled Container image "host" already present on machine';
  const started = [
    'Normal Scheduled Successfully assigned told/plain to node-1',
    present,
    'Normal Created Created container: c',
    'Normal Started Started container c',
  ];
  await eventually('its events in order', started, () => on.events('plain'));
  await on.happened('mixed', /^Normal BackOff Back-off pulling image "127\.0\.0\.1:1\/none:1"$/);
  const events = await on.events('mixed');
  assert.deepEqual(
    events.filter((event) => event.startsWith('Normal')),
    [
      'Normal Scheduled Successfully assigned told/mixed to node-1',
      present,
      'Normal Created Created container: first',
      'Normal Started Started container first',
      present,
      'Normal Created Created container: c',
      'Normal Started Started container c',
      'Normal Pulling Pulling image "127.0.0.1:1/none:1"',
      'Normal BackOff Back-off pulling image "127.0.0.1:1/none:1"',
    ],
  );
  const cannot = /^Warning Failed Failed to pull image "127\.0\.0\.1:1\/none:1": .*connection refused$/;
  assert.ok(
    events.some((event) => cannot.test(event)),
    events.join('\n'),
  );
  assert.equal(
    await on.get(CONDITIONS, 'pod', 'mixed'),
    'PodReadyToStartContainers=True Initialized=True Ready=False ContainersReady=False PodScheduled=True ',
  );
  const described = await on.kubectl('describe', 'pod', 'plain');
  assert.deepEqual(
    described
      .split('\nEvents:')[1]
      ?.split('\n')
      .flatMap((line) => /^ {2}Normal +(\w+)/.exec(line)?.[1] ?? []),
    ['Scheduled', 'Pulled', 'Created', 'Started'],
  );
  await on.happened('large', /^Warning FailedScheduling 0\/1 nodes are available: 1 Insufficient cpu\./);
  await on.happened(
    'volume',
    /^Warning FailedMount MountVolume\.SetUp failed for volume "v" : configmap "none" not found$/,
  );
  assert.equal(
    await on.get('{.status.containerStatuses[0].state.waiting.reason}', 'pod', 'volume'),
    'ContainerCreating',
  );
  await on.kubectl('create', 'configmap', 'none');
  await on.wait(READY, 'pod/volume');
  await on.kubectl('delete', 'pod', 'plain');
  assert.deepEqual(await on.events('plain'), [...started, 'Normal Killing Stopping container c']);
}

async function gated(on: Workspace): Promise<void> {
  const type = 'example.com/gate';
  await on.apply(podOf('gated', { readinessGates: [{ conditionType: type }] }));
  await on.wait('condition=ContainersReady', 'pod/gated');
  const because = (): Promise<string> => on.get('{.status.conditions[?(@.type=="Ready")].message}', 'pod', 'gated');
  await eventually('why it is not', `corresponding condition of pod readiness gate "${type}" does not exist.`, because);
  assert.match(await on.kubectl('get', 'pod', 'gated', '-o', 'wide', '--no-headers'), / 0\/1\n$/);
  const open = JSON.stringify({ status: { conditions: [{ type, status: 'True' }] } });
  await on.kubectl('patch', 'pod', 'gated', '--subresource=status', '-p', open);
  await on.wait(READY, 'pod/gated');
}

/** Each says at its end what had ended before. */
async function sidecars(on: Workspace): Promise<void> {
  const volumeMounts = [{ name: 'log', mountPath: '/log' }];
  const ends = (name: string): string =>
    `trap 'cat /log/ends; echo ${name} >> /log/ends; exit' TERM; touch /log/${name}`;
  const side = (name: string): object =>
    shell(name, `${ends(name)}; while :; do sleep 0.05; done`, {
      restartPolicy: 'Always',
      startupProbe: { exec: { command: ['test', '-e', `/log/${name}`] } },
      volumeMounts,
    });
  const main = shell('c', 'ls /log; echo c >> /log/ends', { volumeMounts });
  const init = shell('init', 'ls /log', { volumeMounts });
  const spec = {
    restartPolicy: 'Never',
    terminationGracePeriodSeconds: 30,
    volumes: [{ name: 'log', emptyDir: {} }],
    initContainers: [side('one'), init, side('two')],
    containers: [main],
  };
  await on.apply(podOf('sides', spec));
  await on.until('Succeeded', '{.status.phase}', 'pod', 'sides');
  const said = ['init', 'c', 'two', 'one'].map((name) => on.kubectl('logs', 'sides', '-c', name));
  assert.deepEqual(await Promise.all(said), ['one\n', 'one\ntwo\n', 'c\n', 'c\ntwo\n']);
}

async function hooks(on: Workspace): Promise<void> {
  const volumes = [{ name: 'log', emptyDir: {} }];
  const volumeMounts = [{ name: 'log', mountPath: '/log' }];
  const hook = (script: string): object => ({ exec: { command: ['sh', '-c', script] } });
  const often = { periodSeconds: 1, failureThreshold: 1 };
  const stops = shell(
    'c',
    "cat /log/* 2>/dev/null; touch /tmp/up; trap 'echo term >> /log/order; exit' TERM; while :; do sleep 0.05; done",
    {
      volumeMounts,
      readinessProbe: { exec: { command: ['test', '-e', '/tmp/up'] }, periodSeconds: 1 },
      livenessProbe: { exec: { command: ['test', '!', '-e', '/tmp/die'] }, ...often },
      lifecycle: { preStop: hook('echo pre >> /log/order') },
    },
  );
  // It heeds no signal, and would have ten minutes.
  const deaf = shell('c', 'sleep infinity', {
    livenessProbe: { exec: { command: ['sleep', '60'] }, ...often, terminationGracePeriodSeconds: 1 },
  });
  await on.apply(
    podOf('stops', { terminationGracePeriodSeconds: 30, volumes, containers: [stops] }),
    podOf('deaf', { terminationGracePeriodSeconds: 600, containers: [deaf] }),
    podOf('lost', { containers: [polite({ livenessProbe: { exec: { command: ['nope'] }, ...often } })] }),
    podOf('post', { containers: [polite({ lifecycle: { postStart: hook('echo secret; exit 1') } })] }),
  );
  await on.wait(READY, 'pod/stops');
  await on.kubectl('exec', 'stops', '--', 'touch', '/tmp/die');
  await on.until('1', '{.status.containerStatuses[0].restartCount}', 'pod', 'stops');
  await eventually('what came first', 'pre\nterm\n', () => on.kubectl('logs', 'stops'));
  await on.happened('post', /^Warning FailedPostStartHook PostStartHook failed$/);
  await on.happened('post', /^Normal Killing FailedPostStartHook$/);
  await on.happened('post', /^Warning BackOff Back-off restarting failed container c in pod post_hooks\(/);
  await on.happened(
    'deaf',
    /^Warning Unhealthy Liveness probe failed: command timed out: "sleep 60" timed out after 1s$/,
  );
  await on.happened('deaf', /^Normal Killing Container c failed liveness probe, will be restarted$/);
  await on.until(
    '137 Error',
    '{.status.containerStatuses[0].lastState.terminated.exitCode} {.status.containerStatuses[0].lastState.terminated.reason}',
    'pod',
    'deaf',
  );
  await on.kubectl('delete', 'pod', 'deaf', '--now');
  // What cannot be tried is nothing against the container.
  const errored =
    /^Warning Unhealthy Liveness probe errored and resulted in unknown state: exec: "nope": executable file not found in \$PATH$/;
  await on.happened('lost', errored);
  assert.equal(await on.get('{.status.containerStatuses[0].restartCount}', 'pod', 'lost'), '0');
}

/** Answers on 80, and on 443 with TLS; `/asked` only those who ask as they should, `/moved` with a way to `/asked`. */
const SERVER = `import http.server, ssl, threading
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        good = self.headers["x-probe"] == "yes" and self.headers["host"] == "web.example"
        moved = {"/moved": "/asked", "/away": "http://example.invalid/"}.get(self.path)
        self.send_response(302 if moved else 200 if good else 403)
        if moved: self.send_header("location", moved)
        self.end_headers()
    def log_message(self, *args): pass
def serve(port, context):
    server = http.server.ThreadingHTTPServer(("", port), Handler)
    if context: server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("/tls/tls.crt", "/tls/tls.key")
threading.Thread(target=serve, args=(443, context)).start()
serve(80, None)
`;

async function probed(on: Workspace): Promise<void> {
  // Any will do: a kubelet does not look at it.
  const config = readFileSync(join(on.cluster.home.path, 'kubeconfig'), 'utf8');
  const pem = (field: string): string => new RegExp(`${field}-data"?: "?([\\w+/=]+)`).exec(config)?.[1] ?? '';
  const data = { 'tls.crt': pem('client-certificate'), 'tls.key': pem('client-key') };
  const secret = { apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/tls', metadata: { name: 'tls' }, data };
  const httpHeaders = [
    { name: 'Host', value: 'web.example' },
    { name: 'X-Probe', value: 'yes' },
  ];
  const pod = (name: string, probe: object, kind = 'readinessProbe'): object =>
    podOf(name, {
      volumes: [{ name: 'tls', secret: { secretName: 'tls' } }],
      containers: [
        polite({
          command: ['python3', '-c', SERVER],
          ports: [{ name: 'https', containerPort: 443 }],
          volumeMounts: [{ name: 'tls', mountPath: '/tls' }],
          [kind]: { periodSeconds: 1, failureThreshold: 60, ...probe },
        }),
      ],
    });
  await on.apply(
    secret,
    pod('tls', { httpGet: { scheme: 'HTTPS', port: 'https', path: '/asked', httpHeaders } }),
    pod('moved', { httpGet: { port: 80, path: '/moved', httpHeaders } }),
    pod('away', { httpGet: { port: 80, path: '/away', httpHeaders } }),
    pod('other', { httpGet: { port: 80, path: '/moved' } }),
    pod('slow', { httpGet: { port: 80, path: '/asked' } }, 'startupProbe'),
    pod('tcp', { tcpSocket: { port: 443 } }),
  );
  await on.wait(READY, ...['tls', 'moved', 'away', 'tcp'].map((name) => `pod/${name}`));
  await on.happened(
    'away',
    /^Warning ProbeWarning Readiness probe warning: Probe terminated redirects, Response body:/,
  );
  await on.happened('other', /^Warning Unhealthy Readiness probe failed: HTTP probe failed with statuscode: 403$/);
  await on.happened('slow', /^Warning Unhealthy Startup probe failed: HTTP probe failed with statuscode: 403$/);
  assert.equal(await on.get('{.status.containerStatuses[0].started}', 'pod', 'slow'), 'false');
}

async function endings(on: Workspace): Promise<void> {
  const restartPolicy = 'Never';
  const words = { terminationMessagePolicy: 'FallbackToLogsOnError' };
  await on.apply(
    podOf('init', { restartPolicy, initContainers: [shell('i', 'echo broken; exit 3', words)] }),
    podOf('loop', { initContainers: [shell('i', 'exit 3')] }),
    podOf('late', { activeDeadlineSeconds: 1 }),
    podOf('crash', { containers: [shell('c', 'exit 7', { terminationMessagePath: '/dev/last' })] }),
    podOf('done', { restartPolicy: 'OnFailure', containers: [shell('c', 'echo bye > /dev/termination-log')] }),
  );
  await on.until('Failed', '{.status.phase}', 'pod', 'init');
  assert.match(await on.kubectl('get', 'pod', 'init', '--no-headers'), /^init +0\/1 +Init:Error +0 /);
  assert.equal(await on.get('{.status.initContainerStatuses[0].state.terminated.message}', 'pod', 'init'), 'broken\n');
  await on.until('Succeeded', '{.status.phase}', 'pod', 'done');
  assert.equal(await on.get('{.status.containerStatuses[0].state.terminated.message}', 'pod', 'done'), 'bye\n');
  await on.until('Failed DeadlineExceeded', '{.status.phase} {.status.reason}', 'pod', 'late');
  await eventually('the column', true, async () => {
    return /^loop +0\/1 +Init:CrashLoopBackOff +[1-9]/.test(await on.kubectl('get', 'pod', 'loop', '--no-headers'));
  });
  // In seconds; 0 while it runs.
  const waits = async (): Promise<number> => {
    const message = await on.get('{.status.containerStatuses[0].state.waiting.message}', 'pod', 'crash');
    const text = /^back-off (?:(\d+)m)?(\d+)s restarting failed container=c pod=crash_endings\(\S+\)$/;
    const [, minutes = 0, seconds = 0] = text.exec(message) ?? [];
    return Number(minutes) * 60 + Number(seconds);
  };
  let first = 0;
  await eventually('a wait', true, async () => (first = await waits()) > 0);
  assert.ok([10, 20, 40, 80, 160, 300].includes(first), String(first));
  assert.equal(await on.get('{.status.containerStatuses[0].lastState.terminated.exitCode}', 'pod', 'crash'), '7');
  await eventually('one twice as long', Math.min(300, first * 2), waits, Math.max(30, first * 2));
}

test('the life of Pods', { timeout: 280_000, concurrency: true }, async (t) => {
  const { mode } = oneMode();
  await using cluster = await TestCluster.start({ mode });
  const stories: Readonly<Record<string, readonly [string, (on: Workspace) => Promise<void>]>> = {
    endings: ['how Pods end, and how they wait to begin again', endings],
    told: ['what is told of a Pod that starts, waits and ends', told],
    gated: ['a gate that somebody has to open', gated],
    sidecars: ['sidecars start in order and end in reverse', sidecars],
    hooks: ['hooks and what little time a probe leaves', hooks],
    probed: ['probes over HTTP, HTTPS and TCP', probed],
  };
  await Promise.all(
    Object.entries(stories).map(([namespace, [name, story]]) =>
      t.test(name, async () => story(await Workspace.make(cluster, namespace))),
    ),
  );
});
