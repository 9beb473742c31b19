/**
 * Durable puts a second with 1, 10 and 100 writers, and the time to open a store. The answers are checked before the
 * clock starts. Run: `bin/node bench/store.ts [directory]`; the directory decides which disk is measured.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, openSync, writeSync, fdatasyncSync, closeSync } from 'node:fs';
import { cpus, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../src/base/clock.ts';
import { openSqliteStore } from '../src/store/sqlite-store.ts';
import type { Store } from '../src/store/store.ts';

const VALUE_BYTES = 1000;
const SECONDS = 2;
const OPENS = 9;

const directory = mkdtempSync(join(process.argv[2] ?? tmpdir(), 'bench-store-'));
process.on('exit', () => rmSync(directory, { recursive: true }));

const value = (i: number): string => JSON.stringify({ i, text: 'x'.repeat(VALUE_BYTES) }).slice(0, VALUE_BYTES);
const open = (name: string): Promise<Store> => openSqliteStore({ path: join(directory, name), clock: systemClock });
const put = async (store: Store, key: string, i: number): Promise<void> => {
  const result = await store.txn([], [{ kind: 'put', key, value: value(i) }]);
  assert.ok(result.succeeded);
};

async function checkAnswers(): Promise<void> {
  {
    await using store = await open('check.db');
    await Promise.all(Array.from({ length: 100 }, (_, i) => put(store, `k${i}`, i)));
  }
  await using store = await open('check.db');
  const { entries, revision } = await store.range('');
  assert.equal(revision, 101);
  const expected = Array.from({ length: 100 }, (_, i) => `k${i} ${value(i)}`).sort();
  assert.deepEqual(
    entries.map((entry) => `${entry.key} ${entry.value}`),
    expected,
  );
}

/** What the disk gives: append and sync, nothing else. */
function syncsPerSecond(): number {
  const file = openSync(join(directory, 'floor'), 'a');
  const bytes = Buffer.alloc(4096);
  const start = performance.now();
  let count = 0;
  for (; performance.now() - start < 1000 * SECONDS; count++) {
    writeSync(file, bytes);
    fdatasyncSync(file);
  }
  closeSync(file);
  return count / SECONDS;
}

interface PutsRow {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
}

async function measurePuts(writers: number, kind: 'create' | 'update'): Promise<PutsRow> {
  await using store = await open(`${kind}-${writers}.db`);
  for (let w = 0; w < writers; w++) await put(store, `w${w}`, 0);
  const latencies: number[] = [];
  const start = performance.now();
  const end = start + 1000 * SECONDS;
  const write = async (writer: number): Promise<void> => {
    for (let i = 0; ; i++) {
      const before = performance.now();
      if (before >= end) return;
      await put(store, kind === 'update' ? `w${writer}` : `w${writer}-${i}`, i);
      latencies.push(performance.now() - before);
    }
  };
  await Promise.all(Array.from({ length: writers }, (_, w) => write(w)));
  const seconds = (performance.now() - start) / 1000;
  latencies.sort((a, b) => a - b);
  const at = (part: number): number => latencies[Math.floor(latencies.length * part)] ?? 0;
  return { perSecond: latencies.length / seconds, p50: at(0.5), p99: at(0.99) };
}

/** Sorted, ms. */
async function measureOpens(objects: number): Promise<number[]> {
  const times: number[] = [];
  for (let run = 0; run < OPENS; run++) {
    const name = objects === 0 ? `open-new-${run}.db` : `open-${objects}.db`;
    if (objects > 0 && run === 0) {
      await using store = await open(name);
      await Promise.all(Array.from({ length: objects }, (_, i) => put(store, `/registry/pods/default/pod-${i}`, i)));
    }
    const start = performance.now();
    await using store = await open(name);
    times.push(performance.now() - start);
    assert.equal(store.revision, objects + 1);
  }
  return times.sort((a, b) => a - b);
}

const number = (value: number, digits: number = 0): string =>
  value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits }).padStart(12);

await checkAnswers();
console.log(`node ${process.version}, linux ${release()}, ${cpus().length} x ${cpus()[0]?.model}, ${directory}`);
console.log(`${VALUE_BYTES} byte values; floor: ${number(syncsPerSecond()).trim()} append + fdatasync a second\n`);
console.log(`${'writers'.padEnd(16)}${'puts/s'.padStart(12)}${'p50 ms'.padStart(12)}${'p99 ms'.padStart(12)}`);
for (const kind of ['create', 'update'] as const) {
  for (const writers of [1, 10, 100]) {
    const { perSecond, p50, p99 } = await measurePuts(writers, kind);
    console.log(`${`${writers} ${kind}`.padEnd(16)}${number(perSecond)}${number(p50, 2)}${number(p99, 2)}`);
  }
}
console.log(`\n${'open'.padEnd(16)}${'min ms'.padStart(12)}${'median ms'.padStart(12)}${'max ms'.padStart(12)}`);
for (const objects of [0, 1000, 10_000]) {
  const times = await measureOpens(objects);
  const cells = [times[0], times[times.length >> 1], times.at(-1)].map((time) => number(time ?? 0, 1));
  console.log(`${`${objects} objects`.padEnd(16)}${cells.join('')}`);
}
console.log(`\nfile of 10,000 objects: ${number(statSync(join(directory, 'open-10000.db')).size / 1e6, 1).trim()} MB`);
