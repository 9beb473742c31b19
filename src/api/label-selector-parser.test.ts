import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatSelector, matchesLabels } from './label-selector.ts';
import { parseLabelSelector } from './label-selector-parser.ts';

/** Selector, its canonical text, labels that it takes and labels that it does not. */
const right: readonly (readonly [string, string, readonly string[], readonly string[]])[] = [
  ['', '', ['', 'app=web'], []],
  ['app=web', 'app=web', ['app=web', 'app=web,a=b'], ['', 'app=db']],
  ['app==web', 'app=web', ['app=web'], ['app=db']],
  ['app != web', 'app!=web', ['', 'app=db'], ['app=web']],
  ['app', 'app', ['app=', 'app=x'], ['']],
  ['!app', '!app', ['', 'a=b'], ['app=x']],
  ['app=', 'app=', ['app='], ['', 'app=x']],
  ['env in (b, a)', 'env in (a,b)', ['env=a'], ['env=c', '']],
  ['env notin (a)', 'env notin (a)', ['env=b', ''], ['env=a']],
  ['z=1,app in (web),!old', 'app in (web),!old,z=1', ['app=web,z=1'], ['app=web,z=1,old=']],
  ['n>3,n<10', 'n>3,n<10', ['n=4'], ['n=3', 'n=10', 'n=x', '']],
  ['in in (in)', 'in in (in)', ['in=in'], ['']],
  ['a in (,b)', 'a in (,b)', ['a=', 'a=b'], ['a=c']],
  ['constructor', 'constructor', ['constructor=x'], ['']],
];

function labels(text: string): Record<string, string> {
  return Object.fromEntries(text === '' ? [] : text.split(',').map((pair) => pair.split('=')));
}

for (const [text, canonical, takes, refuses] of right) {
  test(`parseLabelSelector() reads "${text}"`, () => {
    const selector = parseLabelSelector(text);
    assert.equal(formatSelector(selector), canonical);
    for (const of of takes) assert.ok(matchesLabels(selector, labels(of)), of);
    for (const of of refuses) assert.ok(!matchesLabels(selector, labels(of)), of);
  });
}

const NAME =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const VALUE =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

const wrong: readonly (readonly [string, string])[] = [
  ['=a', "found '=', expected: !, identifier, or 'end of string'"],
  ['a,', "found '', expected: identifier after ','"],
  ['a b', "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"],
  ['a=b c', "found 'c', expected: ',' or 'end of string'"],
  ['a=(b', "unable to parse requirement: found '(', expected: identifier"],
  ['a in b', "unable to parse requirement: found 'b' expected: '('"],
  [
    'a in ()',
    "unable to parse requirement: values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty",
  ],
  ['a in (b', "unable to parse requirement: found '', expected: ',' or ')'"],
  ['!=a', "found '!=', expected: !, identifier, or 'end of string'"],
  ['!,a', "unable to parse requirement: found ',', expected: identifier"],
  ['a_=b', `unable to parse requirement: <nil>: Invalid value: "a_": ${NAME}`],
  ['a=b_', `unable to parse requirement: values[0][a]: Invalid value: "b_": ${VALUE}`],
  [
    'a>x',
    "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, the value must be an integer",
  ],
];

for (const [text, message] of wrong) {
  test(`parseLabelSelector() refuses "${text}"`, () => {
    assert.throws(() => parseLabelSelector(text), { code: 'InvalidSelector', message });
  });
}

test('parseLabelSelector() ends on any text, and reads its own canonical form', () => {
  const part = fc.constantFrom(
    'a',
    'b.c/d',
    '=',
    '==',
    '!=',
    '!',
    '(',
    ')',
    ',',
    ' ',
    'in',
    'notin',
    '<',
    '>',
    '1',
    '_',
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
      let canonical: string;
      try {
        canonical = formatSelector(parseLabelSelector(parts.join('')));
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'InvalidSelector');
        return;
      }
      assert.equal(formatSelector(parseLabelSelector(canonical)), canonical);
    }),
    { numRuns: 2000, interruptAfterTimeLimit: 2000, markInterruptAsFailure: false },
  );
});
