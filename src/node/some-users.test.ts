/**
 * The tests of identities as root of a user namespace with some users, but not all: as newuidmap makes one of /etc/subuid,
 * and as containers have it.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chownSync, mkdtempSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import process from 'node:process';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { removeTree } from './sandbox/remove-tree-sync.ts';

const FIRST = 100_000;
const SCRIPT = `
set -e
unshare --user sleep 300 & holder=$!
trap 'kill $holder' EXIT
until [ "$(readlink /proc/$holder/ns/user)" != "$(readlink /proc/self/ns/user)" ]; do sleep 0.01; done
for map in uid_map gid_map; do echo "0 ${FIRST} 65536" > /proc/$holder/$map; done
nsenter --target $holder --user --setuid 0 --setgid 0 "$@"
`;
const skip = process.getuid?.() === 0 ? false : 'needs root';

test('Pods have their users in a user namespace that has some', { skip }, async () => {
  const home = mkdtempSync(`${tmpdir()}/clusterip-users-`);
  try {
    chownSync(home, FIRST, FIRST);
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const file = fileURLToPath(new URL('security.test.ts', import.meta.url));
    const child = spawn('bash', ['-c', SCRIPT, 'users', process.execPath, '--test-reporter=spec', file], {
      env: { ...env, HOME: home, TMPDIR: home },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk));
    const [code] = (await once(child, 'close')) as [number | null];
    assert.equal(code, 0, output);
  } finally {
    removeTree(home);
  }
});
