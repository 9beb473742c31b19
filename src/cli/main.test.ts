/** Wrong command lines through the real command: what it says, how it ends, and that it leaves nothing behind. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { prepareState } from '#cluster/prepare.ts';
import { VERSION } from '#cluster/version.ts';
import { HELP } from './help.ts';
import { CommandHome } from './testing/command-home.ts';

const SEE_HELP = 'see clusterip --help';
const COREFILE = 'see docs/migrate-from-coredns.md for what a Corefile may say here';

/** Command line, exit code, and the two lines of standard error: what is wrong, and what to do. */
const wrong: readonly (readonly [readonly string[], number, string, string])[] = [
  [['nonsense'], 2, 'there is no command "nonsense"', SEE_HELP],
  [['constructor'], 2, 'there is no command "constructor"', SEE_HELP],
  [['--nodes', '3'], 2, 'there is no command "--nodes"', SEE_HELP],
  [['up', '--nodes', 'x'], 2, 'Cannot read --nodes "x": it must be a whole number', SEE_HELP],
  [['up', '--wait', '1.5'], 2, 'Cannot read --wait "1.5": it must be a whole number', SEE_HELP],
  [['up', '--nodez', '3'], 2, "Unknown option '--nodez'", SEE_HELP],
  [['up', 'web'], 2, "Unexpected argument 'web'", SEE_HELP],
  [['up', '--storage', 'etcd'], 2, 'Cannot use --storage "etcd": it must be sqlite', SEE_HELP],
  [['up', '--data-dir='], 2, 'Cannot use --data-dir "": it names no directory', SEE_HELP],
  [['up', '--nodes', '0'], 2, 'Cannot start 0 nodes: it must be a number from 1 to 100', 'choose another --nodes'],
  [
    ['up', '--service-cidr', '10.244.0.0/20'],
    2,
    'Cannot use --service-cidr 10.244.0.0/20: it overlaps --pod-cidr 10.244.0.0/16',
    'choose ranges that have no address in common',
  ],
  [
    ['up', '--name', '../../x'],
    2,
    'Cannot name a cluster "../../x": a name has up to 40 lower-case letters, digits and dashes',
    'choose another --name',
  ],
  [['status', '--name', 'nobody'], 1, 'Cannot find a cluster named "nobody"', 'start one with clusterip up'],
  [['down', '--name', 'nobody', '--purge'], 1, 'Cannot find a cluster named "nobody"', 'start one with clusterip up'],
  [['down', '--all=yes'], 2, "Option '--all' does not take an argument", SEE_HELP],
  [['status', '--output', 'yaml'], 2, 'Cannot use --output "yaml": it must be text or json', SEE_HELP],
  [['list', '--name', 'x'], 2, "Unknown option '--name'", SEE_HELP],
  [['up', '--nodes', '-1'], 2, "Option '--nodes' argument missing", SEE_HELP],
  [
    ['up', '--api-port', '70000'],
    2,
    'Cannot listen on port 70000: it must be a number from 0 to 65535',
    'choose another --api-port',
  ],
  [['up', '--wait', '0'], 2, 'Cannot use --wait 0: it must be 1 or more', SEE_HELP],
  [
    ['up', '--data-dir', '/proc/x'],
    1,
    'Cannot use the data directory "/proc/x": ENOENT: no such file or directory, open \'/proc/x.lock\'',
    'choose another with --data-dir',
  ],
  [
    ['up', '--data-dir', '/dev/null'],
    1,
    'Cannot use the data directory "/dev/null": ENOTDIR: not a directory, open \'/dev/null/cluster.json\'',
    'choose another with --data-dir',
  ],
  [['down', '--all', '--name', 'web'], 2, 'Cannot use both --all and --name', SEE_HELP],
  [['down', '--all', '--data-dir', 'web'], 2, 'Cannot use both --all and --data-dir', SEE_HELP],
  [['status', '--name', 'web', '--data-dir', 'web'], 2, 'Cannot use both --name and --data-dir', SEE_HELP],
  [['help', 'nonsense'], 2, 'there is no command "nonsense"', SEE_HELP],
  [['node'], 2, 'Cannot tell what to do with nodes', SEE_HELP],
  [['node', 'toString'], 2, 'Cannot "node toString"', SEE_HELP],
  [['node', 'list', 'node-1'], 2, "Unexpected argument 'node-1'", SEE_HELP],
  [['node', 'add', 'one', 'two'], 2, "Unexpected argument 'two'", SEE_HELP],
  [['node', 'remove', 'one', '--labels', 'a=b'], 2, 'Cannot use --labels with "node remove"', SEE_HELP],
  [['image', 'list', 'web'], 2, "Unexpected argument 'web'", SEE_HELP],
  [['image', 'pull', 'web', '--tag', 'x'], 2, 'Cannot use --tag with "image pull"', SEE_HELP],
  [['dns', '--ttl', '4000'], 2, 'Cannot use the options: "4000" is no number from 0 to 3600', COREFILE],
  [['dns', '--ttl', 'x'], 2, 'Cannot read --ttl "x": it must be a whole number', SEE_HELP],
  [['dns', '--pods', 'all'], 2, 'Cannot use --pods "all": it must be disabled or insecure or verified', SEE_HELP],
  [['dns', '--zone', '..'], 2, 'Cannot use the options: ".." is no domain name', COREFILE],
  [
    ['dns', '--listen', 'here'],
    2,
    'Cannot use --listen "here": it must be an address and a port, as 127.0.0.1:53',
    SEE_HELP,
  ],
  [['dns', '--corefile', 'a', '--config', 'b'], 2, 'Cannot use both --corefile and --config', SEE_HELP],
  [
    ['proxy', '--cluster-cidr', 'x'],
    2,
    'KubeProxyConfiguration.DetectLocalConfiguration.ClusterCIDRs[0]: Invalid value: "x": must be a valid CIDR block (e.g. 10.100.0.0/16 or fde4:8dba:82e1::/48)',
    'see docs/migrate-from-kube-proxy.md for the settings there are',
  ],
  [['kubectl', 'get', 'pods'], 1, 'Cannot find a cluster named "default"', 'start one with clusterip up'],
];

for (const [args, code, message, hint] of wrong) {
  test(`clusterip ${args.join(' ')}`, async () => {
    using home = new CommandHome();
    assert.deepEqual(await home.run(args), { code, stdout: '', stderr: `clusterip: ${message}\n  to fix: ${hint}\n` });
    assert.deepEqual(home.files(), []);
  });
}

const right: readonly (readonly [readonly string[], number, string])[] = [
  [[], 2, HELP],
  [['--help'], 0, HELP],
  [['-h'], 0, HELP],
  [['help'], 0, HELP],
  [['version'], 0, `clusterip ${VERSION}\n`],
  [['--version'], 0, `clusterip ${VERSION}\n`],
  [['down', '--all'], 0, ''],
];

for (const [args, code, stdout] of right) {
  test(`clusterip ${args.join(' ')} with no cluster there`, async () => {
    using home = new CommandHome();
    assert.deepEqual(await home.run(args), { code, stdout, stderr: '' });
    assert.deepEqual(home.files(), []);
  });
}

test('another cluster is named to who asks for one that is not there', async () => {
  using home = new CommandHome();
  prepareState(home.stateDir('web'), { name: 'web' });
  assert.deepEqual(await home.run(['status']), {
    code: 1,
    stdout: '',
    stderr: `clusterip: Cannot find a cluster named "default"\n  to fix: there is web: choose one with --name\n`,
  });
});

test('down --purge never deletes a directory that is not a cluster', async () => {
  using home = new CommandHome();
  mkdirSync(join(home.path, 'work'));
  writeFileSync(join(home.path, 'work', 'thesis.txt'), 'years of work');
  assert.deepEqual(await home.run(['down', '--purge', '--data-dir', 'work']), {
    code: 1,
    stdout: '',
    stderr: `clusterip: Cannot find a cluster in "${home.path}/work"\n  to fix: choose another --data-dir\n`,
  });
  assert.deepEqual(home.files(), ['work', 'work/thesis.txt']);
});

test('up never takes a directory that holds other things', async () => {
  using home = new CommandHome();
  mkdirSync(join(home.path, 'work'));
  writeFileSync(join(home.path, 'work', 'thesis.txt'), 'years of work');
  assert.deepEqual(await home.run(['up', '--data-dir', 'work']), {
    code: 1,
    stdout: '',
    stderr: `clusterip: Cannot use the data directory "${home.path}/work": it holds other files
  to fix: choose another with --data-dir, an empty one or one that is not there yet
`,
  });
  assert.deepEqual(home.files(), ['work', 'work/thesis.txt']);
});

test('a cluster that is not running is stopped, and purged, without a word of complaint', async () => {
  using home = new CommandHome();
  const dir = home.stateDir('default');
  prepareState(dir, {});
  assert.deepEqual(await home.run(['down']), { code: 0, stdout: 'cluster "default" was not running\n', stderr: '' });
  assert.deepEqual(home.files(), [
    'state',
    'state/clusterip',
    'state/clusterip/default',
    'state/clusterip/default/cluster.json',
  ]);
  writeFileSync(dir.configFile, 'broken');
  assert.deepEqual(await home.run(['down', '--purge']), {
    code: 0,
    stdout: 'cluster "default" was not running, its state is deleted\n',
    stderr: '',
  });
  assert.deepEqual(home.files(), ['state', 'state/clusterip']);
});

for (const command of ['up', 'status', 'down'] as const) {
  test(`${command} leaves a data directory of a later version alone`, async () => {
    using home = new CommandHome();
    const dir = home.stateDir('default');
    const text = '{"format": 2, "config": {}}';
    mkdirSync(dir.path, { recursive: true });
    writeFileSync(dir.configFile, text);
    assert.deepEqual(await home.run([command]), {
      code: 1,
      stdout: '',
      stderr: `clusterip: Cannot use the data directory "${dir.path}": it has format 2, and this version knows 1
  to fix: use the newer clusterip that wrote it, or start afresh with another --data-dir or --name
`,
    });
    assert.equal(readFileSync(dir.configFile, 'utf8'), text);
    assert.deepEqual(home.files().length, 4);
  });
}

test('up starts nothing when it could not write to the kubeconfig', async () => {
  using home = new CommandHome();
  mkdirSync(join(home.path, '.kube'));
  writeFileSync(join(home.path, '.kube', 'config'), 'a: [');
  assert.deepEqual(await home.run(['up']), {
    code: 1,
    stdout: '',
    stderr: `clusterip: Cannot read the kubeconfig "${home.path}/.kube/config": it is not YAML
  to fix: repair or move it, or name another file with --kubeconfig
`,
  });
  assert.deepEqual(home.files(), ['.kube', '.kube/config']);
  assert.equal(readFileSync(join(home.path, '.kube', 'config'), 'utf8'), 'a: [');
});
