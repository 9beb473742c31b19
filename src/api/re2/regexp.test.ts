import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import answers from './testdata/go.json' with { type: 'json' };
import { PatternError } from './pattern-error.ts';
import { Re2 } from './regexp.ts';

type Answer = { readonly error: string } | { readonly found: readonly (readonly string[])[] };

function ours(pattern: string): Answer {
  try {
    const expression = new Re2(pattern);
    const found = answers.texts.map((text) =>
      Array.from(expression.findAll(text), ({ start, end }) => text.slice(start, end)),
    );
    for (const [i, text] of answers.texts.entries()) {
      assert.deepEqual([expression.test(text), expression.find(text)], [found[i]?.length !== 0, found[i]?.[0]], text);
    }
    return { found };
  } catch (error) {
    if (error instanceof PatternError) return { error: error.message };
    throw error;
  }
}

test(`${answers.answers.length} patterns mean what they mean in Go, and are refused in its words`, () => {
  for (const { pattern, ...answer } of answers.answers) assert.deepEqual(ours(pattern), answer, pattern);
});

/** As Go's FindStringSubmatch says it. */
const groups: readonly (readonly [string, string, readonly string[] | undefined])[] = [
  ['(a|(b))*', 'abba', ['abba', 'a', 'b']],
  ['(a*)*', 'b', ['', '']],
  ['(a*)+', 'b', ['', '']],
  ['(a|b)*?c', 'abc', ['abc', 'b']],
  ['(|a)*', 'aa', ['', '']],
  ['(|a)+', 'aa', ['', '']],
  ['(a){2,3}', 'aaa', ['aaa', 'a']],
  ['(x)|(?P<name>😀)(?:b)(?<other>$)', 'a😀b', ['😀b', '', '😀', '']],
  ['(a)', 'b', undefined],
];
for (const [pattern, text, expected] of groups) {
  test(`groups of ${pattern} in ${text}`, () => assert.deepEqual(new Re2(pattern).groups(text), expected));
}

test('groups have the names that they are given', () => {
  assert.deepEqual(new Re2('(x)|(?P<name>a)(?:b)(?<other>$)').names, ['', '', 'name', 'other']);
});

test('what is a pattern of JavaScript too finds the same', () => {
  const leaf = fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', '\\b', '^', '$', '');
  const { pattern } = fc.letrec<{ pattern: string }>((tie) => ({
    pattern: fc.oneof(
      { maxDepth: 4 },
      leaf,
      fc.tuple(tie('pattern'), tie('pattern')).map(([one, other]) => one + other),
      fc.tuple(tie('pattern'), tie('pattern')).map(([one, other]) => `(?:${one}|${other})`),
      fc
        .tuple(tie('pattern'), fc.constantFrom('*', '+', '?', '{1,3}', '*?', '??'))
        .map(([one, times]) => `(?:x${one})${times}`),
    ),
  }));
  const text = fc
    .array(fc.constantFrom('a', 'b', 'x', '\n', ' '), { maxLength: 12 })
    .map((letters) => letters.join(''));
  fc.assert(
    fc.property(pattern, text, (source, subject) => {
      const expression = new Re2(`(${source})`);
      const expected = new RegExp(source).exec(subject)?.[0];
      assert.equal(expression.find(subject), expected);
      assert.equal(expression.groups(subject)?.[1], expected);
    }),
  );
});

for (const pattern of [
  '^(a+)+$',
  '^(a|a)*$',
  '^(a|a?)+$',
  '(a*)*b',
  '^(\\pL+)+$',
  '(?i)^(A+)+$',
  '(x+x+)+y|(a+a+)+c',
]) {
  test(`${pattern} takes no longer for what nearly matches`, () => {
    assert.equal(new Re2(pattern).test(`${'a'.repeat(20_000)}!`), false);
  });
}

test('a pattern that is too large once it is written out is refused', () => {
  assert.throws(() => new Re2('(a{1000}){0,1}'.repeat(200)), {
    message: /^error parsing regexp: expression too large: /,
  });
});
