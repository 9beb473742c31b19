import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { allRules } from '../../src/apiserver/services/rules/all-rules.ts';
import { RULE_RANGES, runRule, type RuleCluster } from '../../src/apiserver/services/rules/rule-case.ts';
import { KubeApiServer, peerMissing } from './kube-apiserver.ts';

const EXPECTED = new URL('../../src/apiserver/services/rules/expected.json', import.meta.url);
const missing = peerMissing();

for (const cluster of Object.keys(RULE_RANGES) as RuleCluster[]) {
  test(`a real kube-apiserver answers as recorded: ${cluster}`, { skip: missing ?? false }, async () => {
    const expected = JSON.parse(readFileSync(EXPECTED, 'utf8')) as Record<string, string>;
    await using peer = await KubeApiServer.start(RULE_RANGES[cluster]);
    for (const rule of allRules.filter((one) => (one.cluster ?? 'ipv4') === cluster)) {
      assert.equal(await runRule(rule, peer.ask), expected[rule.name], rule.name);
      await peer.forgetAddresses();
    }
  });
}
