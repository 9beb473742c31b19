/** The end of a test run is what people and CI believe, so it is tested on a run of every kind of result. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { run } from './testing/run.ts';

const reporter = fileURLToPath(new URL('../tools/summary-reporter.ts', import.meta.url));

/** Runs test files of these sources; resolves to the summary without the places in stack traces. */
async function summaryOf(t: test.TestContext, sources: Readonly<Record<string, string>>): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), 'clusterip-reporter-'));
  t.after(() => rmSync(dir, { recursive: true }));
  for (const [name, source] of Object.entries(sources)) {
    writeFileSync(join(dir, name), `import test, { describe } from 'node:test';\n${source}`);
  }
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const command = [process.execPath, '--test', '--test-concurrency=1', `--test-reporter=${reporter}`];
  const files = Object.keys(sources).sort();
  const { stdout } = await run([...command, '--test-reporter-destination=stdout', ...files], { env, cwd: dir });
  return stdout.replace(/\n +at .*/g, '');
}

test('a run in which all is well ends with its counts and nothing else', async (t) => {
  const source = `test('a', () => {});
test('b', async (t) => { await t.test('c', () => {}); });
describe('suite', () => { test('d', () => {}); });`;
  assert.equal(
    await summaryOf(t, { 'good.test.mjs': source, 'empty.test.mjs': '' }),
    '\n4 passed, 0 failed, 0 skipped\n',
  );
});

test('what was skipped is listed with the reason', async (t) => {
  const source = `test('a', { skip: 'needs root' }, () => {});
test('b', { skip: true }, () => {});
test('c', { todo: 'later' }, () => { throw new Error('not yet'); });
test('d', async (t) => { await t.test('e', (t) => t.skip('no kubectl')); });
describe('f', { skip: 'not today' }, () => {});`;
  assert.equal(
    await summaryOf(t, { 's.test.mjs': source }),
    `
skipped:
  s.test.mjs:2: a: needs root
  s.test.mjs:3: b: no reason given
  s.test.mjs:4: c: to do: later
  s.test.mjs:5: d > e: no kubectl
  s.test.mjs:6: f: not today

1 passed, 0 failed, 5 skipped
`,
  );
});

test('what failed is listed with its error, once', async (t) => {
  const source = `test('a', () => { throw new Error('first line\\nsecond line'); });
test('b', async (t) => {
  await t.test('good', () => {});
  await t.test('bad', () => Promise.reject('a text'));
});
describe('c', () => { test('d', () => { throw new TypeError('no'); }); });`;
  assert.equal(
    await summaryOf(t, { 'f.test.mjs': source }),
    `
failed:
  f.test.mjs:2: a
    Error: first line
    second line
  f.test.mjs:5: b > bad
    'a text'
  f.test.mjs:7: c > d
    TypeError: no

1 passed, 3 failed, 0 skipped
`,
  );
});

test('a file that breaks outside of its tests has failed, and says how', async (t) => {
  const summary = await summaryOf(t, {
    '1.test.mjs': `test('a', () => {}); process.exitCode = 3;`,
    '2.test.mjs': `test('b', async () => { process.kill(process.pid, 'SIGKILL'); await new Promise(() => {}); });`,
    '3.test.mjs': `process.stderr.write('a last word\\n'); process.exit(4);`,
  });
  assert.equal(
    summary,
    `
failed:
  1.test.mjs
    the file failed outside of its tests: exit code 3
  2.test.mjs
    the file failed outside of its tests: ended by SIGKILL
  3.test.mjs
    the file failed outside of its tests: exit code 4
    a last word

1 passed, 3 failed, 0 skipped
`,
  );
});
