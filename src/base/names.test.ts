import assert from 'node:assert/strict';
import test from 'node:test';
import { fnv1a, randomSuffix, safeEncode } from './names.ts';

test('suffixes are of the wanted length, of letters that spell nothing, and differ', () => {
  const suffixes = Array.from({ length: 200 }, () => randomSuffix());
  for (const suffix of suffixes) assert.match(suffix, /^[bcdfghjklmnpqrstvwxz2456789]{5}$/);
  assert.ok(new Set(suffixes).size > 190);
  assert.equal(randomSuffix(0), '');
  assert.equal(randomSuffix(12).length, 12);
});

// From the reference table of the FNV authors.
const hashes: readonly (readonly [string, number])[] = [
  ['', 0x811c9dc5],
  ['a', 0xe40c292c],
  ['foobar', 0xbf9cf968],
];

for (const [text, expected] of hashes) {
  test(`FNV-1a of "${text}"`, () => assert.equal(fnv1a(text), expected));
}

test('a hash in digits becomes letters that spell nothing, the same each time', () => {
  assert.equal(safeEncode('0123456789'), '456789bcdf');
  assert.equal(safeEncode(''), '');
});
