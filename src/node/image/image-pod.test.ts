import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmdirSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { Readable } from 'node:stream';
import { after, test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { MNT_DETACH, mount, umount } from '#netlink/mount.ts';
import { secrets } from '#api/resource.ts';
import { SandboxRuntime } from '../sandbox/runtime-agent.ts';
import { isolateTests } from '../testing/isolated.ts';
import { isReady, podSummary } from '../testing/pod-summary.ts';
import { writeTar } from '../testing/tar-writer.ts';
import { buildImage, busyboxLayer, digestOf, ourArchitecture, type TestImage } from '../testing/test-image.ts';
import { registryMissing, TestRegistry } from '../testing/test-registry.ts';
import { TestNodes } from '../testing/test-nodes.ts';
import { loadArchive } from './archive-agent.ts';

/** Three layers: what the second hides the third may not bring back. */
function sampleImage(): TestImage {
  return buildImage({
    layers: [
      busyboxLayer(),
      {
        compression: 'zstd',
        files: [
          { path: 'srv/', type: '5', uid: 1000, gid: 1000 },
          { path: 'srv/old', data: 'old' },
          { path: 'srv/dir/', type: '5' },
          { path: 'srv/dir/hidden', data: 'hidden' },
          { path: 'opt/a/', type: '5' },
          { path: 'opt/a/lower', data: 'lower' },
        ],
      },
      {
        compression: 'none',
        files: [
          { path: 'srv/.wh.old' },
          { path: 'srv/.wh.dir' },
          { path: 'opt/a/.wh..wh..opq' },
          { path: 'opt/a/upper', data: 'upper' },
          { path: 'srv/file', data: 'new\n', mode: 0o640, uid: 1000, gid: 1000 },
          { path: 'srv/linked', type: '1', link: 'srv/file' },
        ],
      },
    ],
    config: {
      Env: ['GREETING=hello', 'PATH=/bin'],
      Entrypoint: ['/bin/sh', '-c'],
      Cmd: ['echo $GREETING from $(pwd) as $(id -u); exec sleep 1000'],
      WorkingDir: '/srv',
      User: 'app',
    },
  });
}

const skip = registryMissing();

isolateTests(import.meta.url, () => {
  const users = { htpasswd: 'me:$2b$05$7tvNu5FwiMA7GpnNwTKMXOVKb6DGhyThVNOZvHIUZDEV37yG3WtZe', login: 'me:secret' };
  const open = skip === false ? new TestRegistry() : undefined;
  const closed = skip === false ? new TestRegistry(users) : undefined;
  // Before the thread is moved: its pool works on files where it was.
  const full = mkdtempSync(`${tmpdir()}/clusterip-full-`);
  const small = mkdtempSync(`${tmpdir()}/clusterip-small-`);
  mount('tmpfs', full, 'tmpfs', 0, 'size=100k');
  mount('tmpfs', small, 'tmpfs', 0, 'size=32m');
  after(() => {
    for (const directory of [full, small]) {
      umount(directory, MNT_DETACH);
      rmdirSync(directory);
    }
  });
  const runtime = new SandboxRuntime(systemClock);
  after(async () => {
    await open?.[Symbol.asyncDispose]();
    await closed?.[Symbol.asyncDispose]();
  });
  const registryOf = async (registry: TestRegistry | undefined): Promise<{ registry: TestRegistry; host: string }> => {
    assert.ok(registry);
    return { registry, host: await registry.host() };
  };

  test('a Pod runs an image from a registry as the image says, and the next one need not pull', { skip }, async () => {
    const { registry, host } = await registryOf(open);
    await registry.push(sampleImage(), 'some/app', 'v1');
    await using nodes = await TestNodes.start(runtime, 1);
    const image = `${host}/some/app:v1`;
    await nodes.run('app', { image });
    const pod = await nodes.until('app', isReady);
    const status = pod.status?.containerStatuses?.[0];
    assert.equal(status?.imageID, `${host}/some/app@${sampleImage().manifest}`);
    assert.equal(
      await nodes.exec(
        'app',
        'sh',
        '-c',
        'id -u; pwd; echo $GREETING $HOME; ls /srv /opt/a; cat linked; stat -c "%u %a %h" file',
      ),
      '1000\n/srv\nhello /srv\n/opt/a:\nupper\n\n/srv:\nfile\nlinked\nnew\n1000 640 2\n',
    );
    const events = (await nodes.events('app')).map((line) => line.replaceAll(/ in \S+ \(\S+ including waiting\)/g, ''));
    assert.deepEqual(events.slice(0, 2), [
      `Normal Pulling Pulling image "${image}"`,
      `Normal Pulled Successfully pulled image "${image}". Image size: ${sizeOf(sampleImage())} bytes.`,
    ]);
    await nodes.run('again', { image, args: ['pwd; exec sleep 1000'] });
    await nodes.until('again', isReady);
    assert.equal(
      (await nodes.events('again'))[0],
      `Normal Pulled Container image "${image}" already present on machine`,
    );
    // What one container writes no other one sees.
    await nodes.exec('app', 'sh', '-c', 'echo changed > /srv/file; touch /srv/more');
    assert.equal(await nodes.exec('again', 'sh', '-c', 'cat /srv/file; ls /srv'), 'new\nfile\nlinked\n');
  });

  test('an index leads to the image for this machine, a digest to exactly that image', { skip }, async () => {
    const { registry, host } = await registryOf(open);
    const ours = sampleImage();
    const other = buildImage({ layers: [busyboxLayer()], architecture: 'other' });
    await registry.push(ours, 'app', 'ours');
    await registry.push(other, 'app', 'other');
    const mediaType = 'application/vnd.oci.image.manifest.v1+json';
    const entry = (image: TestImage, architecture: string): object => ({
      mediaType,
      digest: image.manifest,
      size: image.blobs.get(image.manifest)?.length,
      platform: { os: 'linux', architecture },
    });
    const indexType = 'application/vnd.oci.image.index.v1+json';
    const push = async (tag: string, manifests: readonly object[]): Promise<string> => {
      const index = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: indexType, manifests }));
      await registry.pushManifest('app', tag, index, indexType);
      return digestOf(index);
    };
    const both = await push('multi', [entry(other, 'other'), entry(ours, ourArchitecture())]);
    await push('foreign', [entry(other, 'other')]);
    await using nodes = await TestNodes.start(runtime, 1);
    await nodes.run('multi', { image: `${host}/app:multi@${both}` });
    const pod = await nodes.until('multi', isReady);
    assert.equal(pod.status?.containerStatuses?.[0]?.imageID, `${host}/app@${both}`);
    await nodes.run('foreign', { image: `${host}/app:foreign` });
    const foreign = await nodes.until('foreign', isWaitingFor('ErrImagePull'));
    assert.match(podSummary(foreign), /no match for platform in manifest: linux\/\w+ is not among other/);
  });

  test('a registry that asks who is there is told by imagePullSecrets', { skip }, async () => {
    const { registry, host } = await registryOf(closed);
    await registry.push(sampleImage(), 'private/app', 'v1');
    await using nodes = await TestNodes.start(runtime, 1);
    const image = `${host}/private/app:v1`;
    await nodes.run('stranger', { image });
    const stranger = await nodes.until('stranger', isWaitingFor('ErrImagePull'));
    assert.match(podSummary(stranger), /401 unauthorized/);
    const later = await nodes.until('stranger', isWaitingFor('ImagePullBackOff'));
    assert.match(podSummary(later), /ImagePullBackOff "Back-off pulling image .*: ErrImagePull: .* 401 unauthorized/);
    const auths = { auths: { [host]: { auth: Buffer.from(users.login).toString('base64') } } };
    await nodes.client.create(secrets, {
      metadata: { namespace: 'default', name: 'login' },
      type: 'kubernetes.io/dockerconfigjson',
      data: { '.dockerconfigjson': Buffer.from(JSON.stringify(auths)).toString('base64') },
    });
    await nodes.run('friend', { image }, { imagePullSecrets: [{ name: 'login' }] });
    await nodes.until('friend', isReady);
  });

  test('what cannot be pulled says why, and the node lives on', { skip }, async () => {
    const { registry, host } = await registryOf(open);
    const broken = buildImage({ layers: [busyboxLayer(), { files: [{ path: 'a', data: 'x'.repeat(5000) }] }] });
    await registry.push(broken, 'broken', 'v1');
    const layer = [...broken.blobs.keys()][1] ?? '';
    writeFileSync(registry.blobFile(layer), Buffer.alloc(broken.blobs.get(layer)?.length ?? 0, 7));
    const evil = buildImage({ layers: [{ files: [{ path: '../../escaped', data: 'x' }] }] });
    await registry.push(evil, 'evil', 'v1');
    await using nodes = await TestNodes.start(runtime, 1);
    const cases = [
      { name: 'missing', image: `${host}/none:v1`, why: /404 not found: manifest unknown/ },
      { name: 'corrupt', image: `${host}/broken:v1`, why: /failed to extract layer sha256:.* / },
      { name: 'evil', image: `${host}/evil:v1`, why: /escaped\\" of an entry leads out of the image/ },
      { name: 'refused', image: '127.0.0.1:1/app:v1', why: /dial tcp 127\.0\.0\.1:1: connect: connection refused/ },
    ];
    for (const { name, image, why } of cases) {
      await nodes.run(name, { image, imagePullPolicy: 'IfNotPresent' });
      const pod = await nodes.until(name, isWaitingFor('ErrImagePull'));
      assert.match(podSummary(pod), why);
    }
    await nodes.run('never', { image: `${host}/none:v1`, imagePullPolicy: 'Never' });
    await nodes.until('never', isWaitingFor('ErrImageNeverPull'));
    assert.deepEqual((await nodes.events('never')).slice(0, 2), [
      `Warning ErrImageNeverPull Container image "${host}/none:v1" is not present with pull policy of Never`,
      'Warning Failed Error: ErrImageNeverPull',
    ]);
    await nodes.run('name', { image: 'UPPER/case::' });
    await nodes.until('name', isWaitingFor('InvalidImageName'));
    await nodes.run('fine', { command: ['sleep', '1000'] });
    await nodes.until('fine', isReady);
  });

  test('a disk that is full says so', { skip }, async () => {
    const { registry, host } = await registryOf(open);
    await registry.push(sampleImage(), 'large', 'v1');
    const store = runtime.images(`${full}/images`);
    const options = { credentials: [], signal: new AbortController().signal };
    await assert.rejects(store.pull(`${host}/large:v1`, options), { message: /ENOSPC: no space left on device/ });
    assert.deepEqual(store.list(), []);
  });

  test('what unpacks to more than the disk holds leaves of it what a cluster needs', { skip }, async () => {
    const { registry, host } = await registryOf(open);
    const files = Array.from({ length: 5 }, (_, i) => ({ path: `${i}`, data: Buffer.alloc(6 * 2 ** 20) }));
    const bomb = buildImage({ layers: [{ files }] });
    await registry.push(bomb, 'bomb', 'v1');
    const store = runtime.images(`${small}/images`);
    const options = { credentials: [], signal: new AbortController().signal };
    let least = Infinity;
    const { bsize } = statfsSync(small);
    const watch = setInterval(() => (least = Math.min(least, statfsSync(small).bavail * bsize)), 1);
    try {
      await assert.rejects(store.pull(`${host}/bomb:v1`, options), { message: /have to leave 16777216/ });
    } finally {
      clearInterval(watch);
    }
    assert.ok(least > 8 * 2 ** 20, String(least));
    assert.deepEqual(readdirSync(`${small}/images/layers`), []);
    const archive = writeTar(bomb.plainLayers.map((data, index) => ({ path: `${index}`, data })));
    await assert.rejects(loadArchive(store, Readable.from([archive]), { scratchDir: small }), {
      message: /have to leave 16777216/,
    });
    assert.deepEqual(readdirSync(small), ['images']);
  });

  test('images come from archives, are listed, kept while in use, and removed', { skip }, async () => {
    await using nodes = await TestNodes.start(runtime, 1);
    const store = runtime.images(`${nodes.stateDir}/.images`);
    const image = sampleImage();
    const [config = '', manifest = ''] = [image.config, image.manifest];
    const blob = (digest: string): { path: string; data: Buffer } => ({
      path: `blobs/${digest.replace(':', '/')}`,
      data: image.blobs.get(digest) ?? Buffer.alloc(0),
    });
    const annotations = { 'org.opencontainers.image.ref.name': 'local/oci:1' };
    const oci = writeTar([
      { path: 'oci-layout', data: '{"imageLayoutVersion":"1.0.0"}' },
      { path: 'index.json', data: JSON.stringify({ manifests: [{ digest: manifest, annotations }] }) },
      ...[...image.blobs.keys()].map(blob),
    ]);
    const docker = writeTar([
      { path: 'c.json', data: image.blobs.get(config) ?? '' },
      ...image.plainLayers.map((data, index) => ({ path: `${index}/layer.tar`, data })),
      {
        path: 'manifest.json',
        data: JSON.stringify([
          {
            Config: 'c.json',
            RepoTags: ['local/docker:1'],
            Layers: image.plainLayers.map((_, index) => `${index}/layer.tar`),
          },
        ]),
      },
    ]);
    for (const bytes of [oci, docker]) await loadArchive(store, Readable.from([bytes]), { scratchDir: nodes.stateDir });
    assert.deepEqual(
      store.list().map(({ name, id }) => `${name} ${id === config}`),
      ['docker.io/local/docker:1 true', 'docker.io/local/oci:1 true'],
    );
    await nodes.run('user', { image: 'local/docker:1', imagePullPolicy: 'IfNotPresent' });
    await nodes.until('user', isReady);
    store.remove('local/oci:1');
    assert.deepEqual(store.collect({ unused: true }), []);
    assert.equal(await nodes.exec('user', 'cat', '/srv/file'), 'new\n');
    assert.equal(store.remove('local/docker:1')?.id, config);
    store.collect({ unused: true });
    assert.equal(await nodes.exec('user', 'cat', '/srv/linked'), 'new\n');
    for (const [text, message] of [
      ['{', 'manifest.json is not JSON'],
      ['{}', 'manifest.json is no list of images'],
      ['[{"Config":"c.json","Layers":[1]}]', 'manifest.json is no list of images'],
      ['[{"Config":"c.json","Layers":[]}]', '"c.json" is not in the archive'],
    ] as const) {
      const broken = Readable.from([writeTar([{ path: 'manifest.json', data: text }])]);
      await assert.rejects(loadArchive(store, broken, { scratchDir: nodes.stateDir }), { message });
    }
    await assert.rejects(
      loadArchive(store, Readable.from([writeTar([{ path: 'x', data: 'y' }])]), { scratchDir: nodes.stateDir }),
      { message: 'neither manifest.json nor index.json is in it: not an archive of images' },
    );
  });
});

function isWaitingFor(reason: string): (pod: Parameters<typeof isReady>[0]) => boolean {
  return ({ status }) => status?.containerStatuses?.[0]?.state?.waiting?.reason === reason;
}

function sizeOf(image: TestImage): number {
  const others = new Set([image.config, image.manifest]);
  return [...image.blobs].reduce((sum, [digest, bytes]) => sum + (others.has(digest) ? 0 : bytes.length), 0);
}
