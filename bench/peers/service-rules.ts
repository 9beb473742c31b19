/**
 * Runs the table of rules about Services against a real kube-apiserver and prints where it says something else than
 * `expected.json`, and where we do. `--record` writes what it says into that file.
 * Run: `bench/peers/build.sh kube-apiserver`, then `bin/node bench/peers/service-rules.ts [--record] [WORD ...]`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { allRules } from '../../src/apiserver/services/rules/all-rules.ts';
import { RULE_RANGES, runRule, type RuleCase, type RuleCluster } from '../../src/apiserver/services/rules/rule-case.ts';
import { askOf, startOwnServer } from './own-server.ts';
import { KubeApiServer, peerMissing } from './kube-apiserver.ts';

const EXPECTED = new URL('../../src/apiserver/services/rules/expected.json', import.meta.url);

const missing = peerMissing();
if (missing !== undefined) {
  console.error(missing);
  process.exit(1);
}
const record = process.argv.includes('--record');
const words = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const chosen = allRules.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)));

const expected = JSON.parse(readFileSync(EXPECTED, 'utf8')) as Record<string, string>;
let differences = 0;

function tell(name: string, ...sides: readonly (readonly [string, string])[]): void {
  differences += 1;
  console.log(`\n${name}`);
  for (const [side, text] of sides) console.log(`  ${side.padEnd(9)} ${text.replaceAll('\n', ' | ')}`);
}

async function runAll(cluster: RuleCluster, rules: readonly RuleCase[]): Promise<void> {
  if (rules.length === 0) return;
  await using theirs = await KubeApiServer.start(RULE_RANGES[cluster]);
  await using ours = await startOwnServer(RULE_RANGES[cluster]);
  for (const rule of rules) {
    const said = await runRule(rule, theirs.ask);
    await theirs.forgetAddresses();
    const saidHere = await runRule(rule, askOf(ours));
    if (record) expected[rule.name] = said;
    else if (said !== expected[rule.name])
      tell(rule.name, ['upstream', said], ['recorded', expected[rule.name] ?? '-']);
    if (saidHere !== (rule.differs?.answer ?? said)) tell(rule.name, ['upstream', said], ['ours', saidHere]);
  }
}

for (const cluster of Object.keys(RULE_RANGES) as RuleCluster[]) {
  await runAll(
    cluster,
    chosen.filter((rule) => (rule.cluster ?? 'ipv4') === cluster),
  );
}
if (record) {
  const ordered = Object.fromEntries(allRules.map(({ name }) => [name, expected[name] ?? '']));
  writeFileSync(EXPECTED, `${JSON.stringify(ordered, undefined, 2)}\n`);
}
console.log(`\n${chosen.length} rules, ${differences} differences that are not on purpose`);
