import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SortedKeys } from './sorted-keys.ts';

const key = fc.string({ minLength: 1, maxLength: 3, unit: fc.constantFrom('a', 'b', '/', '~') });

test('SortedKeys agrees with a sorted Set', () => {
  fc.assert(
    fc.property(fc.array(fc.record({ add: fc.boolean(), key })), key, (steps, start) => {
      const keys = new SortedKeys();
      const model = new Set<string>();
      for (const step of steps) {
        assert.equal(step.add ? keys.add(step.key) : keys.delete(step.key), model.has(step.key) !== step.add);
        if (step.add) model.add(step.key);
        else model.delete(step.key);
      }
      assert.deepEqual(
        [...keys.from(start)],
        [...model].sort().filter((other) => other >= start),
      );
    }),
  );
});

test('SortedKeys splits and drops blocks', () => {
  const keys = new SortedKeys();
  // A stride prime to the count visits every number, out of order.
  const names = Array.from({ length: 5000 }, (_, i) => String((i * 1237) % 5000).padStart(4, '0'));
  for (const name of names) assert.ok(keys.add(name));
  assert.deepEqual([...keys.from('')], names.toSorted());
  for (const name of names.slice(0, 4990)) assert.ok(keys.delete(name));
  assert.deepEqual([...keys.from('')], names.slice(4990).sort());
});
