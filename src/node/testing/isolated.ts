import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

const MARK = 'CLUSTERIP_ISOLATED';

/** What a daemon is started with: everything below it ends with it. */
export function isolationArgs(): readonly string[] {
  const user = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
  return [...user, '--mount', '--pid', '--uts', '--ipc', '--fork', '--mount-proc', '--kill-child'];
}

/**
 * Runs the tests that `body` declares in a child with namespaces of its own, as a daemon has them; the present process
 * has but one test, that the child passed.
 */
export function isolateTests(moduleUrl: string, body: () => void): void {
  if (process.env[MARK] !== undefined) {
    body();
    return;
  }
  const file = fileURLToPath(moduleUrl);
  test('in namespaces of its own', async () => {
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const args = [...isolationArgs(), process.execPath, '--test-reporter=spec', file];
    const child = spawn('unshare', args, { env: { ...env, [MARK]: '1' }, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk));
    const [code] = (await once(child, 'close')) as [number | null];
    assert.equal(code, 0, output);
  });
}
