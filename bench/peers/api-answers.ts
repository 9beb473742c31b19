/**
 * Runs the table of requests of all kinds against a real kube-apiserver and prints where it says something else than
 * `expected.json`, and where we do. `--record` writes what it says into that file.
 * Run: `bench/peers/build.sh kube-apiserver`, then `bin/node bench/peers/api-answers.ts [--record] [WORD ...]`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { allAnswers } from '../../src/apiserver/answers/all-answers.ts';
import { runAnswer } from '../../src/apiserver/answers/answer-case.ts';
import { systemClock } from '../../src/base/clock.ts';
import { KubeApiServer, peerMissing } from './kube-apiserver.ts';
import { askOf, startOwnServer } from './own-server.ts';

const EXPECTED = new URL('../../src/apiserver/answers/expected.json', import.meta.url);
const RANGES = ['10.96.0.0/16'];

const missing = peerMissing();
if (missing !== undefined) {
  console.error(missing);
  process.exit(1);
}
const record = process.argv.includes('--record');
const words = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const chosen = allAnswers.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)));
const expected = JSON.parse(readFileSync(EXPECTED, 'utf8')) as Record<string, string>;
const sleep = (ms: number): Promise<void> => systemClock.sleep(ms);
let differences = 0;

function tell(name: string, ...sides: readonly (readonly [string, string])[]): void {
  differences += 1;
  console.log(`\n${name}`);
  for (const [side, text] of sides) console.log(`  ${side.padEnd(9)} ${text}`);
}

await using theirs = await KubeApiServer.start(RANGES);
await using ours = await startOwnServer(RANGES);
// No controller makes it there.
const account = { metadata: { name: 'default' } };
await theirs.ask({ method: 'POST', path: '/api/v1/namespaces/default/serviceaccounts', body: account });
for (const one of chosen) {
  const said = await runAnswer(one, { ask: theirs.ask, sleep });
  const saidHere = await runAnswer(one, { ask: askOf(ours), sleep });
  if (record) expected[one.name] = said;
  else if (said !== expected[one.name]) tell(one.name, ['upstream', said], ['recorded', expected[one.name] ?? '-']);
  if (saidHere !== (one.differs?.answer ?? said)) tell(one.name, ['upstream', said], ['ours', saidHere]);
}
if (record) {
  const ordered = Object.fromEntries(allAnswers.map(({ name }) => [name, expected[name] ?? '']));
  writeFileSync(EXPECTED, `${JSON.stringify(ordered, undefined, 2)}\n`);
}
console.log(`\n${chosen.length} cases, ${differences} differences that are not on purpose`);
