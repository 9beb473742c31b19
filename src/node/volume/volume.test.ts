import assert from 'node:assert/strict';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { after, test } from 'node:test';
import { errorCode } from '#base/errors.ts';
import type { Pod, Volume } from '#api/generated/types.ts';
import { whileUnsteady } from '../testing/unsteady.ts';
import { type VolumeContext, type VolumeFile, volumeFiles, volumeReferences } from './volume-files.ts';
import { giveToGroup, prepareHostPath, writeVolume } from './volume-sync.ts';

const context: VolumeContext = {
  pod: { metadata: { name: 'p', namespace: 'ns' }, spec: { containers: [{ name: 'c' }] } } as unknown as Pod,
  facts: { nodeName: 'n', hostIps: ['h'], podIps: ['i'], allocatable: { cpu: '2' } },
  sources: {
    configMaps: new Map([
      ['cm', { metadata: { name: 'cm' }, data: { a: '1', b: '2' }, binaryData: { c: 'Mw==' } } as never],
    ]),
    secrets: new Map([['s', { metadata: { name: 's' }, data: { k: 'cHc=' } } as never]]),
  },
  tokens: new Map([['api 600', 'jwt']]),
};

const format = (files: readonly VolumeFile[] | undefined): string =>
  files === undefined
    ? 'none'
    : files.map(({ path, data, mode }) => `${path} ${mode.toString(8)} ${Buffer.from(data).toString()}`).join('; ');

const cases: readonly { name: string; volume: Omit<Volume, 'name'>; text: string }[] = [
  { name: 'an emptyDir', volume: { emptyDir: {} }, text: 'none' },
  { name: 'a ConfigMap', volume: { configMap: { name: 'cm' } }, text: 'a 644 1; b 644 2; c 644 3' },
  {
    name: 'some keys of a ConfigMap',
    volume: {
      configMap: {
        name: 'cm',
        defaultMode: 0o400,
        items: [
          { key: 'b', path: 'x/y' },
          { key: 'a', path: 'z', mode: 0o600 },
        ],
      },
    },
    text: 'x/y 400 2; z 600 1',
  },
  { name: 'an optional ConfigMap that is not there', volume: { configMap: { name: 'x', optional: true } }, text: '' },
  { name: 'a Secret', volume: { secret: { secretName: 's', defaultMode: 0o440 } }, text: 'k 440 pw' },
  {
    name: 'downward fields',
    volume: {
      downwardAPI: {
        items: [
          { path: 'name', fieldRef: { fieldPath: 'metadata.name' } },
          { path: 'cpu', resourceFieldRef: { containerName: 'c', resource: 'limits.cpu' } },
        ],
      },
    },
    text: 'name 644 p; cpu 644 2',
  },
  {
    name: 'a projection of all of them',
    volume: {
      projected: {
        defaultMode: 0o444,
        sources: [
          { serviceAccountToken: { path: 'token', audience: 'api', expirationSeconds: 600 } },
          { configMap: { name: 'cm', items: [{ key: 'a', path: 'ca.crt' }] } },
          { secret: { name: 's' } },
          { downwardAPI: { items: [{ path: 'namespace', fieldRef: { fieldPath: 'metadata.namespace' } }] } },
        ],
      },
    },
    text: 'token 444 jwt; ca.crt 444 1; k 444 pw; namespace 444 ns',
  },
];
for (const { name, volume, text } of cases) {
  test(`volumeFiles() of ${name}`, () => {
    assert.equal(format(volumeFiles({ name: 'v', ...volume }, context)), text);
  });
}

test('volumeFiles() keeps a token from who is not in the group of the volumes', () => {
  const pod = { ...context.pod, spec: { ...context.pod.spec, securityContext: { fsGroup: 5 } } };
  const sources = [{ serviceAccountToken: { path: 'token', audience: 'api', expirationSeconds: 600 } }];
  assert.equal(format(volumeFiles({ name: 'v', projected: { sources } }, { ...context, pod })), 'token 600 jwt');
});

const failures: readonly { volume: Omit<Volume, 'name'>; message: string }[] = [
  { volume: { configMap: { name: 'x' } }, message: 'configmap "x" not found' },
  {
    volume: { configMap: { name: 'cm', items: [{ key: 'x', path: 'x' }] } },
    message: 'configmap references non-existent config key: x',
  },
  { volume: { secret: { secretName: 'x' } }, message: 'secret "x" not found' },
];
for (const { volume, message } of failures) {
  test(`volumeFiles() fails: ${message}`, () => {
    assert.throws(() => volumeFiles({ name: 'v', ...volume }, context), { message });
  });
}

test('volumeReferences() names everything once', () => {
  const sources = [{ configMap: { name: 'cm' } }, { secret: { name: 't' } }, { serviceAccountToken: { path: 'p' } }];
  const volumes: readonly Volume[] = [
    { name: '1', configMap: { name: 'cm' } },
    { name: '2', secret: { secretName: 's' } },
    { name: '3', projected: { sources } },
    { name: '4', projected: { sources } },
  ];
  assert.deepEqual(volumeReferences(volumes), {
    configMaps: ['cm'],
    secrets: ['s', 't'],
    tokens: [{ audience: undefined, expirationSeconds: 3600 }],
  });
});

const directory = mkdtempSync(`${tmpdir()}/clusterip-volume-`);
after(() => rmSync(directory, { recursive: true, force: true }));

test('writeVolume() replaces all files of a volume at once', () => {
  const at = `${directory}/v`;
  const file = (path: string, text: string, mode: number = 0o644): VolumeFile => ({
    path,
    data: Buffer.from(text),
    mode,
  });
  writeVolume(at, [file('a', '1'), file('x/y', '2', 0o600)], 'one', undefined);
  assert.deepEqual(readdirSync(at).sort(), ['..data', '..one', 'a', 'x']);
  assert.equal(readFileSync(`${at}/x/y`, 'utf8'), '2');
  assert.equal(statSync(`${at}/x/y`).mode & 0o777, 0o600);
  writeVolume(at, [file('a', '1'), file('x/y', '2', 0o600)], 'same', undefined);
  assert.deepEqual(readdirSync(at).sort(), ['..data', '..one', 'a', 'x']);
  writeVolume(at, [file('a', '3'), file('b', '4')], 'two', undefined);
  assert.deepEqual(readdirSync(at).sort(), ['..data', '..two', 'a', 'b']);
  assert.equal(readFileSync(`${at}/a`, 'utf8'), '3');
  writeVolume(at, [file('a', '5', 0o400)], 'three', process.getgid?.());
  assert.equal(statSync(`${at}/a`).mode & 0o777, 0o440);
});

test('writeVolume() goes on where another was cut off, at whatever step, and leaves nothing of one that failed', () => {
  const files: readonly VolumeFile[] = [{ path: 'a', data: Buffer.from('1'), mode: 0o644 }];
  const at = `${directory}/cut`;
  mkdirSync(`${at}/..half`, { recursive: true });
  symlinkSync('..half', `${at}/..data_tmp`);
  writeVolume(at, files, 'one', undefined);
  assert.deepEqual(readdirSync(at).sort(), ['..data', '..one', 'a']);
  unlinkSync(`${at}/a`);
  writeVolume(at, files, 'two', undefined);
  assert.deepEqual(readdirSync(at).sort(), ['..data', '..one', 'a']);
  const clash = [...files, { path: 'a/b', data: Buffer.from('2'), mode: 0o644 }];
  assert.throws(() => writeVolume(at, clash, 'three', undefined), { code: 'EEXIST' });
  assert.deepEqual(readdirSync(at).sort(), ['..data', '..one', 'a']);
});

test('writeVolume() writes nothing outside of the volume', () => {
  const at = `${directory}/outside`;
  for (const path of ['../../escaped', 'a/../../b', '/abs', '..data', '']) {
    const file = { path, data: Buffer.from('1'), mode: 0o644 };
    assert.throws(() => writeVolume(at, [file], 'one', undefined), { message: `invalid path in volume: ${path}` });
  }
  assert.deepEqual(readdirSync(at), []);
});

test('giveToGroup() touches nothing outside of the volume while others change it', async () => {
  const at = `${directory}/shared/volume`;
  const outside = `${directory}/private`;
  mkdirSync(at, { recursive: true });
  writeFileSync(outside, '', { mode: 0o600 });
  await whileUnsteady({ directory: at, name: 'file', kind: 'file', outside }, () => {
    for (let i = 0; i < 5000; i++) {
      try {
        giveToGroup(at, process.getgid?.() ?? 0, false);
      } catch (error) {
        assert.equal(errorCode(error), 'ENOENT', String(error));
      }
    }
  });
  assert.equal(statSync(outside).mode & 0o777, 0o600);
  assert.equal(statSync(at).mode & 0o2770, 0o2770);
});

test('prepareHostPath() makes what it may and refuses what it finds otherwise', () => {
  prepareHostPath({ path: `${directory}/made/dir`, type: 'DirectoryOrCreate' });
  prepareHostPath({ path: `${directory}/made/dir`, type: 'Directory' });
  prepareHostPath({ path: `${directory}/made/file`, type: 'FileOrCreate' });
  prepareHostPath({ path: `${directory}/made/file`, type: 'File' });
  assert.throws(() => prepareHostPath({ path: `${directory}/made/file`, type: 'Directory' }), {
    message: `hostPath type check failed: ${directory}/made/file is not a directory`,
  });
  assert.throws(() => prepareHostPath({ path: `${directory}/none`, type: 'Socket' }), {
    message: `hostPath type check failed: ${directory}/none is not a socket file`,
  });
});
