import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import test, { after } from 'node:test';
import { Worker } from 'node:worker_threads';
import { takeLock } from './lock-file.ts';

const root = mkdtempSync(join(tmpdir(), 'clusterip-lock-'));
after(() => rmSync(root, { recursive: true }));

test('takeLock() lets one in at a time', () => {
  const file = join(root, 'below', 'one.lock');
  {
    using _lock = takeLock(file);
    assert.throws(() => takeLock(file), {
      code: 'ELOCKED',
      message: `Cannot take "${file}": process ${process.pid} holds it`,
    });
  }
  assert.equal(existsSync(file), false);
  takeLock(file)[Symbol.dispose]();
});

for (const [what, text] of [
  ['a process that has ended', '999999999 12'],
  ['an earlier process of the same number', `${process.pid} 1`],
  ['nobody', ''],
] as const) {
  test(`takeLock() takes over what ${what} holds`, () => {
    const file = join(root, 'stale.lock');
    writeFileSync(file, text);
    takeLock(file)[Symbol.dispose]();
    assert.equal(existsSync(file), false);
  });
}

test('takeLock() lets one in at a time where several try at once', async () => {
  const file = join(root, 'contested.lock');
  // Threads that have begun, those inside, and how often one was.
  const counts = new Int32Array(new SharedArrayBuffer(12));
  const module = new URL('lock-file.ts', import.meta.url).href;
  const program = `
    const { workerData: { file, counts } } = require('node:worker_threads');
    import(${JSON.stringify(module)}).then(({ takeLock }) => {
      Atomics.add(counts, 0, 1);
      while (Atomics.load(counts, 0) < 2);
      for (let i = 0; i < 2000; i++) {
        try {
          using lock = takeLock(file);
          if (Atomics.add(counts, 1, 1) !== 0) throw new Error('two hold the lock');
          Atomics.add(counts, 2, 1);
          Atomics.sub(counts, 1, 1);
        } catch (error) {
          if (error.code !== 'ELOCKED') throw error;
        }
      }
    });`;
  const workers = [1, 2].map(() => new Worker(program, { eval: true, workerData: { file, counts } }));
  await Promise.all(workers.map((worker) => once(worker, 'exit')));
  assert.ok((counts[2] ?? 0) > 0);
});
