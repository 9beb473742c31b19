import assert from 'node:assert/strict';
import test from 'node:test';
import { applyMergePatch } from './merge-patch.ts';

/** The examples of RFC 7386, appendix A, that have objects on both sides, and Kubernetes' own cases. */
const cases: readonly (readonly [string, string, string])[] = [
  ['{"a":"b"}', '{"a":"c"}', '{"a":"c"}'],
  ['{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'],
  ['{"a":"b"}', '{"a":null}', '{}'],
  ['{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'],
  ['{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'],
  ['{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'],
  ['{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'],
  ['{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'],
  ['{"e":null}', '{"a":1}', '{"e":null,"a":1}'],
  ['{}', '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'],
  ['{}', '{"a":[{"b":null,"c":1},null]}', '{"a":[{"c":1},null]}'],
  ['{"a":1}', '{"__proto__":{"b":1}}', '{"a":1,"__proto__":{"b":1}}'],
];

for (const [document, patch, expected] of cases) {
  test(`applyMergePatch() merges ${patch} into ${document}`, () => {
    const original: unknown = JSON.parse(document);
    assert.equal(JSON.stringify(applyMergePatch(original, JSON.parse(patch))), expected);
    assert.equal(JSON.stringify(original), document);
  });
}

test('applyMergePatch() refuses a patch that is no object', () => {
  assert.throws(() => applyMergePatch({}, ['a']), {
    httpStatus: 400,
    message: 'error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}',
  });
  assert.throws(() => applyMergePatch({}, null), { httpStatus: 400, message: 'Invalid JSON Patch' });
});
