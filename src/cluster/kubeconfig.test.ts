import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import test, { after } from 'node:test';
import fc from 'fast-check';
import { parse } from 'yaml';
import {
  checkUserKubeconfig,
  formatKubeconfig,
  mergeKubeconfig,
  publishKubeconfig,
  removeFromUserKubeconfig,
  withoutCluster,
} from './kubeconfig.ts';
import { userKubeconfigFile } from '#client/kubeconfig-file.ts';
import { clusterKubeconfig } from './cluster-kubeconfig.ts';
import { stateDirAt, type StateDir } from './state-dir.ts';

const root = mkdtempSync(join(tmpdir(), 'clusterip-kubeconfig-'));
after(() => rmSync(root, { recursive: true }));
let count = 0;
const newDir = (): string => mkdtempSync(join(root, `${(count += 1)}-`));

const kubectlMissing =
  spawnSync('kubectl', ['version', '--client']).error !== undefined && 'there is no kubectl on PATH';

const pki = {
  caCert: 'the CA',
  caKey: undefined,
  serverCert: '',
  serverKey: '',
  adminCert: 'the certificate',
  adminKey: 'the key',
  serviceAccountKey: '',
};
const ours = clusterKubeconfig('web', 'https://127.0.0.1:6443', pki);

const OURS = `apiVersion: v1
kind: Config
clusters:
  - name: clusterip-web
    cluster:
      server: https://127.0.0.1:6443
      certificate-authority-data: dGhlIENB
contexts:
  - name: clusterip-web
    context:
      cluster: clusterip-web
      user: clusterip-web
users:
  - name: clusterip-web
    user:
      client-certificate-data: dGhlIGNlcnRpZmljYXRl
      client-key-data: dGhlIGtleQ==
preferences: {}
current-context: clusterip-web
`;

const FOREIGN = `apiVersion: v1
kind: Config
extra: kept
clusters:
  - name: work
    cluster: {server: "https://work.example"}
contexts:
  - name: work
    context: {cluster: work, user: me, namespace: "no"}
users:
  - name: me
    user: {token: "1_000"}
current-context: work
`;

/** A state directory with the cluster's own kubeconfig in it. */
function stateDir(): StateDir {
  const dir = stateDirAt(newDir());
  writeFileSync(dir.kubeconfigFile, OURS);
  return dir;
}

test('the kubeconfig of a cluster', () => assert.equal(formatKubeconfig(ours), OURS));

const named = (name: fc.Arbitrary<string>): fc.Arbitrary<{ name: string; value: number }> =>
  fc.record({ name, value: fc.nat(9) });
const anyKubeconfig = fc.record(
  {
    apiVersion: fc.constant('v1'),
    kind: fc.constant('Config'),
    clusters: fc.option(fc.array(named(fc.constantFrom('a', 'b', 'clusterip-web')))),
    contexts: fc.array(named(fc.constantFrom('a', 'clusterip-web', 'clusterip-web2'))),
    users: fc.array(named(fc.constantFrom('a', 'clusterip-', 'clusterip-web'))),
    'current-context': fc.constantFrom('a', 'clusterip-web', ''),
    preferences: fc.constant({ colors: true }),
    extensions: fc.anything(),
  },
  { requiredKeys: ['apiVersion', 'kind'] },
);
const LISTS = ['clusters', 'contexts', 'users'] as const;

test('whatever a kubeconfig holds, what is not of our cluster stays as it is through coming and going', () => {
  fc.assert(
    fc.property(anyKubeconfig, (base) => {
      const merged = mergeKubeconfig(base, ours);
      const without = withoutCluster(merged, 'web');
      for (const list of LISTS) {
        const foreign = (base[list] ?? []).filter(({ name }) => name !== 'clusterip-web');
        assert.deepEqual(merged[list], [...foreign, ...(ours[list] ?? [])]);
        assert.deepEqual(without[list], foreign);
      }
      assert.deepEqual([merged['current-context'], without['current-context']], ['clusterip-web', '']);
      for (const config of [merged, without]) {
        assert.deepEqual([config['preferences'], config['extensions']], [base.preferences, base.extensions]);
      }
      assert.deepEqual(mergeKubeconfig(merged, ours), merged, 'again changes nothing');
    }),
  );
});

test('another current context stays current when our cluster goes', () => {
  const config = { ...mergeKubeconfig(parse(FOREIGN), ours), 'current-context': 'work' };
  assert.deepEqual(withoutCluster(config, 'web'), parse(FOREIGN));
});

test('a kubeconfig that is not there is made, directories too, for its owner only', async () => {
  const file = join(newDir(), 'a', 'b', 'config');
  await publishKubeconfig(stateDir(), file);
  assert.equal(readFileSync(file, 'utf8'), OURS);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(dirname(file)), ['config']);
});

for (const text of ['', '\n', '# nothing yet\n']) {
  test(`an empty kubeconfig ${JSON.stringify(text)} is filled`, async () => {
    const file = join(newDir(), 'config');
    writeFileSync(file, text);
    await publishKubeconfig(stateDir(), file);
    assert.equal(readFileSync(file, 'utf8'), OURS);
  });
}

test("the user's entries and the file's permissions outlive up, up again and down --purge", async () => {
  const file = join(newDir(), 'config');
  writeFileSync(file, FOREIGN);
  chmodSync(file, 0o640);
  await publishKubeconfig(stateDir(), file);
  await publishKubeconfig(stateDir(), file);
  assert.deepEqual(parse(readFileSync(file, 'utf8')), mergeKubeconfig(parse(FOREIGN), ours));
  await removeFromUserKubeconfig(file, 'web');
  assert.deepEqual(parse(readFileSync(file, 'utf8')), { ...parse(FOREIGN), 'current-context': '' });
  assert.equal(statSync(file).mode & 0o777, 0o640);
  assert.deepEqual(readdirSync(dirname(file)), ['config']);
});

test('a kubeconfig without our cluster is not written at all when the cluster goes', async () => {
  const file = join(newDir(), 'config');
  writeFileSync(file, FOREIGN);
  const before = statSync(file, { bigint: true });
  await removeFromUserKubeconfig(file, 'web');
  await removeFromUserKubeconfig(join(dirname(file), 'nowhere'), 'web');
  const { ino, mtimeNs } = statSync(file, { bigint: true });
  assert.deepEqual([ino, mtimeNs], [before.ino, before.mtimeNs]);
  assert.deepEqual(readdirSync(dirname(file)), ['config']);
});

for (const there of [true, false]) {
  test(`a kubeconfig that is a symbolic link to a file that is ${there ? '' : 'not '}there stays one`, async () => {
    const dir = newDir();
    mkdirSync(join(dir, 'dotfiles'));
    const file = join(dir, 'config');
    symlinkSync('dotfiles/kube', file);
    if (there) writeFileSync(join(dir, 'dotfiles', 'kube'), FOREIGN);
    await publishKubeconfig(stateDir(), file);
    assert.ok(lstatSync(file).isSymbolicLink());
    assert.equal(readlinkSync(file), 'dotfiles/kube');
    const expected = there ? mergeKubeconfig(parse(FOREIGN), ours) : ours;
    assert.deepEqual(parse(readFileSync(join(dir, 'dotfiles', 'kube'), 'utf8')), expected);
    assert.deepEqual([readdirSync(dir), readdirSync(join(dir, 'dotfiles'))], [['config', 'dotfiles'], ['kube']]);
  });
}

const broken: readonly (readonly [string, string])[] = [
  ['a: [', 'it is not YAML'],
  ['a: 1\na: 2', 'it is not YAML'],
  ['just a text', 'it is not a kubeconfig'],
  ['- a\n- b', 'it is not a kubeconfig'],
  ['42', 'it is not a kubeconfig'],
  ['clusters: {}', 'it is not a kubeconfig'],
  ['contexts: work', 'it is not a kubeconfig'],
  ['users: [null]', 'it is not a kubeconfig'],
];

for (const [text, reason] of broken) {
  test(`a kubeconfig with ${JSON.stringify(text)} is refused and left as it is`, async () => {
    const file = join(newDir(), 'config');
    writeFileSync(file, text);
    const expected = {
      code: 'EKUBECONFIG',
      message: `Cannot read the kubeconfig "${file}": ${reason}`,
      hint: 'repair or move it, or name another file with --kubeconfig',
    };
    assert.throws(() => checkUserKubeconfig(file), expected);
    await assert.rejects(publishKubeconfig(stateDir(), file), expected);
    await assert.rejects(removeFromUserKubeconfig(file, 'web'), expected);
    assert.equal(readFileSync(file, 'utf8'), text);
    assert.deepEqual(readdirSync(dirname(file)), ['config']);
  });
}

test('a kubeconfig that cannot be read is refused', async () => {
  const file = newDir();
  await assert.rejects(publishKubeconfig(stateDir(), file), {
    code: 'EKUBECONFIG',
    message: `Cannot read the kubeconfig "${file}": EISDIR: illegal operation on a directory, read`,
  });
});

test('a kubeconfig that cannot be written is named, and nothing is left of the attempt', async () => {
  const dir = newDir();
  writeFileSync(join(dir, 'file'), '');
  const file = join(dir, 'file', 'config');
  await assert.rejects(publishKubeconfig(stateDir(), file), {
    code: 'EKUBECONFIG',
    message: `Cannot read the kubeconfig "${file}": ENOTDIR: not a directory, open '${file}'`,
  });
  const dangling = join(dir, 'dangling');
  symlinkSync('nowhere/config', dangling);
  await assert.rejects(publishKubeconfig(stateDir(), dangling), {
    code: 'EKUBECONFIG',
    message: /^Cannot write the kubeconfig ".*\/dangling": ENOENT: no such file or directory, /,
    hint: 'name another file with --kubeconfig',
  });
  assert.deepEqual(readdirSync(dir), ['dangling', 'file']);
});

test('text that YAML 1.1 takes for something else is text for kubectl too', { skip: kubectlMissing }, () => {
  const file = join(newDir(), 'config');
  const values = ['no', 'on', 'y', '1_000', '0o17', '0b1', '0x1f', '1e3', '+1', '.5', '012', '~', '12:30', '=', '<<'];
  const contexts = values.map((namespace, i) => ({
    name: `c${100 + i}`,
    context: { cluster: '', user: '', namespace },
  }));
  writeFileSync(file, formatKubeconfig({ apiVersion: 'v1', kind: 'Config', contexts }));
  const view = spawnSync('kubectl', ['--kubeconfig', file, 'config', 'view', '-o', 'json'], { encoding: 'utf8' });
  assert.equal(view.stderr, '');
  const seen = (JSON.parse(view.stdout) as { contexts: { context: { namespace: string } }[] }).contexts;
  assert.deepEqual(
    seen.map(({ context }) => context.namespace),
    values,
  );
});

/** HOME and the named files below it that are there; KUBECONFIG -> the file that is written. */
const choices: readonly (readonly [string | undefined, readonly string[], string])[] = [
  [undefined, [], '.kube/config'],
  ['', [], '.kube/config'],
  ['a', [], 'a'],
  ['a:b', [], 'b'],
  ['a:b', ['a'], 'a'],
  ['a:b', ['b'], 'b'],
  ['a:b', ['a', 'b'], 'a'],
];

for (const [listed, there, expected] of choices) {
  const title = `KUBECONFIG=${listed ?? ''} with ${there.join(' and ') || 'no file'} there means ${expected}`;
  test(title, (t) => {
    const home = newDir();
    mkdirSync(join(home, '.kube'));
    for (const name of there) writeFileSync(join(home, name), '');
    const value = listed?.replace(/\w+/g, (name) => join(home, name));
    const env = { PATH: process.env['PATH'], HOME: home, ...(value === undefined ? {} : { KUBECONFIG: value }) };
    assert.equal(userKubeconfigFile(undefined, env), join(home, expected));
    assert.equal(userKubeconfigFile('', env), join(home, expected));
    assert.equal(userKubeconfigFile('/other', env), '/other');
    if (kubectlMissing !== false) return t.diagnostic(kubectlMissing);
    spawnSync('kubectl', ['config', 'set-cluster', 'x', '--server=https://x'], { env });
    const written = [...there, 'a', 'b', '.kube/config'].filter(
      (name) => (statSync(join(home, name), { throwIfNoEntry: false })?.size ?? 0) > 0,
    );
    assert.deepEqual([...new Set(written)], [expected], 'as kubectl itself');
  });
}
