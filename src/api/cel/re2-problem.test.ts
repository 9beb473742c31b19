import assert from 'node:assert/strict';
import test from 'node:test';
import { re2Problem } from './re2-problem.ts';

const cases: readonly (readonly [string, string | undefined])[] = [
  ['^(?=a)', 'invalid or unsupported Perl syntax: `(?=`'],
  ['a(?!b)c', 'invalid or unsupported Perl syntax: `(?!`'],
  ['(?<!a)b', 'invalid named capture: `(?<!a)b`'],
  ['x(?<=a)b', 'invalid named capture: `(?<=a)b`'],
  ['(a)\\1', 'invalid escape sequence: `\\1`'],
  ['(?<n>a)\\k<n>', 'invalid escape sequence: `\\k`'],
  ['(', 'missing closing ): `(`'],
  ['a)', 'unexpected ): `a)`'],
  ['(?P<n>a)(?<m>b)(?:c)(?i:d)(?i)', undefined],
  ['\\(?=\\)\\\\', undefined],
  ['[(?=]', undefined],
  ['[])(]', undefined],
  ['[[:alpha:](]\\12', undefined],
  ['\\Q(?=\\E', undefined],
  ['^[a-z0-9]([-a-z0-9]*[a-z0-9])?$', undefined],
];

for (const [pattern, problem] of cases) {
  test(`re2Problem(${pattern})`, () => assert.equal(re2Problem(pattern), problem));
}
