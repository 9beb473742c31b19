import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { CelError, CostError } from './cel-error.ts';
import * as types from './cel-type.ts';
import { CelList, type CelValue } from './cel-value.ts';
import { CostMeter } from './plan.ts';
import { compile } from './program.ts';

// What expressions mean is tested against Kubernetes' own answers: src/apiserver/answers/expressions.ts.

const runs = Number(process.env['FUZZ_RUNS'] ?? 300);
const VARIABLES = new Map([
  ['n', types.INT],
  ['s', types.STRING],
  ['l', types.listOf(types.INT)],
]);
const VALUES = [3n, 'text', CelList.of([1n, 2n, 3n])];

function show(value: CelValue): string {
  return typeof value === 'object' ? 'an object' : String(value);
}

function outcome(text: string, limit: number = 1_000_000): string {
  const compiled = compile(text, VARIABLES);
  if (compiled.kind !== 'ok') return compiled.text;
  const meter = new CostMeter(limit);
  try {
    return `${show(compiled.program.run(VALUES, meter))}, cost ${meter.used}`;
  } catch (error) {
    if (error instanceof CelError || error instanceof CostError) return error.message;
    throw error;
  }
}

test('compile() names every mistake with its place', () => {
  assert.equal(
    outcome('n + s ==\n\tmissing'),
    [
      "ERROR: <input>:1:3: found no matching overload for '_+_' applied to '(int, string)'",
      ' | n + s ==',
      ' | ..^',
      "ERROR: <input>:2:2: undeclared reference to 'missing' (in container '')",
      ' |  missing',
      ' | .^',
    ].join('\n'),
  );
});

test('compile() counts characters, not halves of them', () => {
  assert.match(outcome("'😀é' + n == s"), /^ERROR: <input>:1:6: [^\n]+\n \| '😀é' \+ n == s\n \| \.．．\.\.\^$/);
});

test('run() counts what an expression takes and stops at its limit', () => {
  assert.equal(outcome('n > 1 && l.all(x, x > 0)'), 'true, cost 19');
  assert.equal(
    outcome('l.all(a, l.all(b, l.all(c, a + b + c > 0)))', 50),
    'operation cancelled: actual cost limit exceeded',
  );
});

test('run() works on dyn values by what they are', () => {
  assert.equal(outcome('dyn(n) + dyn(1)'), '4, cost 4');
  assert.equal(outcome('dyn(n) + dyn(s)'), 'no such overload');
});

const names = fc.constantFrom(
  'n',
  's',
  'l',
  'x',
  '1',
  '2.5',
  "'a'",
  'true',
  'null',
  '[1]',
  '{"a": 1}',
  'optional.none()',
);
const operators = fc.constantFrom(
  '+',
  '-',
  '*',
  '/',
  '%',
  '==',
  '!=',
  '<',
  '>=',
  '&&',
  '||',
  'in',
  '.',
  '?',
  ':',
  '[',
  ']',
);
const calls = fc.constantFrom(
  '.all(x, ',
  '.map(x, ',
  '.exists(x, ',
  '.size()',
  '.startsWith(',
  'size(',
  'has(',
  '.matches(',
  '(',
  ')',
  ', ',
);

test('no text makes compile() or run() throw anything but their own errors', () => {
  const pieces = fc.array(fc.oneof(names, operators, calls), { maxLength: 12 }).map((parts) => parts.join(' '));
  fc.assert(
    fc.property(fc.oneof(pieces, fc.string({ maxLength: 20, unit: 'binary' })), (text) => {
      assert.equal(typeof outcome(text, 10_000), 'string');
    }),
    { numRuns: runs },
  );
});

test('what is nested too deep is refused', () => {
  assert.match(outcome(`${'('.repeat(5_000)}1${')'.repeat(5_000)}`), /expression recursion limit exceeded: 200/);
  assert.match(outcome(`${'-n + '.repeat(3)}n`), /^-6, /);
});
