import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Entry, Op, RevisionEvents, Store, TxnResult } from './store.ts';

/**
 * What every backend must do, in scenarios. Revisions are asserted relative to where the store stood, so that the suite
 * also runs against a server that is not empty; keys lie below a prefix for the same reason.
 */
export function storeSpec(backend: string, open: () => Promise<Store>): void {
  for (const [name, scenario] of Object.entries(SCENARIOS)) {
    test(`${backend}: ${name}`, async () => {
      await using store = await open();
      await scenario(new Probe(store));
    });
  }
}

/** Entry as text: `/t/a=1 made +1 changed +2`. */
class Probe {
  readonly store: Store;
  readonly base: number;

  constructor(store: Store) {
    this.store = store;
    this.base = store.revision;
  }

  at(offset: number): number {
    return this.base + offset;
  }

  /** A transaction from short words: `a=1` puts, `-a` deletes, `a@2` compares with base + 2, `a@0` with absent. */
  async txn(...words: readonly string[]): Promise<string> {
    const compares = words.filter((word) => word.includes('@')).map((word) => this.#compare(word));
    const ops = words.filter((word) => !word.includes('@')).map(op);
    return this.result(await this.store.txn(compares, ops));
  }

  #compare(word: string): { key: string; modRevision: number } {
    const [key = '', offset = ''] = word.split('@');
    return { key: `/t/${key}`, modRevision: offset === '0' ? 0 : this.at(Number(offset)) };
  }

  result(result: TxnResult): string {
    const head = `${result.succeeded ? 'ok' : 'conflict'} +${result.revision - this.base}`;
    return result.succeeded ? head : [head, ...result.entries.map((entry) => this.entry(entry))].join(' | ');
  }

  entry(entry: Entry | undefined): string {
    if (entry === undefined) return 'none';
    const { key, value, createRevision, modRevision } = entry;
    return `${key.slice(3)}=${value} made +${createRevision - this.base} changed +${modRevision - this.base}`;
  }

  async get(key: string, offset?: number): Promise<string> {
    const options = offset === undefined ? {} : { revision: this.at(offset) };
    return this.entry(await this.store.get(`/t/${key}`, options));
  }

  /** `a b (2 more) +3`. */
  async keys(options: { prefix?: string; limit?: number; after?: string; at?: number } = {}): Promise<string> {
    const { entries, revision, more, remaining } = await this.store.range(`/t/${options.prefix ?? ''}`, {
      ...(options.limit === undefined ? {} : { limit: options.limit }),
      ...(options.after === undefined ? {} : { after: `/t/${options.after}` }),
      ...(options.at === undefined ? {} : { revision: this.at(options.at) }),
    });
    assert.equal(more, remaining > 0);
    const keys = entries.map((entry) => `${entry.key.slice(3)}=${entry.value}`);
    return [...keys, ...(more ? [`(${remaining} more)`] : []), `+${revision - this.base}`].join(' ');
  }

  change(change: RevisionEvents): string {
    const events = change.events.map(
      ({ kind, entry, previous }) => `${kind} ${this.entry(entry)}${previous ? ` was ${previous.value}` : ''}`,
    );
    return [`+${change.revision - this.base}`, ...events].join(' | ');
  }

  /** The next `count` changes after an offset. */
  async watch(after: number, count: number, prefix: string = ''): Promise<string[]> {
    const changes: string[] = [];
    if (count === 0) return changes;
    for await (const change of this.store.watch(`/t/${prefix}`, { after: this.at(after) })) {
      changes.push(this.change(change));
      if (changes.length === count) break;
    }
    return changes;
  }
}

function op(word: string): Op {
  if (word.startsWith('-')) return { kind: 'delete', key: `/t/${word.slice(1)}` };
  const [key = '', value = ''] = word.split('=');
  return { kind: 'put', key: `/t/${key}`, value };
}

async function collect(watch: AsyncIterable<RevisionEvents>): Promise<RevisionEvents[]> {
  const changes: RevisionEvents[] = [];
  for await (const change of watch) changes.push(change);
  return changes;
}

const code = (expected: string): ((error: unknown) => boolean) => {
  return (error) => (error as { code?: unknown }).code === expected;
};

const SCENARIOS: Readonly<Record<string, (probe: Probe) => Promise<void>>> = {
  async 'a key keeps its createRevision until it is deleted'(p) {
    assert.equal(await p.get('a'), 'none');
    assert.equal(await p.txn('a=1'), 'ok +1');
    assert.equal(await p.txn('a=2'), 'ok +2');
    assert.equal(await p.get('a'), 'a=2 made +1 changed +2');
    assert.equal(await p.txn('-a'), 'ok +3');
    assert.equal(await p.get('a'), 'none');
    assert.equal(await p.txn('a=3'), 'ok +4');
    assert.equal(await p.get('a'), 'a=3 made +4 changed +4');
    assert.equal(p.store.revision, p.at(4));
  },

  async 'compares decide: exact revision, or 0 for absent'(p) {
    assert.equal(await p.txn('a@0', 'a=1'), 'ok +1');
    assert.equal(await p.txn('a@0', 'a=2'), 'conflict +1 | a=1 made +1 changed +1');
    assert.equal(await p.txn('a@1', 'a=2'), 'ok +2');
    assert.equal(await p.txn('a@1', 'a=3'), 'conflict +2 | a=2 made +1 changed +2');
    assert.equal(await p.txn('b@1', '-a'), 'conflict +2 | none');
    assert.equal(await p.txn('a@2', '-a'), 'ok +3');
    assert.equal(await p.txn('a@2'), 'conflict +3 | none');
  },

  async 'a failed transaction changes none of its keys and shows all it compared'(p) {
    await p.txn('a=1', 'b=1');
    assert.equal(
      await p.txn('a@1', 'b@0', 'c@0', 'a=2', 'c=2'),
      'conflict +1 | a=1 made +1 changed +1 | b=1 made +1 changed +1 | none',
    );
    assert.equal(await p.keys(), 'a=1 b=1 +1');
  },

  async 'many keys change under one revision'(p) {
    await p.txn('b=0');
    assert.equal(await p.txn('a=1', '-b', 'c=1'), 'ok +2');
    assert.deepEqual(await p.watch(0, 2), [
      '+1 | put b=0 made +1 changed +1',
      '+2 | put a=1 made +2 changed +2 | delete b=0 made +1 changed +2 was 0 | put c=1 made +2 changed +2',
    ]);
  },

  async 'what changes nothing takes no revision'(p) {
    await p.txn('a=1');
    assert.equal(await p.txn(), 'ok +1');
    assert.equal(await p.txn('a@1'), 'ok +1');
    assert.equal(await p.txn('-none'), 'ok +1');
    assert.equal(await p.txn('-none', 'a=1'), 'ok +2');
  },

  async 'a key twice, an empty key: refused before anything happens'(p) {
    await assert.rejects(p.txn('a=1', '-a'), { message: 'Cannot write the key "/t/a" twice in one transaction' });
    await assert.rejects(p.store.txn([], [{ kind: 'put', key: '', value: '1' }]), TypeError);
    assert.equal(p.store.revision, p.base);
  },

  async 'transactions sent at once are decided in the order they were sent'(p) {
    const answers = await Promise.all([
      p.txn('a@0', 'a=1'),
      p.txn('a@0', 'a=2'),
      p.txn('a@1', 'a=3'),
      p.txn('-a'),
      p.txn('a@0', 'a=4'),
    ]);
    assert.deepEqual(answers, ['ok +1', 'conflict +1 | a=1 made +1 changed +1', 'ok +2', 'ok +3', 'ok +4']);
  },

  async 'of many writers that compare the same revision one wins'(p) {
    const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => p.txn('a@0', `a=${i}`)));
    assert.equal(answers.filter((answer) => answer.startsWith('ok')).length, 1);
    assert.equal(p.store.revision, p.at(1));
  },

  async 'a range is ordered, by prefix, in pages of one revision'(p) {
    await p.txn('p/b=1', 'p/a=1', 'q=1', 'p/c=1', 'p/d=1', 'o=1');
    assert.equal(await p.keys({ prefix: 'p/' }), 'p/a=1 p/b=1 p/c=1 p/d=1 +1');
    assert.equal(await p.keys({ prefix: 'p/', limit: 2 }), 'p/a=1 p/b=1 (2 more) +1');
    await p.txn('-p/c', 'p/a=2', 'p/ca=2');
    assert.equal(await p.keys({ prefix: 'p/', limit: 1, after: 'p/b', at: 1 }), 'p/c=1 (1 more) +1');
    assert.equal(await p.keys({ prefix: 'p/', limit: 9, after: 'p/c', at: 1 }), 'p/d=1 +1');
    assert.equal(await p.keys({ prefix: 'p/', after: 'p/b' }), 'p/ca=2 p/d=1 +2');
    assert.equal(await p.keys({ prefix: 'x' }), '+2');
    assert.equal(await p.keys({ prefix: 'p/', after: 'z' }), '+2');
  },

  async 'past revisions can be read, future ones cannot'(p) {
    await p.txn('a=1');
    await p.txn('a=2', 'b=2');
    await p.txn('-a');
    assert.deepEqual(await Promise.all([1, 2, 3].map((at) => p.get('a', at))), [
      'a=1 made +1 changed +1',
      'a=2 made +1 changed +2',
      'none',
    ]);
    assert.deepEqual(await Promise.all([0, 1, 2, 3].map((at) => p.keys({ at }))), [
      '+0',
      'a=1 +1',
      'a=2 b=2 +2',
      'b=2 +3',
    ]);
    await assert.rejects(p.get('a', 4), code('EFUTUREREVISION'));
    await assert.rejects(p.keys({ at: 4 }), code('EFUTUREREVISION'));
  },

  async 'a watch replays the past and goes on with what comes'(p) {
    await p.txn('a=1');
    await p.txn('b=2');
    const watched = p.watch(1, 3);
    await p.txn('a=3');
    await p.txn('-b');
    assert.deepEqual(await watched, [
      '+2 | put b=2 made +2 changed +2',
      '+3 | put a=3 made +1 changed +3 was 1',
      '+4 | delete b=2 made +2 changed +4 was 2',
    ]);
  },

  async 'a watch shows what lies below its prefix'(p) {
    const watched = p.watch(0, 2, 'p/');
    await p.txn('a=1', 'p/a=1', 'q/a=1');
    await p.txn('a=2');
    await p.txn('-p/a', '-a');
    assert.deepEqual(await watched, [
      '+1 | put p/a=1 made +1 changed +1',
      '+3 | delete p/a=1 made +1 changed +3 was 1',
    ]);
  },

  async 'a watch from a future revision begins there'(p) {
    const watched = p.watch(2, 1);
    for (const word of ['a=1', 'a=2', 'a=3']) await p.txn(word);
    assert.deepEqual(await watched, ['+3 | put a=3 made +1 changed +3 was 2']);
  },

  async 'what a watch tells of can be read'(p) {
    const seen = p.watch(0, 1).then(() => p.get('a'));
    await p.txn('a=1');
    assert.equal(await seen, 'a=1 made +1 changed +1');
  },

  async 'a slow watch loses nothing'(p) {
    const watch = p.store.watch('/t/', { after: p.base })[Symbol.asyncIterator]();
    await Promise.all(Array.from({ length: 500 }, (_, i) => p.txn(`k${i % 7}=${i}`)));
    for (let i = 1; i <= 500; i++) assert.equal((await watch.next()).value?.revision, p.at(i));
  },

  async 'an aborted watch ends without an error, waiting or not'(p) {
    const waiting = new AbortController();
    const ended = collect(p.store.watch('/t/', { after: p.base, signal: waiting.signal }));
    await p.txn('a=1');
    await p.txn('b=1');
    waiting.abort();
    assert.ok((await ended).length <= 2);
    const aborted = p.store.watch('/t/', { after: p.base, signal: AbortSignal.abort() });
    assert.deepEqual(await collect(aborted), []);
  },

  async 'compaction forgets what was overwritten and keeps what stands'(p) {
    await p.txn('a=1', 'b=1', 'c=1');
    await p.txn('a=2', '-b');
    await p.txn('a=3');
    await p.store.compact(p.at(2));
    await assert.rejects(p.get('a', 1), code('ECOMPACTED'));
    await assert.rejects(p.keys({ at: 1 }), { code: 'ECOMPACTED', compacted: p.at(2) });
    await assert.rejects(p.watch(1, 1), { code: 'ECOMPACTED', compacted: p.at(2) });
    assert.equal(await p.keys({ at: 2 }), 'a=2 c=1 +2');
    assert.equal(await p.keys(), 'a=3 c=1 +3');
    assert.deepEqual(await p.watch(2, 1), ['+3 | put a=3 made +1 changed +3 was 2']);
    assert.equal(await p.txn('b@0', 'b=4'), 'ok +4');
    assert.equal(await p.get('b'), 'b=4 made +4 changed +4');
  },

  async 'compaction up to now leaves one state and the next watch'(p) {
    await p.txn('a=1', 'b=1');
    await p.txn('-b');
    await p.store.compact(p.at(2));
    assert.equal(await p.keys({ at: 2 }), 'a=1 +2');
    const watched = p.watch(2, 1);
    await p.txn('a=2');
    assert.deepEqual(await watched, ['+3 | put a=2 made +1 changed +3 was 1']);
    await p.store.compact(p.at(1));
    await assert.rejects(p.store.compact(p.at(4)), code('EFUTUREREVISION'));
  },

  async 'a watch that falls behind the compaction is told so'(p) {
    await p.txn('a=1');
    const watch = p.store.watch('/t/', { after: p.base })[Symbol.asyncIterator]();
    assert.equal((await watch.next()).value?.revision, p.at(1));
    for (const word of ['a=2', 'a=3', 'a=4']) await p.txn(word);
    await p.store.compact(p.at(3));
    await assert.rejects(watch.next(), { code: 'ECOMPACTED', compacted: p.at(3) });
  },

  async 'closing waits for what is under way, ends watches, and refuses the rest'(p) {
    const watched = collect(p.store.watch('/t/', { after: p.base }));
    const last = p.txn('a=1');
    await p.store.close();
    assert.equal(await last, 'ok +1');
    assert.equal((await watched).length, 1);
    await assert.rejects(p.txn('a=2'), code('ESTORECLOSED'));
    await assert.rejects(p.get('a'), code('ESTORECLOSED'));
    await assert.rejects(p.keys(), code('ESTORECLOSED'));
    await p.store.close();
  },
};
