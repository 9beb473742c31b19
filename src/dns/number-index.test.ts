import assert from 'node:assert/strict';
import test from 'node:test';
import { NumberIndex } from './number-index.ts';

test('finds what was added and not removed, whatever the order', () => {
  const index = new NumberIndex();
  const expected = new Map<number, number[]>();
  let seed = 7;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return (seed >>> 8) % below;
  };
  // Few keys, so that runs are long and keys have several values; the largest of 32 bits too.
  const keys = [...Array.from({ length: 200 }, (_, i) => i), 0xffff_ffff, 0x8000_0000, 0x0a00_0001];
  for (let step = 0; step < 20_000; step++) {
    const key = keys[random(keys.length)] ?? 0;
    const values = expected.get(key) ?? [];
    const value = random(5);
    if (values.includes(value)) {
      index.remove(key, value);
      expected.set(
        key,
        values.filter((other) => other !== value),
      );
    } else {
      index.add(key, value);
      expected.set(key, [...values, value]);
    }
    if (step % 1000 !== 0) continue;
    let size = 0;
    for (const known of keys) {
      const all = expected.get(known) ?? [];
      size += all.length;
      assert.deepEqual(index.all(known).toSorted(), all.toSorted(), `key ${known} after ${step} steps`);
    }
    assert.equal(index.size, size);
  }
  index.remove(1_000_000, 1);
  assert.deepEqual(index.all(1_000_000), []);
  assert.equal(
    index.find(0x0a00_0001, () => false),
    undefined,
  );
});
