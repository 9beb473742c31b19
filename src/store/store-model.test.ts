import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { systemClock } from '#base/clock.ts';
import { MemoryStore } from './memory-store.ts';
import { openSqliteStore } from './sqlite-store.ts';
import type { Compare, Entry, Op, RevisionEvents, Store, StoreEvent } from './store.ts';

const directory = await mkdtemp(join(tmpdir(), 'store-model-'));
after(() => rm(directory, { recursive: true }));

/** The whole of the semantics, slowly: every revision is a complete Map. */
class Model {
  readonly states: Map<string, Entry>[] = [new Map(), new Map()];
  readonly changes: RevisionEvents[] = [];
  compacted = 0;

  get revision(): number {
    return this.states.length - 1;
  }

  state(revision: number = this.revision): Map<string, Entry> {
    return this.states[revision] ?? assert.fail(`no revision ${revision}`);
  }

  txn(compares: readonly Compare[], ops: readonly Op[]): boolean {
    const now = this.state();
    if (compares.some(({ key, modRevision }) => (now.get(key)?.modRevision ?? 0) !== modRevision)) return false;
    const next = new Map(now);
    const revision = this.revision + 1;
    const events: StoreEvent[] = [];
    for (const op of ops) {
      const previous = now.get(op.key);
      const was = previous === undefined ? {} : { previous };
      if (op.kind === 'put') {
        const createRevision = previous?.createRevision ?? revision;
        const entry = { key: op.key, value: op.value, createRevision, modRevision: revision };
        next.set(op.key, entry);
        events.push({ kind: 'put', entry, ...was });
      } else if (previous !== undefined) {
        next.delete(op.key);
        events.push({ kind: 'delete', entry: { ...previous, modRevision: revision }, ...was });
      }
    }
    if (events.length === 0) return true;
    this.states.push(next);
    this.changes.push({ revision, events });
    return true;
  }
}

type Step =
  | { kind: 'txn'; compares: readonly { key: string; ago: number }[]; ops: readonly Op[] }
  | { kind: 'compact'; ago: number }
  | { kind: 'reopen' };

const key = fc.constantFrom('a', 'a/b', 'a/c', 'b', 'c/a', 'c/b');
const op: fc.Arbitrary<Op> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('put' as const), key, value: fc.json({ maxDepth: 1 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('delete' as const), key }) },
);
const ops = fc.uniqueArray(op, { selector: (one) => one.key, maxLength: 4 });
const compares = fc.array(fc.record({ key, ago: fc.constantFrom(0, 0, 0, 0, 1, 9) }), { maxLength: 2 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ kind: fc.constant('txn' as const), compares, ops }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('compact' as const), ago: fc.nat(6) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reopen' as const) }) },
);

async function run(steps: readonly Step[], open: () => Promise<Store>, reopens: boolean): Promise<void> {
  const model = new Model();
  let store = await open();
  // Answers are collected and not awaited one by one, so that transactions queue behind each other.
  let answers: Promise<void>[] = [];
  try {
    for (const one of steps) {
      if (one.kind === 'txn') {
        // The revision that a key has, or had some revisions ago: compares hold often, but not always.
        const resolved = one.compares.map(({ key, ago }) => ({
          key,
          modRevision: model.state(Math.max(1, model.revision - ago)).get(key)?.modRevision ?? 0,
        }));
        const expected = model.txn(resolved, one.ops);
        const revision = model.revision;
        answers.push(
          store.txn(resolved, one.ops).then((result) => {
            assert.deepEqual([result.succeeded, result.revision], [expected, revision]);
          }),
        );
        continue;
      }
      await Promise.all(answers);
      answers = [];
      if (one.kind === 'compact') {
        const revision = Math.max(0, model.revision - one.ago);
        model.compacted = Math.max(model.compacted, revision);
        await store.compact(revision);
      } else if (reopens) {
        await store.close();
        store = await open();
      }
      await agree(store, model);
    }
    await Promise.all(answers);
    await agree(store, model);
  } finally {
    await store.close();
  }
}

async function agree(store: Store, model: Model): Promise<void> {
  assert.equal(store.revision, model.revision);
  for (let revision = 1; revision <= model.revision; revision++) {
    if (revision < model.compacted) {
      await assert.rejects(store.range('', { revision }), { code: 'ECOMPACTED' });
      await assert.rejects(store.watch('', { after: revision })[Symbol.asyncIterator]().next(), { code: 'ECOMPACTED' });
      continue;
    }
    const sorted = [...model.state(revision).values()].sort((a, b) => (a.key < b.key ? -1 : 1));
    assert.deepEqual((await store.range('', { revision })).entries, sorted);
    assert.deepEqual(
      (await store.range('c/', { revision })).entries,
      sorted.filter((entry) => entry.key.startsWith('c/')),
    );
  }
  await agreeOnWatch(store, model, model.compacted);
  await agreeOnWatch(store, model, Math.max(model.compacted, model.revision - 3));
}

async function agreeOnWatch(store: Store, model: Model, from: number): Promise<void> {
  const expected = model.changes.filter((change) => change.revision > from);
  const seen: RevisionEvents[] = [];
  const watch = store.watch('', { after: from })[Symbol.asyncIterator]();
  while (seen.length < expected.length) {
    const { value } = await watch.next();
    if (value !== undefined) seen.push(value);
  }
  assert.deepEqual(seen, expected);
}

test('the memory store agrees with a model on random transactions', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), (steps) => run(steps, async () => new MemoryStore(), false)),
    { numRuns: 200 },
  );
});

test('the sqlite store agrees with a model on random transactions, also after it is opened again', async () => {
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), (steps) => {
      const path = join(directory, `${runs++}`, 'store.db');
      return run(steps, () => openSqliteStore({ path, clock: systemClock }), true);
    }),
    { numRuns: 15 },
  );
});
