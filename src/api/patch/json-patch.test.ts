import assert from 'node:assert/strict';
import test from 'node:test';
import { applyJsonPatch, unknownPatchFields } from './json-patch.ts';
import { PatchError } from './patch-error.ts';

const doc = { a: 1, list: ['x', 'y', 'z'], deep: { b: { c: true } }, 'k/1': 'slash', 'k~1': 'tilde' };

/** The result as JSON, or the error as `status reason: detail`. */
function outcome(document: unknown, patch: unknown): string {
  const before = JSON.stringify([document, patch]);
  try {
    return JSON.stringify(applyJsonPatch(document, patch));
  } catch (error) {
    if (!(error instanceof PatchError)) throw error;
    return `${error.httpStatus} ${error.reason}: ${error.detail}`;
  } finally {
    assert.equal(JSON.stringify([document, patch]), before, 'the arguments stay as they are');
  }
}

const cases: readonly (readonly [string, unknown, unknown, string])[] = [
  ['adds a member', { a: 1 }, [{ op: 'add', path: '/b', value: 2 }], '{"a":1,"b":2}'],
  ['adds null', { a: 1 }, [{ op: 'add', path: '/b', value: null }], '{"a":1,"b":null}'],
  ['inserts into a list', { l: [1, 3] }, [{ op: 'add', path: '/l/1', value: 2 }], '{"l":[1,2,3]}'],
  ['appends with -', { l: [1] }, [{ op: 'add', path: '/l/-', value: 2 }], '{"l":[1,2]}'],
  ['adds at index = length', { l: [1] }, [{ op: 'add', path: '/l/1', value: 2 }], '{"l":[1,2]}'],
  [
    'refuses an index beyond the end',
    { l: [1] },
    [{ op: 'add', path: '/l/2', value: 2 }],
    "422 Invalid: error in add for path: '/l/2': Unable to access invalid index: 2: invalid index referenced",
  ],
  ['removes the last by -1', { l: [1, 2] }, [{ op: 'remove', path: '/l/-1' }], '{"l":[1]}'],
  ['removes', { a: 1, b: 2 }, [{ op: 'remove', path: '/b' }], '{"a":1}'],
  [
    'refuses to remove what is not there',
    { a: 1 },
    [{ op: 'remove', path: '/b' }],
    "422 Invalid: error in remove for path: '/b': Unable to remove nonexistent key: b: missing value",
  ],
  [
    'refuses a path through nothing',
    { a: 1 },
    [{ op: 'add', path: '/b/c', value: 1 }],
    '422 Invalid: add operation does not apply: doc is missing path: "/b/c": missing value',
  ],
  ['replaces', { a: 1 }, [{ op: 'replace', path: '/a', value: [1] }], '{"a":[1]}'],
  ['replaces an absent member by adding it', { a: 1 }, [{ op: 'replace', path: '/b', value: 2 }], '{"a":1,"b":2}'],
  ['replaces the document', { a: 1 }, [{ op: 'replace', path: '', value: { b: 2 } }], '{"b":2}'],
  ['moves', { a: { x: 1 }, b: {} }, [{ op: 'move', from: '/a/x', path: '/b/y' }], '{"a":{},"b":{"y":1}}'],
  [
    'edits a copy without the original',
    { a: { x: 1 } },
    [
      { op: 'add', path: '/a/y', value: 2 },
      { op: 'copy', from: '/a', path: '/b' },
      { op: 'replace', path: '/b/x', value: 3 },
    ],
    '{"a":{"x":1,"y":2},"b":{"x":3,"y":2}}',
  ],
  [
    'edits a value of the patch without the patch',
    {},
    [
      { op: 'add', path: '/a', value: { x: [] } },
      { op: 'add', path: '/a/x/-', value: 1 },
    ],
    '{"a":{"x":[1]}}',
  ],
  [
    'unescapes ~1 and ~0',
    doc,
    [
      { op: 'test', path: '/k~11', value: 'slash' },
      { op: 'test', path: '/k~01', value: 'tilde' },
    ],
    JSON.stringify(doc),
  ],
  ['tests deep equality', doc, [{ op: 'test', path: '/deep', value: { b: { c: true } } }], JSON.stringify(doc)],
  ['tests absence as null', doc, [{ op: 'test', path: '/no', value: null }], JSON.stringify(doc)],
  [
    'fails a test',
    doc,
    [{ op: 'test', path: '/list', value: ['x'] }],
    '422 Invalid: testing value /list failed: test failed',
  ],
  ['refuses an unknown operation', doc, [{ op: 'frob', path: '/a' }], '422 Invalid: Unexpected kind: frob'],
  [
    'refuses an operation without path',
    doc,
    [{ op: 'add', value: 1 }],
    '422 Invalid: add operation failed to decode path: missing value',
  ],
  [
    'refuses a patch that is an object',
    doc,
    { op: 'add' },
    '400 BadRequest: error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp',
  ],
  [
    'refuses a path that is a number',
    doc,
    [{ op: 'add', path: 1 }],
    '400 BadRequest: error decoding patch: json: cannot unmarshal number into Go struct field jsonPatchOp.path of type string',
  ],
  [
    'refuses more than 10000 operations',
    doc,
    Array.from({ length: 10_001 }, () => ({ op: 'test', path: '/a', value: 1 })),
    '413 RequestEntityTooLarge: Request entity too large: The allowed maximum operations in a JSON patch is 10000, got 10001',
  ],
  [
    'refuses to grow without end by copying',
    { a: ['0123456789'] },
    Array.from({ length: 30 }, () => ({ op: 'copy', from: '/a', path: '/a/-' })),
    '422 Invalid: Unable to complete the copy, the accumulated size increase of copy is 3932127, exceeding the limit 3145728',
  ],
  [
    'keeps a key named __proto__',
    JSON.parse('{"a":{}}'),
    JSON.parse('[{"op":"add","path":"/a/__proto__","value":{"x":1}}]'),
    '{"a":{"__proto__":{"x":1}}}',
  ],
];

for (const [name, document, patch, expected] of cases) {
  test(`applyJsonPatch() ${name}`, () => assert.equal(outcome(document, patch), expected));
}

test('applyJsonPatch() shares what no operation touches', () => {
  const result = applyJsonPatch(doc, [{ op: 'add', path: '/a', value: 2 }]) as typeof doc;
  assert.equal(result.deep, doc.deep);
});

test('the client is told no detail of a patch that does not apply', () => {
  assert.throws(() => applyJsonPatch({}, [{ op: 'remove', path: '/a' }]), {
    message: 'the server rejected our request due to an error in our request',
  });
});

test('unknownPatchFields() names the fields that operations do not have', () => {
  assert.deepEqual(
    unknownPatchFields([
      { op: 'add', path: '/a', value: 1 },
      { op: 'remove', path: '/a', fro: 1 },
    ]),
    ['json patch unknown field "[1].fro"'],
  );
});
