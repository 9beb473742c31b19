/**
 * Asks CoreDNS and us the same questions of the same cluster with the same Corefiles, and prints where the answers differ
 * from what is recorded and from each other. `--record` writes what CoreDNS says into `src/dns/comparison/expected.json`,
 * which our own test goes by.
 * Run: `bench/peers/build.sh coredns`, then `bin/node bench/peers/dns-answers.ts [--record]`.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { CLUSTER } from '../../src/dns/comparison/cluster-objects.ts';
import { wantedAnswer } from '../../src/dns/comparison/differences.ts';
import { sayOutside } from '../../src/dns/comparison/outside-names.ts';
import { classOf, filledCorefile, inOrder, ownAnswers, type Places } from '../../src/dns/comparison/own-answers.ts';
import { type Comparison, COMPARISONS } from '../../src/dns/comparison/questions.ts';
import { queryBytes, responseText } from '../../src/dns/testing/ask.ts';
import { staticApi } from '../../src/dns/testing/static-api.ts';
import { upstreamServer } from '../../src/dns/testing/upstream-server.ts';
import { CoreDns, corednsMissing } from './coredns.ts';

const EXPECTED = new URL('../../src/dns/comparison/expected.json', import.meta.url);
const PORT = 15_399;

const missing = corednsMissing();
if (missing !== undefined) {
  console.error(missing);
  process.exit(1);
}

async function askOver(port: number, question: string): Promise<string> {
  const [name = '', type = 'A'] = question.split(' ');
  const socket = createSocket('udp4');
  try {
    const message = once(socket, 'message') as Promise<[Buffer]>;
    socket.send(queryBytes(name, type, { ...classOf(question), edns: 4096 }), port, '127.0.0.1');
    return inOrder(responseText((await message)[0]));
  } finally {
    socket.close();
  }
}

async function theirAnswers({ corefile, questions }: Comparison, places: Places): Promise<readonly string[]> {
  await using server = new CoreDns(filledCorefile(corefile, places));
  await server.ready();
  const answers: string[] = [];
  for (const question of questions) answers.push(await askOver(places.port, question));
  return answers;
}

const record = process.argv.includes('--record');
const expected: Record<string, Record<string, string>> = record
  ? {}
  : (JSON.parse(readFileSync(EXPECTED, 'utf8')) as Record<string, Record<string, string>>);
await using api = await staticApi({ ...CLUSTER });
await using upstream = await upstreamServer(sayOutside);
const places = { port: PORT, endpoint: api.url, upstream: upstream.address };
let differences = 0;
let asked = 0;
for (const comparison of COMPARISONS) {
  const theirs = await theirAnswers(comparison, places);
  const ours = await ownAnswers(comparison, places);
  const recorded = (expected[comparison.name] ??= {});
  for (const [i, question] of comparison.questions.entries()) {
    asked++;
    const said = theirs[i] ?? '';
    if (record) recorded[question] = said;
    else if (recorded[question] !== said)
      console.log(`${question}\n  recorded ${recorded[question]}\n  CoreDNS  ${said}`);
    if (ours[i] === inOrder(wantedAnswer(said, question, comparison.name))) continue;
    differences++;
    console.log(`${comparison.name}: ${question}\n  CoreDNS  ${said}\n  ours     ${ours[i]}`);
  }
}
if (record) writeFileSync(EXPECTED, `${JSON.stringify(expected, undefined, 2)}\n`);
console.log(`\n${asked} questions, ${differences} differences that are not on purpose`);
