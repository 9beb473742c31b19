import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { duplicateFields } from './duplicate-fields.ts';

const cases = [
  { text: '{}', found: [] },
  { text: ' {"a" : 1 , "b" : [ ] } ', found: [] },
  { text: '{"a":1,"a":2,"a":3}', found: ['duplicate field "a"'] },
  { text: '{"a":{"b":1},"c":{"b":1}}', found: [] },
  { text: '{"spec":{"x":[{"n":1},{"n":1,"n":2}]}}', found: ['duplicate field "spec.x[1].n"'] },
  { text: '{"a\\"b":1,"a\\u0022b":2,"\\\\":"\\\\"}', found: ['duplicate field "a\\"b"'] },
  { text: '[{"a":"},{","a":true}]', found: ['duplicate field "[0].a"'] },
  { text: '"a"', found: [] },
  { text: 'null', found: [] },
];

for (const { text, found } of cases) {
  test(`duplicateFields() of ${text}`, () => assert.deepEqual(duplicateFields(text), found));
}

test('duplicateFields() finds none in what JSON.stringify writes', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      assert.deepEqual(duplicateFields(JSON.stringify(JSON.parse(text), null, 1)), []);
    }),
  );
});
