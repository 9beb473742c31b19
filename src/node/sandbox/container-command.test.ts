import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commandCandidates, launchLine } from './container-command.ts';

const programs = { unshare: '/usr/bin/unshare', setsid: '/usr/bin/setsid' };
const command = { argv: ['sleep', '1'], env: {}, workingDir: '/srv' };

test('launchLine() enters the root, mounts procfs and becomes the command', () => {
  const lines = [false, true].map((tty) => launchLine(programs, '/r', command, { tty }).join(' '));
  assert.deepEqual(lines, [
    '/usr/bin/unshare --root=/r --wd=/srv --mount-proc=/proc -- sleep 1',
    '/usr/bin/setsid --ctty /usr/bin/unshare --root=/r --wd=/srv --mount-proc=/proc -- sleep 1',
  ]);
});

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
