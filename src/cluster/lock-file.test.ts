import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import test, { after } from 'node:test';
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
