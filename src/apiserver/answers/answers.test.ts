import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { cidrs, TestServer } from '../testing/test-server.ts';
import { allAnswers } from './all-answers.ts';
import { type AskServer, runAnswer } from './answer-case.ts';

/** What kube-apiserver answers; `bench/peers/api-answers.ts --record` writes it. */
const expected = JSON.parse(readFileSync(new URL('expected.json', import.meta.url), 'utf8')) as Record<string, string>;
const differences = readFileSync(new URL('../../../docs/api-differences.md', import.meta.url), 'utf8');

function asking(server: TestServer): AskServer {
  return async (request) => {
    const answer = await server.send({ ...request, userAgent: 'peer/1' });
    if (answer.kind === 'text') return { status: answer.status, body: String(answer.body).trim(), warnings: [] };
    if (answer.kind !== 'object') throw new TypeError(`not an object: ${answer.kind}`);
    const body: unknown = JSON.parse(answer.text ?? JSON.stringify(answer.body));
    return { status: answer.status, body, warnings: answer.warnings ?? [] };
  };
}

describe('answers of kube-apiserver', () => {
  let server: TestServer;
  before(async () => {
    server = await TestServer.start({ serviceCidrs: cidrs('10.96.0.0/16') });
  });
  after(() => server[Symbol.asyncDispose]());
  for (const one of allAnswers) {
    test(one.name, async () => {
      const said = await runAnswer(one, { ask: asking(server), sleep: (ms) => systemClock.sleep(ms / 100) });
      assert.equal(said, one.differs?.answer ?? expected[one.name]);
    });
  }
});

test('each case has a name of its own and a recorded answer', () => {
  const names = allAnswers.map(({ name }) => name);
  assert.deepEqual(names, [...new Set(names)]);
  assert.deepEqual(Object.keys(expected), names);
});

test('each difference is told of in the documents', () => {
  for (const { name, differs } of allAnswers) {
    if (differs !== undefined) assert.ok(differences.includes(name), name);
  }
});
