/** A disk that is full stops writes and nothing else: the cluster says so, and goes on when there is room again. */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { clusterip, TestHome } from './testing/mode.ts';
import { run } from './testing/run.ts';

const skip = process.getuid?.() === 0 ? false : 'only root may mount a disk of its own';

/** The mount is gone with its namespace, of which the daemon has a copy: all has to happen in it. */
const script = `
  set -e
  mount -t tmpfs -o size=64m tmpfs "$DISK"
  "$CLUSTERIP" up >&2
  trap '"$CLUSTERIP" down --purge >&2' EXIT
  kubectl wait --for=condition=Ready node/node-1 --timeout=30s
  dd if=/dev/zero of="$DISK/fill" bs=1M 2>&1 | grep -o 'No space left on device'
  head -c 900000 /dev/zero | tr '\\0' a >"$HOME/large"
  kubectl create configmap during --from-file="$HOME/large" 2>&1 || true
  kubectl get nodes -o name
  rm "$DISK/fill"
  kubectl create configmap after --from-literal=a=b
`;

test('a cluster on a disk that is full refuses writes, and takes them again', { skip }, async () => {
  using home = new TestHome('root');
  const disk = join(home.path, 'state');
  mkdirSync(disk);
  const env = { ...home.env(), DISK: disk, CLUSTERIP: clusterip };
  const done = await run(['timeout', '120', 'unshare', '--mount', 'sh', '-c', script], { env });
  assert.equal(done.code, 0, done.stderr);
  const lines = done.stdout.trim().split('\n');
  assert.match(
    lines[2] ?? '',
    /^error: failed to create configmap: Internal error occurred: Cannot write to the store .*: database or disk is full$/,
  );
  assert.deepEqual(
    [lines[0], lines[1], ...lines.slice(3)],
    ['node/node-1 condition met', 'No space left on device', 'node/node-1', 'configmap/after created'],
  );
});
