import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { cidrs, TestServer } from '../../testing/test-server.ts';
import { allRules } from './all-rules.ts';
import { RULE_RANGES, runRule, type Ask, type RuleCluster } from './rule-case.ts';

/** What kube-apiserver answers; `bench/peers/service-rules.ts --record` writes it. */
const expected = JSON.parse(readFileSync(new URL('expected.json', import.meta.url), 'utf8')) as Record<string, string>;
const differences = readFileSync(new URL('../../../../docs/service-differences.md', import.meta.url), 'utf8');

function asking(server: TestServer): Ask {
  return async (request) => {
    const answer = await server.send(request);
    if (answer.kind !== 'object') throw new TypeError(`not an object: ${answer.kind}`);
    const body: unknown = JSON.parse(answer.text ?? JSON.stringify(answer.body));
    return { status: answer.status, body, warnings: answer.warnings ?? [] };
  };
}

for (const cluster of Object.keys(RULE_RANGES) as RuleCluster[]) {
  describe(`rules of an ${cluster} cluster`, () => {
    let server: TestServer;
    before(async () => {
      server = await TestServer.start({ serviceCidrs: cidrs(...RULE_RANGES[cluster]) });
    });
    after(() => server[Symbol.asyncDispose]());
    for (const rule of allRules.filter((one) => (one.cluster ?? 'ipv4') === cluster)) {
      test(rule.name, async () => {
        assert.equal(await runRule(rule, asking(server)), rule.differs?.answer ?? expected[rule.name]);
      });
    }
    test('each case leaves nothing behind', async () => {
      const left = await server.get('/apis/networking.k8s.io/v1/ipaddresses');
      assert.deepEqual(left.kind === 'object' && JSON.parse(JSON.stringify(left.body)).items, []);
    });
  });
}

test('each rule has a name of its own and a recorded answer', () => {
  const names = allRules.map(({ name }) => name);
  assert.deepEqual(names, [...new Set(names)]);
  assert.deepEqual(Object.keys(expected), names);
});

test('each difference is told of in the documents', () => {
  for (const { name, differs } of allRules) {
    if (differs !== undefined) assert.ok(differences.includes(name), name);
  }
});
