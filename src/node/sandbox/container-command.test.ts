import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commandCandidates } from './container-command.ts';

const cases = [
  { argv: ['a'], path: '/x:/y', workingDir: undefined, found: '/x/a /y/a' },
  { argv: ['a'], path: ':rel', workingDir: '/w', found: '/w/./a /w/rel/a' },
  { argv: ['./a'], path: '/x', workingDir: '/w', found: '/w/./a' },
  { argv: ['/b/a'], path: '/x', workingDir: '/w', found: '/b/a' },
];
for (const { argv, path, workingDir, found } of cases) {
  test(`commandCandidates() of ${argv.join(' ')} in PATH ${path}`, () => {
    assert.equal(commandCandidates({ argv, env: { PATH: path }, workingDir }).join(' '), found);
  });
}
