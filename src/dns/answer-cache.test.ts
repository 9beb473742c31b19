import assert from 'node:assert/strict';
import test from 'node:test';
import { wireName } from './name.ts';
import { ServiceEntry } from './service-entry.ts';
import type { CompiledAnswer } from './compiled-answer.ts';
import { AnswerCache } from './answer-cache.ts';

const owner = new ServiceEntry('\x03web\x02ns', wireName('cluster.local') ?? '\0');

function compiled(bytes: number): CompiledAnswer {
  const version = owner.version;
  return {
    body: 'x'.repeat(bytes),
    rcode: 0,
    questionEnd: 12,
    ends: [12],
    answers: 1,
    authorities: 0,
    turn: undefined,
    owner,
    version,
  };
}

test('compiled answers are bounded in bytes, and those that are asked for stay', () => {
  const cache = new AnswerCache(1_000_000);
  cache.set('asked', compiled(100));
  for (let i = 0; i < 1000; i++) {
    cache.set(`large ${i}`, compiled(64_000));
    assert.ok(cache.get('asked') !== undefined, `after ${i}`);
    // 64,000 bytes each and their places: 15 are a million, and one may be over the half of each half.
    assert.ok(cache.size <= 18, `${cache.size} after ${i}`);
  }
  assert.equal(cache.get('large 0'), undefined);
  assert.ok(cache.get('large 999') !== undefined);
  owner.version++;
  assert.equal(cache.get('asked'), undefined, 'its Service has changed');
});

test('an answer that is compiled again and again takes its place once', () => {
  const cache = new AnswerCache(1_000_000);
  cache.set('other', compiled(100));
  for (let i = 0; i < 1000; i++) cache.set('changing', compiled(64_000));
  assert.equal(cache.size, 2);
});
