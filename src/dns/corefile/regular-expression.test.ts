import assert from 'node:assert/strict';
import test from 'node:test';
import { errorMessage } from '#base/errors.ts';
import { regularExpression } from './regular-expression.ts';

const place = { file: 'Corefile', line: 1 };

/** Pattern, text -> what it finds, as Go's regexp does. */
const found: readonly (readonly [string, string, readonly string[] | undefined])[] = [
  [String.raw`^(.*)\.a\.$`, 'x.y.a.', ['x.y.a.', 'x.y']],
  [String.raw`\A(?P<name>[[:alpha:]]+)-[[:digit:]]{2}\z`, 'web-07', ['web-07', 'web']],
  [String.raw`^[[:xdigit:]_]+[.]$`, 'a_0f.', ['a_0f.']],
  [String.raw`^[[:digit:]]+$`, ':d]', undefined],
  [String.raw`(?i)^WEB$`, 'web', ['web']],
  [String.raw`\\A`, String.raw`x\A`, [String.raw`\A`]],
  [String.raw`(?:a|b)+`, 'xab', ['ab']],
  [String.raw`\Qa.b\E|\pL+`, 'a.b', ['a.b']],
  ['a(?i)b', 'aB', ['aB']],
  ['(a)|(b)', 'b', ['b', '', 'b']],
  // Its parts can be cut in 2^n ways.
  ['^(([a-z]+)*)+[.]$', `${'a'.repeat(60)}!`, undefined],
];
for (const [pattern, text, expected] of found) {
  test(`${pattern} in ${text}`, () => {
    assert.deepEqual(regularExpression(place, pattern).groups(text), expected);
  });
}

const refused: readonly (readonly [string, string])[] = [
  ['a(?=b)', 'invalid or unsupported Perl syntax: `(?=`'],
  ['(?<!a)b', 'invalid named capture: `(?<!a)b`'],
  [String.raw`(a)\1`, 'invalid escape sequence: `\\1`'],
  ['a**', 'invalid nested repetition operator: `**`'],
  ['(a', 'missing closing ): `(a`'],
];
for (const [pattern, why] of refused) {
  test(`${pattern}: ${why}`, () => {
    try {
      regularExpression(place, pattern);
    } catch (error) {
      assert.equal(
        errorMessage(error),
        `Cannot use "Corefile", line 1: "${pattern}" is no regular expression: error parsing regexp: ${why}`,
      );
      return;
    }
    assert.fail('it was taken');
  });
}
