/** Runs every command of examples/clusterip/README.md, in order, as a reader would. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { root } from './testing/mode.ts';
import { modes, prefix } from './testing/mode.ts';
import { run } from './testing/run.ts';
import { TestCluster } from './testing/test-cluster.ts';

const folder = join(root, 'examples/clusterip');
const blocks = [...readFileSync(join(folder, 'README.md'), 'utf8').matchAll(/```sh\n([\s\S]*?)```/g)].map(
  ([, block]) => block ?? '',
);

const { mode, skip } = modes().find((candidate) => candidate.skip === false) ?? {
  mode: 'rootless' as const,
  skip: 'no mode runs here',
};

test('the example does what its README says', { skip, timeout: 240_000 }, async () => {
  assert.ok(blocks.length >= 4);
  await using cluster = await TestCluster.start({ mode });
  const output: string[] = [];
  for (const line of blocks.join('').trim().split('\n')) {
    const done = await run([...prefix(mode), 'sh', '-c', line], { env: cluster.home.env(), cwd: folder });
    assert.equal(done.code, 0, `${line}\n${done.stdout}${done.stderr}`);
    if (line.includes('curl')) output.push(done.stdout.trim());
  }
  assert.deepEqual(output, ['200', '200', '200', '200', '200']);
});
