import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isZeroShare, scaledShare } from './int-or-string.ts';

const cases: readonly (readonly [number | string, number, 'up' | 'down', number])[] = [
  [2, 10, 'up', 2],
  ['25%', 10, 'up', 3],
  ['25%', 10, 'down', 2],
  ['0%', 10, 'up', 0],
  ['100%', 3, 'down', 3],
];

for (const [value, total, round, share] of cases) {
  test(`scaledShare() of ${value} of ${total} rounded ${round}`, () => {
    assert.equal(scaledShare(value, total, round), share);
  });
}

test('scaledShare() refuses other texts', () => {
  assert.throws(() => scaledShare('a', 1, 'up'), { message: 'Cannot scale "a": not a number or percentage' });
  assert.equal(isZeroShare('0%'), true);
  assert.equal(isZeroShare(undefined), false);
});
