import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { openSqliteStore } from './sqlite-store.ts';
import type { Store } from './store.ts';

const directory = await mkdtemp(join(tmpdir(), 'store-crash-'));
after(() => rm(directory, { recursive: true }));
const path = join(directory, 'store.db');

/** Several writers at once, each telling `revision key value` of what was acknowledged. A pipe is written at once. */
const WRITER = `
  import { openSqliteStore } from ${JSON.stringify(new URL('sqlite-store.ts', import.meta.url).href)};
  import { systemClock } from ${JSON.stringify(import.meta.resolve('#base/clock.ts'))};
  const [path, round] = process.argv.slice(-2);
  const store = await openSqliteStore({ path, clock: systemClock });
  const write = async (writer) => {
    for (let i = 0; ; i++) {
      const key = 'k' + writer + '-' + (i % 20);
      const value = JSON.stringify(round + '.' + writer + '.' + i);
      const ops = [{ kind: 'put', key, value }, { kind: 'put', key: 'also-' + key, value }];
      const { revision } = await store.txn([], ops);
      process.stdout.write(revision + ' ' + key + ' ' + value + '\\n');
    }
  };
  const compact = async () => {
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      await store.compact(Math.max(1, store.revision - 500));
    }
  };
  await Promise.all([write(1), write(2), write(3), compact()]);
`;

/** Writes until it has acknowledged `count` transactions, is killed, and returns the lines it told. */
async function writeAndDie(round: number, count: number): Promise<string[]> {
  const args = ['--input-type=module', '-e', WRITER, '--', path, String(round)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  let lines = 0;
  child.stdout.on('data', (data: Buffer) => {
    output += data.toString();
    lines += data.filter((byte) => byte === 10).length;
    if (lines >= count) child.kill('SIGKILL');
  });
  await once(child, 'close');
  assert.equal(child.signalCode, 'SIGKILL');
  return output.split('\n').slice(0, -1);
}

/** What all rounds together acknowledged, and whether a store opened again holds it. */
class Ledger {
  /** By revision: `key value`. */
  readonly #told = new Map<number, string>();
  /** The newest acknowledged revision by key. */
  readonly #newest = new Map<string, number>();
  #last = 1;

  add(revision: number, key: string, value: string): void {
    assert.ok(!this.#told.has(revision), `revision ${revision} was given twice`);
    this.#told.set(revision, `${key} ${value}`);
    this.#newest.set(key, Math.max(this.#newest.get(key) ?? 0, revision));
    this.#last = Math.max(this.#last, revision);
  }

  /** A key is as it was acknowledged, or as written at the very end, durable and not acknowledged any more. */
  async checkState(store: Store): Promise<void> {
    assert.ok(store.revision >= this.#last, `at ${store.revision} after ${this.#last} was acknowledged`);
    for (const [key, revision] of this.#newest) {
      const entry = (await store.get(key)) ?? assert.fail(`${key} is gone`);
      assert.ok(entry.modRevision === revision || entry.modRevision > this.#last, `${key} is at ${entry.modRevision}`);
      assert.equal((await store.get(`also-${key}`))?.value, entry.value, 'half a transaction');
    }
  }

  /** Replays what was not compacted: no gap, and each revision what it was told to be. */
  async checkHistory(store: Store): Promise<void> {
    let next = Math.max(1, store.revision - 400) + 1;
    for await (const { revision, events } of store.watch('', { after: next - 1 })) {
      assert.equal(revision, next++);
      const found = `${events[0]?.entry.key} ${events[0]?.entry.value}`;
      assert.equal(found, this.#told.get(revision) ?? found);
      // From now on it counts as told, so that it is never given again.
      this.#told.set(revision, found);
      if (revision === store.revision) break;
    }
  }
}

test('sqlite: kill -9 loses no acknowledged write and no revision', async () => {
  const ledger = new Ledger();
  for (const [round, count] of [1, 40, 300, 1200, 3000].entries()) {
    for (const line of await writeAndDie(round, count)) {
      const [revision = '', key = '', value = ''] = line.split(' ');
      ledger.add(Number(revision), key, value);
    }
    await using store = await openSqliteStore({ path, clock: systemClock });
    await ledger.checkState(store);
    await ledger.checkHistory(store);
  }
});
