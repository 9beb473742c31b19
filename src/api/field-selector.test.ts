import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  fieldSelectorProblem,
  formatFieldSelector,
  matchesFields,
  parseFieldSelector,
  selectedName,
} from './field-selector.ts';
import type { KubeObject } from './object.ts';
import { KindRegistry } from './registry.ts';

const right: readonly (readonly [string, string])[] = [
  ['', ''],
  ['metadata.name=web', 'metadata.name=web'],
  ['a==b,c!=d,', 'a=b,c!=d'],
  ['a=b\\,c\\=d\\\\', 'a=b\\,c\\=d\\\\'],
  ['a=', 'a='],
];

for (const [text, canonical] of right) {
  test(`parseFieldSelector() reads "${text}"`, () => {
    assert.equal(formatFieldSelector(parseFieldSelector(text)), canonical);
  });
}

const wrong: readonly (readonly [string, string])[] = [
  ['a', "invalid selector: 'a'; can't understand 'a'"],
  ['a=b,c', "invalid selector: 'a=b,c'; can't understand 'c'"],
  ['a=b=c', 'invalid field selector: unescaped character in value: ='],
  ['a=b\\x', 'invalid field selector: invalid escape sequence: \\x'],
];

for (const [text, message] of wrong) {
  test(`parseFieldSelector() refuses "${text}"`, () => {
    assert.throws(() => parseFieldSelector(text), { code: 'InvalidSelector', message });
  });
}

test('matchesFields() compares the kind’s own fields', () => {
  const pod = new KindRegistry().byKind('', 'v1', 'Pod');
  assert.ok(pod !== undefined);
  const object = { metadata: { name: 'web', namespace: 'a' }, spec: { nodeName: 'n1' }, status: { phase: 'Running' } };
  const matches = (text: string): boolean =>
    matchesFields(pod, parseFieldSelector(text), object as unknown as KubeObject);
  assert.equal(matches('spec.nodeName=n1,status.phase!=Failed'), true);
  assert.equal(matches('spec.nodeName='), false);
  assert.equal(fieldSelectorProblem(pod, parseFieldSelector('spec.foo=a')), 'field label not supported: spec.foo');
  assert.equal(fieldSelectorProblem(pod, parseFieldSelector('toString=a')), 'field label not supported: toString');
  assert.equal(fieldSelectorProblem(pod, parseFieldSelector('metadata.name=a')), undefined);
  assert.equal(selectedName(parseFieldSelector('metadata.name=web')), 'web');
});
