import assert from 'node:assert/strict';
import test from 'node:test';
import { largestWithin } from './largest-within.ts';

test('as many records are taken as have room, without a try for each', () => {
  for (const all of [0, 1, 2, 3, 10, 4000]) {
    for (const room of [0, 11, 12, 27, 28, 29, 512, 64_011, 64_012, 70_000]) {
      let tries = 0;
      const out = largestWithin(all, room, (records) => {
        tries++;
        return Buffer.alloc(12 + 16 * records);
      });
      const wanted = Math.min(all, Math.max(0, Math.floor((room - 12) / 16)));
      assert.equal(out.length, 12 + 16 * wanted, `${all} in ${room}`);
      assert.ok(tries <= 14, `${tries} tries`);
    }
  }
});
