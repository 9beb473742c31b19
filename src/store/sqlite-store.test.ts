import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { ManualClock, systemClock } from '#base/clock.ts';
import { openSqliteStore, type SqliteStoreOptions } from './sqlite-store.ts';
import { storeSpec } from './store-spec.ts';
import type { Store } from './store.ts';

const directory = await mkdtemp(join(tmpdir(), 'store-'));
after(() => rm(directory, { recursive: true }));

let files = 0;
const newPath = (): string => join(directory, `${files++}`, 'store.db');
const open = (path: string, options: Partial<SqliteStoreOptions> = {}): Promise<Store> =>
  openSqliteStore({ path, clock: systemClock, ...options });

async function put(store: Store, key: string, value: string): Promise<number> {
  return (await store.txn([], [{ kind: 'put', key, value }])).revision;
}

async function keys(store: Store): Promise<string> {
  const { entries, revision } = await store.range('');
  return [...entries.map((entry) => `${entry.key}=${entry.value}`), `@${revision}`].join(' ');
}

/** How many rows the closed file holds. */
function rowCount(path: string): number {
  const db = new DatabaseSync(path);
  const row = db.prepare('SELECT count(*) AS n FROM event').get();
  db.close();
  return Number(row?.['n']);
}

storeSpec('sqlite', () => open(newPath()));

test('sqlite: all is there after opening again: state, history, revision', async () => {
  const path = newPath();
  {
    await using store = await open(path);
    await store.txn(
      [],
      ['a', 'b'].map((key) => ({ kind: 'put', key, value: '"ü"' })),
    );
    await store.txn([], [{ kind: 'delete', key: 'b' }]);
  }
  await using store = await open(path);
  assert.equal(await keys(store), 'a="ü" @3');
  assert.equal((await store.range('', { revision: 2 })).entries.length, 2);
  const watch = store.watch('', { after: 2 })[Symbol.asyncIterator]();
  const b = { key: 'b', value: '"ü"', createRevision: 2 };
  assert.deepEqual((await watch.next()).value, {
    revision: 3,
    events: [{ kind: 'delete', entry: { ...b, modRevision: 3 }, previous: { ...b, modRevision: 2 } }],
  });
  assert.equal(await put(store, 'c', '1'), 4);
});

test('sqlite: a revision is not given again when the rows of the last ones are compacted away', async () => {
  const path = newPath();
  {
    await using store = await open(path);
    await put(store, 'a', '1');
    await store.txn([], [{ kind: 'delete', key: 'a' }]);
    await store.compact(3);
  }
  await using store = await open(path);
  assert.equal(await put(store, 'a', '2'), 4);
  await assert.rejects(store.get('a', { revision: 2 }), { code: 'ECOMPACTED', compacted: 3 });
});

test('sqlite: compacted rows leave the file, also those that the last process did not get to', async () => {
  const path = newPath();
  {
    await using store = await open(path);
    for (let i = 0; i < 40; i++) await Promise.all(Array.from({ length: 50 }, (_, k) => put(store, `k${k}`, `${i}`)));
    await store.compact(store.revision);
  }
  // Closed at once: most of the 1950 rows are still there.
  assert.ok(rowCount(path) > 50);
  const store = await open(path);
  assert.equal((await store.range('')).entries.length, 50);
  // Each commit takes some rows along, so that this ends without waiting for idle time.
  for (let i = 0; i < 1000; i++) await put(store, 'k0', 'new');
  await store.compact(store.revision);
  for (let i = 0; i < 1000; i++) await put(store, 'k1', 'new');
  await store.close();
  assert.equal(rowCount(path), 1050);
});

test('sqlite: history is compacted by age and by number', async () => {
  const clock = new ManualClock();
  await using store = await open(newPath(), { clock, retention: { ms: 1000, revisions: 10 } });
  await put(store, 'a', '1');
  await clock.advance(1200);
  await put(store, 'a', '2');
  await clock.advance(200);
  assert.equal((await store.get('a', { revision: 2 }))?.value, '1');
  await assert.rejects(store.get('a', { revision: 1 }), { code: 'ECOMPACTED', compacted: 2 });
  await Promise.all(Array.from({ length: 50 }, () => put(store, 'a', '3')));
  await assert.rejects(store.get('a', { revision: store.revision - 11 }), { code: 'ECOMPACTED' });
  assert.equal((await store.get('a'))?.value, '3');
});

test('sqlite: file and directory are private', async () => {
  const path = newPath();
  await using store = await open(path);
  await put(store, 'secret', '1');
  const modes = await Promise.all([directory, path, `${path}-wal`].map(async (name) => (await stat(name)).mode & 0o77));
  assert.deepEqual(modes, [0, 0, 0]);
  // No -shm: another process could not even read along.
  assert.deepEqual((await readdir(join(path, '..'))).sort(), ['store.db', 'store.db-wal']);
});

test('sqlite: a store that is open cannot be opened again, here or in another process', async () => {
  const path = newPath();
  await using store = await open(path);
  const refused = { code: 'ESTORELOCKED', message: `Cannot open the store "${path}": it is in use by another process` };
  await assert.rejects(open(path), refused);
  const script = `
    import { openSqliteStore } from ${JSON.stringify(new URL('sqlite-store.ts', import.meta.url).href)};
    import { systemClock } from ${JSON.stringify(import.meta.resolve('#base/clock.ts'))};
    await openSqliteStore({ path: ${JSON.stringify(path)}, clock: systemClock }).catch((error) => console.log(error.code));
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (data) => (output += String(data)));
  await once(child, 'close');
  assert.equal(output, 'ESTORELOCKED\n');
  assert.equal(await put(store, 'a', '1'), 2);
});

test('sqlite: what cannot be opened says why, and is left as it was', async (t) => {
  const path = newPath();
  await mkdir(join(path, '..'));
  const newer = join(path, '..', 'newer.db');
  {
    await using store = await open(newer);
    await put(store, 'a', '1');
  }
  const database = new DatabaseSync(newer);
  database.exec('PRAGMA user_version = 7');
  database.close();
  const foreign = join(path, '..', 'foreign.db');
  const other = new DatabaseSync(foreign);
  other.exec('CREATE TABLE t (a)');
  other.close();
  const text = join(path, '..', 'text.db');
  await writeFile(text, 'no database at all, but long enough to have a header of a hundred bytes: '.repeat(3));
  const cases = [
    {
      path: newer,
      code: 'ESTOREVERSION',
      message: `Cannot open the store "${newer}": it has format 7, and this program knows up to 1`,
      hint: 'Use the newer program that wrote it, or another data directory.',
    },
    {
      path: foreign,
      code: 'ESTOREOPEN',
      message: `Cannot open the store "${foreign}": it is a database of another program`,
      hint: 'Use another data directory, or move the file away.',
    },
    {
      path: text,
      code: 'ESTOREOPEN',
      message: `Cannot open the store "${text}": it is not a database`,
      hint: 'Use another data directory, or move the file away.',
    },
    {
      path: join(text, 'store.db'),
      code: 'ESTOREOPEN',
      message: `Cannot open the store "${text}/store.db": EEXIST: file already exists, mkdir '${text}'`,
      hint: 'Check that the directory exists, is writable and has space.',
    },
  ];
  for (const { path, ...expected } of cases) {
    await t.test(expected.message.replace(directory, ''), async () => {
      await assert.rejects(open(path), expected);
    });
  }
  database.open();
  assert.equal(database.prepare('PRAGMA user_version').get()?.['user_version'], 7);
  database.close();
});

test('sqlite: a full disk fails what does not fit and nothing else', async () => {
  const path = newPath();
  {
    await using store = await open(path, { maxBytes: 200_000 });
    const big = JSON.stringify('x'.repeat(10_000));
    let made = 0;
    const full = async (): Promise<void> => {
      for (; made < 1000; made++) await put(store, `k${made}`, big);
    };
    const hint = 'Free space on the disk of the data directory.';
    await assert.rejects(full(), {
      code: 'ESTOREFULL',
      message: `Cannot write to the store "${path}": database or disk is full`,
      hint,
    });
    assert.equal(store.revision, made + 1);
    // All that queue behind the one that does not fit rest on it.
    const answers = await Promise.allSettled([put(store, 'a', '1'), put(store, 'b', big), put(store, 'c', '1')]);
    assert.deepEqual(
      answers.map((answer) => answer.status),
      ['rejected', 'rejected', 'rejected'],
    );
    assert.equal(await put(store, 'small', '1'), made + 2);
    assert.equal(await store.get('a'), undefined);
  }
  await using store = await open(path);
  assert.equal((await store.range('')).entries.length, store.revision - 1);
  assert.equal((await store.get('small'))?.value, '1');
});

/** A thread that opens an empty store and then does `body` with each request. */
async function fakeWorker(body: string): Promise<URL> {
  const path = `${newPath()}.mjs`;
  await mkdir(join(path, '..'));
  await writeFile(
    path,
    `import { parentPort } from 'node:worker_threads';
     parentPort.postMessage({ kind: 'opened', compacted: 0 });
     parentPort.on('message', (request) => { ${body} });`,
  );
  return pathToFileURL(path);
}

const deaths = [
  { name: 'throws', body: `throw new Error('bad block')`, reason: 'bad block' },
  { name: 'ends', body: `process.exit(0)`, reason: 'its thread ended' },
  {
    name: 'reports an I/O error',
    body: `parentPort.postMessage({ kind: 'failed', final: true, message: 'disk I/O error' }); if (request.kind === 'close') parentPort.close()`,
    reason: 'disk I/O error',
  },
];
for (const { name, body, reason } of deaths) {
  test(`sqlite: a thread that ${name} fails all that waits and all that comes`, async () => {
    const path = newPath();
    await using store = await open(path, { worker: await fakeWorker(body) });
    const expected = { code: 'ESTOREFAILED', message: `Cannot write to the store "${path}": ${reason}` };
    const watch = store.watch('', { after: 0 })[Symbol.asyncIterator]().next();
    await Promise.all([
      assert.rejects(put(store, 'a', '1'), expected),
      assert.rejects(store.compact(1), expected).catch(() => {}),
      assert.rejects(watch, expected),
    ]);
    await assert.rejects(put(store, 'a', '1'), expected);
    await assert.rejects(store.get('a'), expected);
    await assert.rejects(store.watch('', { after: 1 })[Symbol.asyncIterator]().next(), expected);
  });
}

test(
  'sqlite: a directory that cannot be written says so',
  { skip: process.getuid?.() === 0 && 'root may write everywhere' },
  async () => {
    const path = newPath();
    await mkdir(join(path, '..'));
    await chmod(join(path, '..'), 0o500);
    await assert.rejects(open(path), { code: 'ESTOREOPEN' });
  },
);

test('sqlite: what is in the log is moved into the file when nobody writes', { timeout: 60_000 }, async () => {
  const path = newPath();
  await using store = await open(path);
  const value = JSON.stringify('x'.repeat(30_000));
  // Less than what makes a commit move it.
  await Promise.all(Array.from({ length: 60 }, (_, i) => put(store, `k${i}`, value)));
  let { size } = await stat(path);
  for (let tries = 0; size < 1_500_000 && tries < 3000; tries++) {
    await systemClock.sleep(10);
    ({ size } = await stat(path));
  }
  assert.ok(size >= 1_500_000, `the file has ${size} bytes after 30 s`);
});
