import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import test from 'node:test';
import { prepareState } from '#cluster/prepare.ts';
import { CommandHome } from './testing/command-home.ts';

/** A home with the clusters "default" and "web", and a kubectl of these lines first on PATH. */
function homeWith(lines: string): { home: CommandHome; env: NodeJS.ProcessEnv } {
  const home = new CommandHome();
  for (const name of ['default', 'web']) prepareState(home.stateDir(name), { name });
  const bin = join(home.path, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'kubectl'), `#!/bin/sh\n${lines}\n`);
  chmodSync(join(bin, 'kubectl'), 0o755);
  return { home, env: { PATH: `${bin}:${process.env['PATH']}`, KUBECONFIG: '/of/the/user' } };
}

/** Our command line, the cluster that it means, and what kubectl gets. */
const lines: readonly (readonly [string, string, string])[] = [
  ['', 'default', ''],
  ['get pods -A', 'default', 'get pods -A'],
  ['-- get pods -A', 'default', 'get pods -A'],
  ['--name web -- get pods', 'web', 'get pods'],
  ['--name=web get pods', 'web', 'get pods'],
  ['--name web get pods --name x', 'web', 'get pods --name x'],
  ['exec frontend -- ls -l', 'default', 'exec frontend -- ls -l'],
  ['-- exec frontend -- ls -l', 'default', 'exec frontend -- ls -l'],
  ['--name web exec frontend -- ls', 'web', 'exec frontend -- ls'],
  ['--version', 'default', '--version'],
];

for (const [line, cluster, expected] of lines) {
  test(`clusterip kubectl ${line}`, async () => {
    const { home, env } = homeWith('echo "$KUBECONFIG|$*"');
    using _ = home;
    const words = line.split(' ').filter((word) => word !== '');
    assert.deepEqual(await home.run(['kubectl', ...words], env), {
      code: 0,
      stdout: `${home.stateDir(cluster).kubeconfigFile}|${expected}\n`,
      stderr: '',
    });
  });
}

test('--data-dir names the cluster too', async () => {
  const { home, env } = homeWith('echo "$KUBECONFIG|$*"');
  using _ = home;
  prepareState(
    { ...home.stateDir('x'), path: join(home.path, 'd'), configFile: join(home.path, 'd/cluster.json') },
    {},
  );
  const { stdout } = await home.run(['kubectl', '--data-dir', 'd', 'get', 'pods'], env);
  assert.equal(stdout, `${home.path}/d/kubeconfig|get pods\n`);
});

const ends: readonly (readonly [string, number])[] = [
  ['exit 0', 0],
  ['exit 7', 7],
  ['kill -INT $$', 130],
  ['kill -KILL $$', 137],
];

for (const [lines, code] of ends) {
  test(`where kubectl ends with "${lines}" we end with ${code}`, async () => {
    const { home, env } = homeWith(lines);
    using _ = home;
    assert.deepEqual(await home.run(['kubectl', '--', 'get', 'pods'], env), { code, stdout: '', stderr: '' });
  });
}

test('kubectl does not outlive us: it is told when we are told to end', async () => {
  const { home, env } = homeWith("trap 'exit 9' TERM; echo ready; while :; do sleep 0.02; done");
  using _ = home;
  const { child, finished } = home.start(['kubectl', '--', 'get', 'pods', '-w'], env);
  if (child.stdout !== null) await once(child.stdout, 'data');
  child.kill('SIGTERM');
  assert.deepEqual(await finished, { code: 9, stdout: 'ready\n', stderr: '' });
});

test('without a kubectl on PATH we say where to get one', async () => {
  const { home } = homeWith('');
  using _ = home;
  const bin = join(home.path, 'tools');
  mkdirSync(bin);
  for (const tool of ['readlink', 'uname']) symlinkSync(`/usr/bin/${tool}`, join(bin, tool));
  assert.deepEqual(await home.run(['kubectl', '--', 'get', 'pods'], { PATH: bin }), {
    code: 1,
    stdout: '',
    stderr: `clusterip: Cannot find kubectl on PATH
  to fix: install it (Debian: apt-get install kubernetes-client)
`,
  });
});
