/** What goes wrong at `up`: one clear line, what to do, a failing exit code, and nothing left behind. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import test from 'node:test';
import { clusterip, modes, prefix, TestHome } from './testing/mode.ts';
import { run, type Finished } from './testing/run.ts';
import { TestCluster } from './testing/test-cluster.ts';
import { eventually } from './testing/traffic.ts';

const { mode } = modes().find(({ skip }) => skip === false) ?? { mode: 'rootless' as const };

/** Standard error is one line and the advice; nothing is below the state directory. */
function assertRefused(home: TestHome, done: Finished, line: RegExp, advice: RegExp, code: 1 | 2 = 1): void {
  assert.equal(done.code, code, done.stdout + done.stderr);
  const [first = '', second = '', ...rest] = done.stderr.trimEnd().split('\n');
  assert.match(first, line);
  assert.match(second, advice);
  assert.deepEqual(rest, []);
  const state = join(home.path, 'state', 'clusterip');
  assert.deepEqual(existsSync(state) ? readdirSync(state) : [], [], 'nothing is left behind');
}

function up(home: TestHome, args: readonly string[] = [], env: NodeJS.ProcessEnv = {}): Promise<Finished> {
  return run([...prefix(mode), clusterip, 'up', ...args], { env: { ...home.env(), ...env } });
}

test('a port in use', async () => {
  using home = new TestHome(mode);
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  const done = await up(home, [`--api-port=${port}`]);
  other.close();
  assertRefused(
    home,
    done,
    new RegExp(`^clusterip: Cannot listen on 127\\.0\\.0\\.1:${port}: another program has that port$`),
    /--api-port/,
  );
});

test('a service range that overlaps the Pods', async () => {
  using home = new TestHome(mode);
  const done = await up(home, ['--service-cidr=10.244.0.0/16', '--pod-cidr=10.244.0.0/16']);
  assertRefused(
    home,
    done,
    /^clusterip: Cannot use --service-cidr 10\.244\.0\.0\/16: it overlaps --pod-cidr 10\.244\.0\.0\/16$/,
    /choose ranges/,
    2,
  );
});

test('a data directory of a newer version', async () => {
  using home = new TestHome(mode);
  const dir = join(home.path, 'newer');
  mkdirSync(dir, { mode: 0o777 });
  writeFileSync(join(dir, 'cluster.json'), '{"format":99,"config":{}}', { mode: 0o666 });
  const done = await up(home, [`--data-dir=${dir}`]);
  assertRefused(
    home,
    done,
    /^clusterip: Cannot use the data directory ".*newer": it has format 99, and this version knows 1$/,
    /newer clusterip/,
  );
  assert.deepEqual(readdirSync(dir), ['cluster.json']);
});

test('namespaces switched off', async () => {
  using home = new TestHome(mode);
  // Limits count for each user namespace, so one of the test's own may have none of the machine's.
  const script = 'for k in user mnt net; do echo 0 > /proc/sys/user/max_${k}_namespaces; done; exec "$0" up';
  const done = await run([...prefix(mode), 'unshare', '--user', '--map-root-user', 'sh', '-c', script, clusterip], {
    env: home.env(),
  });
  assertRefused(home, done, /^clusterip: Cannot create namespaces: unshare: /, /sysctl -w user\.max_user_namespaces=/);
});

test('no util-linux', async () => {
  using home = new TestHome(mode);
  const bin = join(home.path, 'bin');
  mkdirSync(bin);
  for (const name of ['readlink', 'uname', 'sh']) {
    const found = ['/usr/bin', '/bin'].map((dir) => join(dir, name)).find((path) => existsSync(path));
    if (found !== undefined) symlinkSync(found, join(bin, name));
  }
  const setpriv = ['/usr/bin/setpriv', '/bin/setpriv'].find((path) => existsSync(path)) ?? 'setpriv';
  const words = prefix(mode).map((word, i) => (i === 0 ? setpriv : word));
  const command = [...words, clusterip, 'up'];
  const done = await run(command, { env: { ...home.env(), PATH: bin } });
  assertRefused(home, done, /^clusterip: Cannot find the command "unshare"$/, /install util-linux/);
});

test('a second up of the same name, and a changed range', async () => {
  await using cluster = await TestCluster.start({ mode });
  const again = await cluster.clusterip('up');
  assert.equal(again.code, 1);
  assert.match(
    again.stderr,
    /^clusterip: Cannot start cluster "default": it is already running\n {2}to fix: .*clusterip down.*\n$/,
  );
  assert.equal((await cluster.clusterip('status')).code, 0, 'the running one is not disturbed');
  await cluster.clusterip('down');
  const changed = await cluster.clusterip('up', '--service-cidr=10.200.0.0/16');
  assert.equal(changed.code, 1);
  assert.match(
    changed.stderr,
    /^clusterip: Cannot change --service-cidr of cluster "default" from 10\.96\.0\.0\/12 to 10\.200\.0\.0\/16: /,
  );
});

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test(`${signal} during up cleans up`, async () => {
    using home = new TestHome(mode);
    const words = [...prefix(mode), clusterip, 'up'];
    const child = spawn(words[0] ?? '', words.slice(1), { env: home.env(), stdio: 'ignore' });
    const dir = join(home.path, 'state', 'clusterip', 'default');
    await eventually('the daemon is being started', true, async () => existsSync(join(dir, 'run.json')));
    const { holderPid } = JSON.parse(readFileSync(join(dir, 'run.json'), 'utf8')) as { holderPid: number };
    child.kill(signal);
    const [code] = (await once(child, 'exit')) as [number];
    assert.equal(code, 130);
    assert.equal(existsSync(`/proc/${holderPid}`), false);
    assert.equal(existsSync(dir), false);
  });
}

test('an invalid manifest gets the text and the reason of Kubernetes', async () => {
  await using cluster = await TestCluster.start({ mode });
  const cases: readonly (readonly [string, RegExp])[] = [
    [
      '{"apiVersion":"v1","kind":"Service","metadata":{"name":"x"},"spec":{}}',
      /The Service "x" is invalid: spec\.ports: Required value/,
    ],
    [
      '{"apiVersion":"v1","kind":"Service","metadata":{"name":"x"},"spec":{"ports":[{"port":0}]}}',
      /The Service "x" is invalid: \n\* spec\.ports\[0\]\.port: Invalid value: 0: must be between 1 and 65535, inclusive\n/,
    ],
    [
      '{"apiVersion":"v1","kind":"Service","metadata":{"name":"x"},"spec":{"foo":1,"ports":[{"port":80}]}}',
      /strict decoding error: unknown field "spec\.foo"/,
    ],
    [
      '{"apiVersion":"v1","kind":"Service","metadata":{"name":"X_"},"spec":{"ports":[{"port":80}]}}',
      /metadata\.name: Invalid value: "X_": a DNS-1035 label must/,
    ],
    [
      '{"apiVersion":"v1","kind":"Service","metadata":{"name":"x"},"spec":{"clusterIP":"1.2.3.4","ports":[{"port":80}]}}',
      /The Service "x" is invalid: spec\.clusterIPs: Invalid value: \["1\.2\.3\.4"\]: failed to allocate IP 1\.2\.3\.4: the provided network does not match the current range/,
    ],
    ['{"apiVersion":"v1","kind":"Nothing","metadata":{"name":"x"}}', /no matches for kind "Nothing" in version "v1"/],
  ];
  for (const [manifest, text] of cases) {
    const done = await cluster.try(['create', '-f', '-'], manifest);
    assert.equal(done.code, 1, manifest);
    assert.match(done.stderr, text);
  }
  assert.match(
    (await cluster.try(['get', 'service', 'none'])).stderr,
    /^Error from server \(NotFound\): services "none" not found$/m,
  );
});

test('status tells scripts whether a cluster is ready', async () => {
  await using cluster = await TestCluster.start({ mode });
  assert.equal((await cluster.clusterip('status')).code, 0);
  const report = JSON.parse((await cluster.clusterip('status', '--output=json')).stdout) as {
    status: string;
    components: { ready: boolean }[];
  };
  assert.equal(report.status, 'ready');
  assert.ok(report.components.length >= 3 && report.components.every(({ ready }) => ready));
  assert.match(
    (await cluster.clusterip('list')).stdout,
    /^NAME +STATUS +NODES +SERVER +DATA\ndefault +running +1 +https:\/\/127\.0\.0\.1:\d+ /,
  );
  assert.match((await cluster.clusterip('kubectl', '--', 'get', 'nodes', '-o', 'name')).stdout, /^node\/node-1$/m);
  assert.equal((await cluster.clusterip('kubectl', '--', 'get', 'service', 'none')).code, 1);
  assert.equal((await cluster.clusterip('down')).code, 0);
  const stopped = await cluster.clusterip('status');
  assert.equal(stopped.code, 3);
  assert.match(stopped.stdout, /^cluster "default": stopped\n/);
});
