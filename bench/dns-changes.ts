/**
 * What 1,000 changes a second cost `clusterip dns`: a cluster of 10,000 Services, of which slices are changed over a watch while
 * dnsperf asks. The server has a core of its own; the load and the changes, which are made beforehand, share another, so that the
 * server is not the one that waits: what its core has left beside the changes is what it can answer with.
 * Run: `bin/node bench/dns-changes.ts [ROUNDS]`. Needs dnsperf, taskset and two cores.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { queryBytes, responseText } from '../src/dns/testing/ask.ts';
import { addressOf, isHeadless, serviceName, SERVICES } from './dns-cluster.ts';

const SECONDS = 4;
const RATE = 1000;
const PORT = 15_411;
const rounds = Number(process.argv[2] ?? 5);
const root = fileURLToPath(new URL('..', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'bench-dns-'));
const queries = join(directory, 'queries');
const children: ChildProcess[] = [];

function start(core: number, program: string, args: readonly string[]): ChildProcess {
  const child = spawn('taskset', ['-c', `${core}`, program, ...args], { stdio: ['pipe', 'pipe', 'ignore'] });
  children.push(child);
  return child;
}

async function ask(name: string): Promise<string> {
  const socket = createSocket('udp4');
  try {
    const message = once(socket, 'message', { signal: AbortSignal.timeout(200) }) as Promise<[Buffer]>;
    socket.on('error', () => {});
    socket.send(queryBytes(name), PORT, '127.0.0.1');
    return responseText((await message)[0]);
  } catch {
    return 'nothing';
  } finally {
    socket.close();
  }
}

async function until(fits: (answer: string) => boolean, name: string): Promise<void> {
  for (let tries = 0; !fits(await ask(name)); tries++) {
    assert.ok(tries < 600, `${name} is not answered rightly`);
    await setTimeout(50);
  }
}

/** Of all threads, in ticks of 10 ms. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

interface Measured {
  readonly cpuMicros: number;
  readonly perSecond: number;
  readonly busy: number;
}

async function load(pid: number): Promise<Measured> {
  const args = ['-s', '127.0.0.1', '-p', `${PORT}`, '-d', queries, '-l', `${SECONDS}`, '-c', '8', '-q', '100'];
  const before = cpuSeconds(pid);
  const child = start(1, 'dnsperf', args);
  let output = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (output += text));
  await once(child, 'close');
  const cpu = cpuSeconds(pid) - before;
  const figure = (label: string): number => Number(new RegExp(`${label}:\\s+([\\d.]+)`).exec(output)?.[1]);
  assert.ok(figure('Queries lost') < 100, output);
  const completed = figure('Queries completed');
  return { cpuMicros: (1e6 * cpu) / completed, perSecond: figure('Queries per second'), busy: cpu / SECONDS };
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;

function report(what: string, all: readonly Measured[]): void {
  const of = (key: keyof Measured): number => median(all.map((one) => one[key]));
  console.log(
    `  ${what.padEnd(20)} ${of('cpuMicros').toFixed(2)} us of CPU a query, ${Math.round(of('perSecond'))} q/s, ` +
      `its core busy ${(100 * of('busy')).toFixed(0)}%`,
  );
}

const missing = ['dnsperf', 'taskset'].find((name) => spawnSync('sh', ['-c', `command -v ${name}`]).status !== 0);
if (missing !== undefined || cpus().length < 2) {
  console.error(missing === undefined ? 'two cores are needed' : `no ${missing} on PATH`);
  process.exit(1);
}
try {
  const names = Array.from({ length: SERVICES }, (_, i) => (i * 7919) % SERVICES).filter((i) => !isHeadless(i));
  writeFileSync(queries, names.map((i) => `${serviceName(i)} A\n`).join(''));
  const api = start(1, process.execPath, [fileURLToPath(new URL('peers/dns-api-main.ts', import.meta.url))]);
  const lines = createInterface({ input: api.stdout as NonNullable<typeof api.stdout> })[Symbol.asyncIterator]();
  const line = async (): Promise<string> => String((await lines.next()).value);
  const changes = async (rate: number): Promise<number> => {
    api.stdin?.write(`rate ${rate}\n`);
    return Number(await line());
  };
  const url = await line();
  const corefile = `.:${PORT} {\n bind 127.0.0.1\n kubernetes cluster.local {\n endpoint ${url}\n }\n}\n`;
  writeFileSync(join(directory, 'Corefile'), corefile);
  const { pid = 0 } = start(0, join(root, 'bin/clusterip'), ['dns', '--corefile', join(directory, 'Corefile')]);
  for (const i of names.slice(0, 100)) {
    await until((answer) => answer.endsWith(`${serviceName(i)} A ${addressOf(i)}`), serviceName(i));
  }
  await load(pid);
  const still: Measured[] = [];
  const changing: Measured[] = [];
  let count = 0;
  for (let round = 0; round < rounds; round++) {
    still.push(await load(pid));
    const before = await changes(RATE);
    changing.push(await load(pid));
    count += (await changes(0)) - before;
    // Comes after all others: whoever answers with it has followed all of them.
    api.stdin?.write(`one 0 ${3 + (round % 2)}\n`);
    await until((answer) => answer.split(' | ').length - 1 === 3 + (round % 2), serviceName(0));
  }
  console.log(`${SERVICES} Services, ${rounds} rounds; ${Math.round(count / rounds / SECONDS)} changes a second`);
  report('without changes', still);
  report('with changes', changing);
  const perQuery = median(still.map(({ cpuMicros }) => cpuMicros));
  const shares = changing.map(({ busy, perSecond }) => busy - (perSecond * perQuery) / 1e6);
  console.log(`  the changes take ${(100 * median(shares)).toFixed(1)}% of its core, so the rate that it`);
  console.log(`  can answer is ${(1 - median(shares)).toFixed(2)} of that without   aim > 0.9`);
} finally {
  for (const child of children) child.kill('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
}
process.exit(0);
