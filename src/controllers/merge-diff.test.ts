import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyMergePatch } from '#api/patch/merge-patch.ts';
import { mergeDiff } from './merge-diff.ts';

const cases = [
  { before: { a: 1 }, after: { a: 1 }, patch: undefined },
  { before: { a: 1 }, after: { a: 2 }, patch: { a: 2 } },
  { before: { a: 1, b: 1 }, after: { b: 1 }, patch: { a: null } },
  { before: {}, after: { a: { b: 1 } }, patch: { a: { b: 1 } } },
  { before: { a: { b: 1, c: 1 } }, after: { a: { b: 2 } }, patch: { a: { b: 2, c: null } } },
  { before: { a: [1, 2] }, after: { a: [2] }, patch: { a: [2] } },
  { before: { a: undefined }, after: { b: undefined }, patch: undefined },
  { before: { a: [1] }, after: { a: { b: 1 } }, patch: { a: { b: 1 } } },
];

for (const { before, after, patch } of cases) {
  test(`mergeDiff() from ${JSON.stringify(before)} to ${JSON.stringify(after)}`, () => {
    assert.deepEqual(mergeDiff(before, after), patch);
    if (patch !== undefined) assert.deepEqual(applyMergePatch(before, patch), after);
  });
}
