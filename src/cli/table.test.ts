import assert from 'node:assert/strict';
import test from 'node:test';
import { table } from './table.ts';

const cases: readonly (readonly [string, readonly string[], readonly (readonly string[])[], string])[] = [
  ['a header alone', ['NAME', 'STATUS'], [], 'NAME   STATUS\n'],
  [
    'columns as wide as their widest cell',
    ['NAME', 'STATUS', 'X'],
    [
      ['a', 'ready', '1'],
      ['a-long-name', 'not ready', '22'],
    ],
    'NAME          STATUS      X\na             ready       1\na-long-name   not ready   22\n',
  ],
  ['no space at the end of a line', ['A', 'B'], [['long', ''], ['x']], 'A      B\nlong\nx\n'],
];

for (const [what, header, rows, expected] of cases) {
  test(`a table with ${what}`, () => assert.equal(table(header, rows), expected));
}
