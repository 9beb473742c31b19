import assert from 'node:assert/strict';
import test from 'node:test';
import { KeyLock } from './key-lock.ts';

test('KeyLock runs tasks of one key in turn, those of others at once, and goes on after a failure', async () => {
  const lock = new KeyLock();
  const log: string[] = [];
  const gate = Promise.withResolvers<void>();
  const task =
    (name: string, wait: Promise<void> = Promise.resolve()) =>
    async (): Promise<string> => {
      log.push(`${name} begins`);
      await wait;
      log.push(`${name} ends`);
      return name;
    };
  const first = lock.run('a', task('a1', gate.promise));
  const failing = lock.run('a', async () => {
    throw new Error('no');
  });
  const third = lock.run('a', task('a3'));
  await lock.run('b', task('b1'));
  gate.resolve();
  assert.equal(await first, 'a1');
  await assert.rejects(failing, { message: 'no' });
  assert.equal(await third, 'a3');
  assert.deepEqual(log, ['a1 begins', 'b1 begins', 'b1 ends', 'a1 ends', 'a3 begins', 'a3 ends']);
});
