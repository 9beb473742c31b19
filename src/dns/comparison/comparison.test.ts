/** The answers of a real CoreDNS, recorded by bench/peers/dns-answers.ts, and ours to the same questions. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { staticApi } from '../testing/static-api.ts';
import { upstreamServer } from '../testing/upstream-server.ts';
import { CLUSTER } from './cluster-objects.ts';
import { wantedAnswer } from './differences.ts';
import { sayOutside } from './outside-names.ts';
import { inOrder, ownAnswers } from './own-answers.ts';
import { COMPARISONS } from './questions.ts';

const expected = JSON.parse(readFileSync(new URL('expected.json', import.meta.url), 'utf8')) as Readonly<
  Record<string, Readonly<Record<string, string>>>
>;

for (const comparison of COMPARISONS) {
  test(`answers as CoreDNS does, ${comparison.questions.length} questions: ${comparison.name}`, async () => {
    await using api = await staticApi({ ...CLUSTER });
    await using upstream = await upstreamServer(sayOutside);
    const recorded = expected[comparison.name] ?? {};
    const ours = await ownAnswers(comparison, { port: 53, endpoint: api.url, upstream: upstream.address });
    const lines = comparison.questions.map((question, i) => `${question} -> ${ours[i]}`);
    const wanted = comparison.questions.map((question) => {
      const said = recorded[question] ?? 'nothing recorded';
      return `${question} -> ${inOrder(wantedAnswer(said, question, comparison.name))}`;
    });
    assert.deepEqual(lines, wanted);
  });
}
