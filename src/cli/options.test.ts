import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import process from 'node:process';
import test, { after } from 'node:test';
import { prepareState } from '#cluster/prepare.ts';
import { stateDirAt } from '#cluster/state-dir.ts';
import { chosenStateDir, existingStateDir, oneOf, readOptions, text, wholeNumber } from './options.ts';

const root = mkdtempSync(join(tmpdir(), 'clusterip-options-'));
after(() => rmSync(root, { recursive: true }));
process.env['XDG_STATE_HOME'] = root;

const allowed = { name: 'string', nodes: 'string', all: 'boolean' } as const;

const read: readonly (readonly [string, Readonly<Record<string, string | boolean>>])[] = [
  ['', {}],
  ['--name web', { name: 'web' }],
  ['--name=web --all', { name: 'web', all: true }],
  ['--name=--odd', { name: '--odd' }],
  ['--name=', { name: '' }],
  ['--name a --name b', { name: 'b' }],
];

for (const [line, expected] of read) {
  test(`options "${line}"`, () => {
    assert.deepEqual({ ...readOptions(line.split(' ').filter(Boolean), allowed) }, expected);
  });
}

const refused: readonly (readonly [string, string])[] = [
  ['--nam web', "Unknown option '--nam'"],
  ['-n web', "Unknown option '-n'"],
  ['web', "Unexpected argument 'web'"],
  ['-- web', "Unexpected argument 'web'"],
  ['--name', "Option '--name <value>' argument missing"],
  ['--name --all', "Option '--name' argument missing"],
  ['--nodes -1', "Option '--nodes' argument missing"],
  ['--all=no', "Option '--all' does not take an argument"],
];

for (const [line, message] of refused) {
  test(`options "${line}" are refused in one line`, () => {
    assert.throws(() => readOptions(line.split(' '), allowed), {
      code: 'EUSAGE',
      message,
      hint: 'see clusterip --help',
    });
  });
}

test('text is what has a value', () => {
  assert.deepEqual([text('web'), text(''), text(true), text(undefined)], ['web', '', undefined, undefined]);
});

const numbers: readonly (readonly [string | boolean | undefined, number | undefined | 'refused'])[] = [
  [undefined, undefined],
  ['0', 0],
  ['007', 7],
  ['999999999', 999_999_999],
  ['', 'refused'],
  ['x', 'refused'],
  ['1.5', 'refused'],
  ['-1', 'refused'],
  ['+1', 'refused'],
  ['1e3', 'refused'],
  ['0x10', 'refused'],
  [' 1', 'refused'],
  ['1000000000', 'refused'],
  [true, 'refused'],
];

for (const [value, expected] of numbers) {
  test(`${JSON.stringify(value) ?? 'nothing'} as a whole number is ${expected ?? 'nothing'}`, () => {
    if (expected !== 'refused') assert.equal(wholeNumber('nodes', value), expected);
    else {
      assert.throws(() => wholeNumber('nodes', value), {
        code: 'EUSAGE',
        message: `Cannot read --nodes "${value}": it must be a whole number`,
      });
    }
  });
}

test('one of several words', () => {
  const output = (value: string | boolean | undefined): string => oneOf('output', value, ['text', 'json'], 'text');
  assert.deepEqual([output(undefined), output('text'), output('json')], ['text', 'text', 'json']);
  for (const value of ['yaml', '', true]) {
    assert.throws(() => output(value), {
      code: 'EUSAGE',
      message: `Cannot use --output "${value}": it must be text or json`,
    });
  }
});

const places: readonly (readonly [Parameters<typeof chosenStateDir>[0], string])[] = [
  [{}, join(root, 'clusterip/default')],
  [{ name: 'web' }, join(root, 'clusterip/web')],
  [{ 'data-dir': '/d' }, '/d'],
  [{ 'data-dir': 'd', name: 'web' }, resolve('d')],
];

for (const [options, expected] of places) {
  test(`${JSON.stringify(options)} means the state in ${expected.replace(root, '$XDG_STATE_HOME')}`, () => {
    assert.deepEqual(chosenStateDir(options), stateDirAt(expected));
  });
}

test('a --data-dir of no characters is a mistake, not the working directory', () => {
  const expected = { code: 'EUSAGE', message: 'Cannot use --data-dir "": it names no directory' };
  assert.throws(() => chosenStateDir({ 'data-dir': '' }), expected);
  assert.throws(() => existingStateDir({ 'data-dir': '' }), expected);
});

test('a cluster that must be there is looked for by its name or its directory', () => {
  const missing = (options: Parameters<typeof existingStateDir>[0], message: string, hint: string): void =>
    assert.throws(() => existingStateDir(options), { code: 'ENOCLUSTER', message, hint });
  missing({}, 'Cannot find a cluster named "default"', 'start one with clusterip up');
  missing({ 'data-dir': root }, `Cannot find a cluster in "${root}"`, 'choose another --data-dir');
  for (const name of ['web', 'api']) prepareState(chosenStateDir({ name }), { name });
  missing({ name: '' }, 'Cannot find a cluster named ""', 'there is api, web: choose one with --name');
  missing(
    { name: '../clusterip/web' },
    'Cannot find a cluster named "../clusterip/web"',
    'there is api, web: choose one with --name',
  );
  const dir = stateDirAt(join(root, 'clusterip/web'));
  assert.deepEqual(existingStateDir({ name: 'web' }), dir);
  assert.deepEqual(existingStateDir({ 'data-dir': dir.path }), dir);
});
