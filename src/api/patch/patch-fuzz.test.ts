import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { applyJsonPatch } from './json-patch.ts';
import { jsonEqual } from './json-value.ts';
import { applyMergePatch } from './merge-patch.ts';
import { PatchError } from './patch-error.ts';
import { applyStrategicMergePatch } from './strategic-merge.ts';

const limits = { interruptAfterTimeLimit: 700, numRuns: 100_000 };

const key = fc.constantFrom(
  'metadata',
  'spec',
  'containers',
  'env',
  'finalizers',
  'volumes',
  'name',
  'value',
  '__proto__',
  'constructor',
  '$patch',
  '$retainKeys',
  '$setElementOrder/containers',
  '$setElementOrder/finalizers',
  '$deleteFromPrimitiveList/finalizers',
);

const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 6, withCrossShrink: true },
    fc.constantFrom<unknown>(null, 'a', 'b', 1, true, 'delete', 'replace', 'merge'),
    fc.array(tie('value'), { maxLength: 3 }),
    fc
      .array(fc.tuple(key, tie('value')), { maxLength: 4 })
      .map(
        (pairs) =>
          JSON.parse(`{${pairs.map(([k, v]) => `${JSON.stringify(k)}:${JSON.stringify(v)}`).join(',')}}`) as unknown,
      ),
  ),
}));

/** Every outcome is a document of JSON or a `PatchError`, and neither argument changes. */
function holds(apply: (document: unknown, patch: unknown) => unknown, document: unknown, patch: unknown): void {
  const before = JSON.stringify([document, patch]);
  try {
    const result = apply(document, patch);
    assert.ok(jsonEqual(JSON.parse(JSON.stringify(result)), result));
  } catch (error) {
    if (!(error instanceof PatchError)) throw error;
  }
  assert.equal(JSON.stringify([document, patch]), before);
  assert.equal(({} as { polluted?: unknown }).polluted, undefined);
}

test('strategic merge patches of any shape', () => {
  const apply = (document: unknown, patch: unknown): unknown => applyStrategicMergePatch(document, patch, 'Pod');
  fc.assert(
    fc.property(value, value, (document, patch) => holds(apply, document, patch)),
    limits,
  );
});

test('merge patches of any shape', () => {
  fc.assert(
    fc.property(value, value, (document, patch) => holds(applyMergePatch, document, patch)),
    limits,
  );
});

test('JSON patches of any shape', () => {
  const path = fc
    .array(fc.oneof(key, fc.constantFrom('0', '1', '-1', '-', '')), { maxLength: 4 })
    .map((parts) => parts.map((part) => `/${part.replaceAll('/', '~1')}`).join(''));
  const operation = fc.record(
    { op: fc.constantFrom('add', 'remove', 'replace', 'move', 'copy', 'test', 'none'), path, from: path, value },
    { requiredKeys: ['op'] },
  );
  fc.assert(
    fc.property(value, fc.array(operation, { maxLength: 6 }), (document, patch) =>
      holds(applyJsonPatch, document, patch),
    ),
    limits,
  );
});
