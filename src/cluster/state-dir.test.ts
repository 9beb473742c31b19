import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { DEFAULT_CONFIG } from './config.ts';
import {
  ensureStateDir,
  listStateDirs,
  readConfig,
  readRunInfo,
  removeRunInfo,
  stateDirAt,
  stateRoot,
  writeAtomically,
  writeConfig,
  writeRunInfo,
  type StateDir,
} from './state-dir.ts';

const root = mkdtempSync(join(tmpdir(), 'clusterip-state-'));
after(() => rmSync(root, { recursive: true }));
const newDir = (): StateDir => stateDirAt(mkdtempSync(join(root, 'd-')));
const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);

const roots: readonly (readonly [NodeJS.ProcessEnv, string])[] = [
  [{ XDG_STATE_HOME: '/var/state' }, '/var/state/clusterip'],
  [{ XDG_STATE_HOME: '' }, join(homedir(), '.local/state/clusterip')],
  [{ XDG_STATE_HOME: 'state' }, join(homedir(), '.local/state/clusterip')],
  [{}, join(homedir(), '.local/state/clusterip')],
];

for (const [env, expected] of roots) {
  test(`with ${JSON.stringify(env)} clusters are below ${expected}`, () => assert.equal(stateRoot(env), expected));
}

test('everything of a cluster lies in its directory, each in a place of its own', () => {
  const { path, ...places } = stateDirAt('/s');
  assert.equal(path, '/s');
  assert.deepEqual([...new Set(Object.values(places))], Object.values(places));
  for (const place of Object.values(places)) assert.match(place, /^\/s\/[^/]+$/);
});

test('a configuration is kept, for its owner only', () => {
  const dir = stateDirAt(join(newDir().path, 'a', 'b'));
  assert.equal(readConfig(dir), undefined);
  ensureStateDir(dir);
  writeConfig(dir, { ...DEFAULT_CONFIG, nodes: 3 });
  assert.deepEqual(readConfig(dir), { ...DEFAULT_CONFIG, nodes: 3 });
  assert.deepEqual([mode(dir.path), mode(dir.configFile)], ['700', '600']);
  assert.equal(
    readFileSync(dir.configFile, 'utf8'),
    `{
  "format": 1,
  "config": {
    "name": "default",
    "nodes": 3,
    "serviceCidr": "10.96.0.0/12",
    "podCidr": "10.244.0.0/16",
    "loadBalancerCidr": "none",
    "staticClusterIps": "allow",
    "apiPort": 0,
    "proxyMode": "nftables",
    "egress": true,
    "storage": "sqlite"
  }
}
`,
  );
  ensureStateDir(dir);
  assert.deepEqual(readdirSync(dir.path), ['cluster.json']);
});

for (const text of ['{"format": 2, "config": {}}', '{"format": 7}', '{"format": 2, "cluster": {"anything": "else"}}']) {
  test(`a later version wrote ${text}`, () => {
    const dir = newDir();
    writeFileSync(dir.configFile, text);
    const format = text[11];
    assert.throws(() => readConfig(dir), {
      code: 'ESTATEVERSION',
      message: `Cannot use the data directory "${dir.path}": it has format ${format}, and this version knows 1`,
      hint: 'use the newer clusterip that wrote it, or start afresh with another --data-dir or --name',
    });
    assert.equal(readFileSync(dir.configFile, 'utf8'), text);
  });
}

for (const text of [
  '',
  '{',
  'null',
  '[]',
  '{"format": "1", "config": {}}',
  '{"format": 1}',
  '{"format": 1, "config": null}',
]) {
  test(`${JSON.stringify(text)} is no configuration`, () => {
    const dir = newDir();
    writeFileSync(dir.configFile, text);
    assert.throws(() => readConfig(dir), {
      code: 'ESTATEDIR',
      message: `Cannot read "${dir.configFile}": it is not a cluster's configuration`,
      hint: `move "${dir.path}" away, or choose another --data-dir`,
    });
  });
}

test('a configuration that cannot be read', () => {
  const dir = newDir();
  mkdirSync(dir.configFile);
  assert.throws(() => readConfig(dir), {
    code: 'ESTATEDIR',
    message: `Cannot use the data directory "${dir.path}": EISDIR: illegal operation on a directory, read`,
  });
});

test('a directory that holds other things is refused and stays as it is', () => {
  const dir = newDir();
  chmodSync(dir.path, 0o755);
  writeFileSync(join(dir.path, 'thesis.txt'), 'years of work');
  assert.throws(() => ensureStateDir(dir), {
    code: 'ESTATEDIR',
    message: `Cannot use the data directory "${dir.path}": it holds other files`,
    hint: 'choose another with --data-dir, an empty one or one that is not there yet',
  });
  assert.deepEqual([mode(dir.path), readdirSync(dir.path)], ['755', ['thesis.txt']]);
});

test('an empty directory becomes private', () => {
  const dir = newDir();
  chmodSync(dir.path, 0o755);
  ensureStateDir(dir);
  assert.equal(mode(dir.path), '700');
});

test('a path that cannot be a directory is refused', () => {
  const dir = newDir();
  writeFileSync(join(dir.path, 'file'), '');
  const below = stateDirAt(join(dir.path, 'file', 'state'));
  assert.throws(() => ensureStateDir(below), {
    code: 'ESTATEDIR',
    message: `Cannot use the data directory "${below.path}": ENOTDIR: not a directory, mkdir '${below.path}'`,
    hint: 'choose another with --data-dir',
  });
});

test('what a daemon says of itself comes and goes', () => {
  const dir = newDir();
  const info = { pid: 2, holderPid: 1, holderStart: '77', apiPort: 6443, startedAt: '2026-01-01T00:00:00Z' };
  assert.equal(readRunInfo(dir), undefined);
  writeRunInfo(dir, info);
  assert.deepEqual(readRunInfo(dir), info);
  removeRunInfo(dir);
  removeRunInfo(dir);
  assert.equal(readRunInfo(dir), undefined);
  writeFileSync(dir.runFile, '{"pid": 2');
  assert.equal(readRunInfo(dir), undefined);
});

test('a write that fails leaves the old file and no other', () => {
  const dir = newDir();
  const file = join(dir.path, 'file');
  mkdirSync(join(file, 'in the way'), { recursive: true });
  assert.throws(() => writeAtomically(file, 'text'), { code: 'EISDIR' });
  assert.deepEqual([readdirSync(dir.path), readdirSync(file)], [['file'], ['in the way']]);
  assert.throws(() => writeAtomically(join(dir.path, 'nowhere', 'file'), 'text'), { code: 'ENOENT' });
});

test('a file gets the mode asked for, and keeps the one that it has', () => {
  const file = join(newDir().path, 'file');
  writeAtomically(file, 'a', 0o640);
  assert.equal(mode(file), '640');
  writeAtomically(file, 'b');
  assert.deepEqual([mode(file), readFileSync(file, 'utf8')], ['640', 'b']);
});

test('clusters are listed by name; other things beside them are not', () => {
  const { path } = newDir();
  assert.deepEqual(listStateDirs(join(path, 'nowhere')), []);
  for (const name of ['web', 'default']) {
    const dir = stateDirAt(join(path, name));
    ensureStateDir(dir);
    writeConfig(dir, { ...DEFAULT_CONFIG, name });
  }
  mkdirSync(join(path, 'empty'));
  writeFileSync(join(path, 'file'), '');
  assert.deepEqual(listStateDirs(path), ['default', 'web']);
});
