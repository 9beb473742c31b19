/** Images by the command: archives that skopeo wrote, pulls, removal; with the cluster up and down. */
import assert from 'node:assert/strict';
import { chownSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { buildImage, busyboxLayer } from '#node/testing/test-image.ts';
import { registryMissing, TestRegistry } from '#node/testing/test-registry.ts';
import { modes } from './testing/mode.ts';
import { run } from './testing/run.ts';
import { TestCluster } from './testing/test-cluster.ts';

const skopeo = ['/usr/bin/skopeo', '/bin/skopeo'].find((path) => existsSync(path));
const missing = registryMissing() || (skopeo === undefined ? 'skopeo is not installed (Debian: skopeo)' : false);
const registry = missing === false ? new TestRegistry() : undefined;
const users = { htpasswd: 'me:$2b$05$7tvNu5FwiMA7GpnNwTKMXOVKb6DGhyThVNOZvHIUZDEV37yG3WtZe', login: 'me:secret' };
const closed = missing === false ? new TestRegistry(users) : undefined;
after(async () => {
  await registry?.[Symbol.asyncDispose]();
  await closed?.[Symbol.asyncDispose]();
});

/** As `docker login` does. */
function logIn(home: string, host: string): void {
  const auth = Buffer.from(users.login).toString('base64');
  mkdirSync(`${home}/.docker`);
  writeFileSync(`${home}/.docker/config.json`, JSON.stringify({ auths: { [host]: { auth } } }));
}

interface Listed {
  readonly name: string;
}

for (const { mode, skip } of modes()) {
  test(`images are loaded, pulled, listed, used and removed, as ${mode}`, { skip: skip || missing }, async () => {
    assert.ok(registry !== undefined && closed !== undefined && skopeo !== undefined);
    const host = await registry.host();
    const image = (text: string): Parameters<TestRegistry['push']>[0] =>
      buildImage({
        layers: [busyboxLayer(), { files: [{ path: 'text', data: text }] }],
        config: { Cmd: ['/bin/sh', '-c', 'cat /text; exec sleep 1000'], Env: ['PATH=/bin'] },
      });
    await registry.push(image('one\n'), 'app', 'v1');
    await registry.push(image('two\n'), 'app', 'v2');
    await using cluster = await TestCluster.start({ mode });
    const archive = async (kind: string, tag: string, name: string): Promise<string> => {
      const file = join(cluster.home.path, `${kind}.tar`);
      const source = `docker://${host}/app:${tag}`;
      const copy = [skopeo, '--insecure-policy', 'copy', '--quiet', '--src-tls-verify=false', source];
      const done = await run([...copy, `${kind}:${file}:${name}`], {
        env: { ...process.env, TMPDIR: cluster.home.path },
      });
      assert.equal(done.code, 0, done.stderr);
      const { uid, gid } = statSync(cluster.home.path);
      chownSync(file, uid, gid);
      return file;
    };
    // The node asks for it as the user does: with his login.
    const closedHost = await closed.host();
    await closed.push(image('three\n'), 'app', 'v3');
    logIn(cluster.home.path, closedHost);
    await cluster.kubectl('run', 'three', `--image=${closedHost}/app:v3`);
    await cluster.kubectl('wait', '--for=condition=Ready', 'pod/three', '--timeout=60s');
    await cluster.kubectl('delete', 'pod', 'three', '--grace-period=1');
    assert.equal((await cluster.clusterip('image', 'remove', `${closedHost}/app:v3`)).code, 0);

    const command = async (...args: readonly string[]): Promise<string> => {
      const done = await cluster.clusterip('image', ...args);
      assert.equal(done.code, 0, done.stderr);
      return done.stdout;
    };
    const names = async (): Promise<readonly string[]> =>
      (JSON.parse(await command('list', '--output=json')) as readonly Listed[]).map(({ name }) => name);
    const runPod = async (name: string, image: string): Promise<string> => {
      await cluster.kubectl('run', name, `--image=${image}`, '--image-pull-policy=Never');
      await cluster.kubectl('wait', '--for=condition=Ready', `pod/${name}`, '--timeout=60s');
      return cluster.kubectl('logs', name);
    };

    const docker = await archive('docker-archive', 'v1', 'example/one:1');
    assert.match(await command('load', docker), /^loaded example\/one:1 \([0-9a-f]{12}, \d+(\.\d)? [kM]B\)\n$/);
    assert.equal(await runPod('one', 'example/one:1'), 'one\n');
    assert.match(await command('pull', `${host}/app:v2`), /^pulled 127\.0\.0\.1:\d+\/app:v2 \(/);
    assert.deepEqual(await names(), [`${host}/app:v2`, 'docker.io/example/one:1']);

    // What a Pod uses goes on being there for it, whatever it is called and whoever removes its name.
    assert.equal(await command('prune'), `removed ${host}/app:v2\n`);
    assert.equal(await command('remove', 'example/one:1'), 'removed example/one:1\n');
    assert.equal(await cluster.kubectl('exec', 'one', '--', 'cat', '/text'), 'one\n');
    assert.deepEqual(await names(), []);
    await cluster.kubectl('delete', 'pod', 'one', '--grace-period=1');

    await cluster.clusterip('down');
    const oci = await archive('oci-archive', 'v2', 'example/two:1');
    await command('load', oci);
    await command('load', docker);
    assert.equal(await command('remove', 'example/one:1'), 'removed example/one:1\n');
    const layers = join(cluster.dataDir, 'images/layers');
    assert.equal(readdirSync(layers).length, 2);
    const refused = await cluster.clusterip('image', 'prune');
    assert.match(refused.stderr, /^clusterip: Cannot tell which images are in use: the cluster is not running\n/);
    await cluster.up();
    assert.equal(await runPod('two', 'example/two:1'), 'two\n');
  });
}

test('clusterip image says what is wrong with an archive, a name and a registry', { skip: missing }, async () => {
  assert.ok(registry !== undefined && skopeo !== undefined);
  const host = await registry.host();
  const other = buildImage({ layers: [busyboxLayer()], architecture: 'other' });
  await registry.push(other, 'foreign', 'v1');
  await using cluster = await TestCluster.start({ mode: process.getuid?.() === 0 ? 'root' : 'rootless' });
  await cluster.clusterip('down');
  const file = (name: string, bytes: Buffer): string => {
    writeFileSync(join(cluster.home.path, name), bytes);
    return join(cluster.home.path, name);
  };
  const cases: readonly (readonly [args: readonly string[], code: number, message: RegExp])[] = [
    [['load'], 2, /Cannot load images: no file was named/],
    [['load', '/none.tar'], 1, /Cannot load "\/none.tar": there is no such file/],
    [['load', '/'], 1, /it is a directory/],
    [['load', file('noise', Buffer.alloc(1024, 'noise'))], 1, /a header has a wrong checksum/],
    [['load', file('empty', Buffer.alloc(1024))], 1, /not an archive of images/],
    [['pull', `${host}/foreign:v1`], 1, /the image is for linux\/other, this machine is linux\//],
    [['pull', `${host}/none:v1`], 1, /404 not found: manifest unknown/],
    [['pull', '127.0.0.1:1/x'], 1, /connection refused/],
    [['pull', 'Not A Name'], 2, /invalid reference format/],
    [['remove', 'none'], 1, /Cannot remove image "none": it is not here/],
    [['walk'], 2, /Cannot "image walk"/],
  ];
  for (const [args, code, message] of cases) {
    const done = await cluster.clusterip('image', ...args);
    assert.match(done.stderr, message, args.join(' '));
    assert.equal(done.code, code, args.join(' '));
    assert.equal(done.stdout, '');
  }
});
