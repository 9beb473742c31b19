/** Several starts at once: of one cluster only one may win, and of several none may lose its context. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { clusterip, modes, prefix, TestHome } from './testing/mode.ts';
import { run } from './testing/run.ts';

const { mode } = modes().find(({ skip }) => skip === false) ?? { mode: 'rootless' as const };

test('of two ups of one new cluster one starts it, the other says so', async () => {
  using home = new TestHome(mode);
  const command = (...args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> =>
    run([...prefix(mode), clusterip, ...args], { env: home.env() });
  const both = await Promise.all([command('up'), command('up')]);
  try {
    assert.deepEqual(
      both.map(({ code }) => code).toSorted((a, b) => a - b),
      [0, 1],
    );
    const loser = both.find(({ code }) => code === 1);
    assert.match(loser?.stderr ?? '', /^clusterip: Cannot start .*(already running|is under way)\n {2}to fix: /);
    assert.equal((await command('status')).code, 0);
  } finally {
    await command('down', '--purge');
  }
});

test('clusters that become ready together all keep their context', async () => {
  using home = new TestHome(mode);
  const command = (...args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> =>
    run([...prefix(mode), clusterip, ...args], { env: home.env() });
  const names = ['one', 'two', 'three'];
  const done = await Promise.all(names.map((name) => command('up', '--name', name)));
  try {
    assert.deepEqual(
      done.map(({ code }) => code),
      [0, 0, 0],
    );
    const contexts = await run([...prefix(mode), 'kubectl', 'config', 'get-contexts', '-o', 'name'], {
      env: home.env(),
    });
    assert.deepEqual(contexts.stdout.trim().split('\n').toSorted(), [
      'clusterip-one',
      'clusterip-three',
      'clusterip-two',
    ]);
  } finally {
    await command('down', '--all', '--purge');
  }
});
