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
];
for (const [pattern, text, expected] of found) {
  test(`${pattern} in ${text}`, () => {
    const match = regularExpression(place, pattern).exec(text);
    assert.deepEqual(match === null ? undefined : [...match], expected);
  });
}

const refused: readonly (readonly [string, string])[] = [
  ['a(?=b)', '"(?=" is not supported'],
  ['(?<!a)b', '"(?<!" is not supported'],
  [String.raw`(a)\1`, String.raw`"\1" is not supported`],
  [String.raw`\pL+`, String.raw`"\p" is not supported`],
  [String.raw`\Qa.b\E`, String.raw`"\Q" is not supported`],
  ['a(?i)b', '"(?i)" is not supported'],
  ['(?s:a)', '"(?s:" is not supported'],
];
for (const [pattern, why] of refused) {
  test(`${pattern}: ${why}`, () => {
    try {
      regularExpression(place, pattern);
    } catch (error) {
      assert.equal(
        errorMessage(error),
        `Cannot use "Corefile", line 1: "${pattern}" is no regular expression here: ${why}`,
      );
      return;
    }
    assert.fail('it was taken');
  });
}
