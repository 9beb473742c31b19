import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { CodedError, errorCode, errorMessage } from './errors.ts';

test('CodedError carries code, message, hint and cause, and no cause where there is none', () => {
  const cause = new Error('below');
  const error = new CodedError('EX', 'Cannot do "x": no', { cause, hint: 'do y' });
  assert.deepEqual(
    [error.name, error.code, error.message, error.hint, error.cause],
    ['CodedError', 'EX', 'Cannot do "x": no', 'do y', cause],
  );
  const plain = new CodedError('EX', 'no');
  assert.deepEqual([plain.hint, Object.hasOwn(plain, 'cause')], [undefined, false]);
});

function thrownBy(fn: () => unknown): unknown {
  try {
    fn();
  } catch (error) {
    return error;
  }
  return assert.fail('nothing was thrown');
}

const cases: readonly (readonly [string, unknown, string, string | undefined])[] = [
  ['a coded error', new CodedError('EX', 'no'), 'no', 'EX'],
  ['an error', new TypeError('bad'), 'bad', undefined],
  [
    'an error of Node',
    thrownBy(() => readFileSync('/nowhere')),
    "ENOENT: no such file or directory, open '/nowhere'",
    'ENOENT',
  ],
  ['an abort, whose code is a number', AbortSignal.abort().reason, 'This operation was aborted', undefined],
  ['text', 'oops', 'oops', undefined],
  ['null', null, 'null', undefined],
  ['undefined', undefined, 'undefined', undefined],
];

for (const [what, error, message, code] of cases) {
  test(`message and code of ${what}`, () => {
    assert.deepEqual([errorMessage(error), errorCode(error)], [message, code]);
  });
}
