import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BandPool } from './band-pool.ts';

const sizes = fc.integer({ min: 1, max: 150 });
type Step = { readonly kind: 'take' | 'release'; readonly index: number } | { readonly kind: 'next' };
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constantFrom('take' as const, 'release' as const), index: fc.nat(149) }),
  fc.record({ kind: fc.constant('next' as const) }),
);

test('BandPool agrees with a Set, and gives from the upper band first', () => {
  fc.assert(
    fc.property(sizes, fc.nat(150), fc.infiniteStream(fc.nat()), fc.array(step, { maxLength: 300 }), (...args) => {
      const [size, reserved, randoms, steps] = args;
      const pool = new BandPool({ size, reserved, random: (bound) => Number(randoms.next().value) % bound });
      const model = new Set<number>();
      for (const one of steps) {
        if (one.kind === 'next') {
          const given = pool.next();
          const upperFree = Array.from({ length: size }, (_, i) => i).some((i) => i >= reserved && !model.has(i));
          if (given === undefined) {
            assert.equal(model.size, size);
            continue;
          }
          assert.ok(given >= 0 && given < size && !model.has(given));
          assert.equal(given >= Math.min(reserved, size), upperFree);
          assert.ok(pool.take(given));
          model.add(given);
        } else if (one.index < size) {
          const taken = one.kind === 'take';
          assert.equal(taken ? pool.take(one.index) : pool.release(one.index), model.has(one.index) !== taken);
          if (taken) model.add(one.index);
          else model.delete(one.index);
          assert.equal(pool.has(one.index), taken);
        }
        assert.equal(pool.free, size - model.size);
      }
    }),
  );
});

const searches = [
  { name: 'starts at random', taken: [], random: [5], next: [4 + 5] },
  { name: 'passes over what is taken', taken: [9, 10, 11], random: [5], next: [12] },
  { name: 'goes round at the end', taken: [98, 99], random: [94], next: [4] },
  { name: 'goes to the lower band when the upper is full', taken: { from: 4, to: 100 }, random: [2], next: [2] },
  { name: 'goes round in the lower band', taken: { from: 3, to: 100 }, random: [3], next: [0] },
  { name: 'passes over whole words', taken: { from: 30, to: 97 }, random: [27], next: [97] },
  { name: 'has nothing when all is taken', taken: { from: 0, to: 100 }, random: [], next: [undefined] },
];
for (const { name, taken, random, next } of searches) {
  test(`BandPool.next() ${name}`, () => {
    const draws = [...random];
    const pool = new BandPool({ size: 100, reserved: 4, random: () => draws.shift() ?? assert.fail('no draw') });
    const indexes = Array.isArray(taken)
      ? taken
      : Array.from({ length: taken.to - taken.from }, (_, i) => taken.from + i);
    for (const index of indexes) assert.ok(pool.take(index));
    assert.deepEqual([pool.next()], next);
  });
}
