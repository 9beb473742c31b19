/**
 * DNS servers beside each other on the same names: ours and CoreDNS on the same large cluster with the same Corefile, knot
 * and unbound (where they are installed) with a zone of the same names. Answers are checked before anything is timed.
 * Run: `bench/peers/build.sh coredns`, then `bin/node bench/peers/dns.ts`. Needs dnsperf; about two minutes.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../src/base/clock.ts';
import { queryBytes, responseText } from '../../src/dns/testing/ask.ts';
import { addressOf, isHeadless, serviceName, SERVICES } from '../dns-cluster.ts';
import { CoreDns, corednsMissing } from './coredns.ts';

const SECONDS = 4;
const ROUNDS = 3;
const root = fileURLToPath(new URL('../..', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'bench-dns-'));
const children: ChildProcess[] = [];
const names = Array.from({ length: SERVICES }, (_, i) => (i * 7919) % SERVICES).filter((i) => !isHeadless(i));
const queries = join(directory, 'queries');

interface Server {
  readonly name: string;
  readonly port: number;
  readonly pid: number;
}

function start(program: string, args: readonly string[], stdin: 'pipe' | 'ignore' = 'ignore'): ChildProcess {
  const child = spawn(program, args, { stdio: [stdin, 'pipe', 'inherit'] });
  children.push(child);
  return child;
}

const has = (program: string): boolean => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;

async function ask(port: number, name: string): Promise<string> {
  const socket = createSocket('udp4');
  try {
    const message = once(socket, 'message', { signal: AbortSignal.timeout(200) }) as Promise<[Buffer]>;
    socket.on('error', () => {});
    socket.send(queryBytes(name), port, '127.0.0.1');
    return responseText((await message)[0]).replace(' -aa', '');
  } catch {
    return 'nothing';
  } finally {
    socket.close();
  }
}

/** Until it answers, and then rightly. */
async function checked(server: Server): Promise<Server> {
  const wanted = (i: number): string => `NOERROR | ${serviceName(i)} A ${addressOf(i)}`;
  for (let tries = 0; (await ask(server.port, serviceName(7))) !== wanted(7); tries++) {
    assert.ok(tries < 600, `${server.name} does not answer`);
    await systemClock.sleep(100);
  }
  for (const i of names.slice(0, 200)) assert.equal(await ask(server.port, serviceName(i)), wanted(i), server.name);
  return server;
}

const corefile = (port: number, endpoint: string): string => `.:${port} {
  bind 127.0.0.1
  errors
  kubernetes cluster.local in-addr.arpa ip6.arpa {
    ${endpoint}
    pods insecure
    fallthrough in-addr.arpa ip6.arpa
    ttl 30
  }
  forward . 127.0.0.1:9
  cache 30 {
    disable success cluster.local
    disable denial cluster.local
  }
  loop
  loadbalance
}
`;

async function startOurs(port: number, url: string): Promise<Server> {
  const file = join(directory, 'Corefile');
  writeFileSync(file, corefile(port, `endpoint ${url}`).replace('  loop\n', ''));
  // Sources that were changed are stripped and compiled by the first start, which takes memory of its own.
  spawnSync(join(root, 'bin/clusterip'), ['dns', '--corefile', file, '--check']);
  const child = start(join(root, 'bin/clusterip'), ['dns', '--corefile', file]);
  return checked({ name: 'clusterip dns', port, pid: child.pid ?? 0 });
}

function startKnot(port: number): Server {
  const records = names.map((i) => `${serviceName(i)}. 30 IN A ${addressOf(i)}`).join('\n');
  const zone = 'cluster.local. 30 IN SOA ns.dns.cluster.local. hostmaster.cluster.local. 1 7200 1800 86400 30';
  writeFileSync(join(directory, 'zone'), `${zone}\ncluster.local. 30 IN NS ns.dns.cluster.local.\n${records}\n`);
  const config = `server:
    listen: 127.0.0.1@${port}
    udp-workers: 1
    rundir: "${directory}"
database:
    storage: "${directory}"
zone:
  - domain: cluster.local
    file: "${directory}/zone"
`;
  writeFileSync(join(directory, 'knot.conf'), config);
  const child = start('knotd', ['-c', join(directory, 'knot.conf')]);
  return { name: 'knot', port, pid: child.pid ?? 0 };
}

function startUnbound(port: number): Server {
  const records = names.map((i) => `  local-data: "${serviceName(i)}. 30 IN A ${addressOf(i)}"`).join('\n');
  const config = `server:
  interface: 127.0.0.1@${port}
  num-threads: 1
  do-daemonize: no
  use-syslog: no
  username: ""
  chroot: ""
  pidfile: ""
  local-zone: "cluster.local." static
${records}
remote-control:
  control-enable: no
`;
  writeFileSync(join(directory, 'unbound.conf'), config);
  const child = start('unbound', ['-d', '-c', join(directory, 'unbound.conf')]);
  return { name: 'unbound', port, pid: child.pid ?? 0 };
}

/** Ticks of 10 ms, user and system, of all threads. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function residentMb({ pid }: Server): number {
  const kb = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
  return Math.round(Number(kb) / 1000);
}

interface Measured {
  readonly perSecond: number;
  readonly cpuMicros: number;
  readonly lost: number;
}

async function perf(port: number, ...more: readonly string[]): Promise<string> {
  const args = ['-s', '127.0.0.1', '-p', `${port}`, '-d', queries, '-l', `${SECONDS}`, ...more];
  const child = spawn('dnsperf', args, { stdio: ['ignore', 'pipe', 'ignore'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  await once(child, 'close');
  return output;
}

async function load(server: Server): Promise<Measured> {
  const before = cpuSeconds(server.pid);
  const output = await perf(server.port, '-c', '8', '-q', '100');
  const cpu = cpuSeconds(server.pid) - before;
  const figure = (label: string): number => Number(new RegExp(`${label}:\\s+([\\d.]+)`).exec(output)?.[1]);
  const completed = figure('Queries completed');
  return {
    perSecond: figure('Queries per second'),
    cpuMicros: (1e6 * cpu) / completed,
    lost: figure('Queries lost'),
  };
}

/** Milliseconds; 99 of 100 queries took no longer, at a rate of so many a second. */
async function p99(server: Server, rate: number): Promise<number> {
  const output = await perf(server.port, '-c', '8', '-Q', `${Math.round(rate)}`, '-v');
  const times = [...output.matchAll(/^> NOERROR \S+ \S+ ([\d.]+)$/gm)].map(([, seconds]) => 1000 * Number(seconds));
  times.sort((a, b) => a - b);
  return times[Math.floor(times.length * 0.99)] ?? Number.NaN;
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;

/** From the change of a slice to the answer with it, the name having been asked for just before; milliseconds. */
async function changeToAnswer(server: Server, api: ChildProcess): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < 20; i++) {
    const service = 10 * (i + 100);
    const count = (answer: string): number => answer.split(' | ').length - 1;
    await ask(server.port, serviceName(service));
    const begin = performance.now();
    api.stdin?.write(`one ${service} 3\n`);
    while (count(await ask(server.port, serviceName(service))) !== 3) {
      if (performance.now() - begin > 60_000) return Number.POSITIVE_INFINITY;
    }
    times.push(performance.now() - begin);
  }
  return median(times);
}

async function compare(servers: readonly Server[], api: ChildProcess): Promise<void> {
  const all = new Map(servers.map((server) => [server, [] as Measured[]]));
  for (let round = 0; round < ROUNDS; round++) {
    // In turn: what else goes on here then hits all of them.
    for (const [server, measured] of all) measured.push(await load(server));
  }
  const cpu = (server: Server | undefined): number =>
    median((server === undefined ? [] : (all.get(server) ?? [])).map(({ cpuMicros }) => cpuMicros));
  const [ours, coredns] = servers;
  assert.ok(ours !== undefined && coredns !== undefined);
  for (const [server, measured] of all) {
    const rate = Math.round(median(measured.map(({ perSecond }) => perSecond)));
    const lost = measured.reduce((sum, one) => sum + one.lost, 0);
    const ratio = (cpu(ours) / cpu(server)).toFixed(2);
    console.log(
      `  ${server.name.padEnd(14)} ${cpu(server).toFixed(1)} us of CPU a query (ours is ${ratio} of it), ` +
        `${rate} q/s, lost ${lost}, resident ${residentMb(server)} MB`,
    );
  }
  const peak = median((all.get(coredns) ?? []).map(({ perSecond }) => perSecond));
  for (const server of [ours, coredns]) {
    const times: number[] = [];
    for (let round = 0; round < ROUNDS; round++) times.push(await p99(server, peak / 2));
    console.log(`  ${server.name.padEnd(14)} p99 at ${Math.round(peak / 2)} q/s: ${median(times).toFixed(2)} ms`);
  }
  for (const server of [ours, coredns]) {
    const ms = await changeToAnswer(server, api);
    console.log(`  ${server.name.padEnd(14)} change of a slice to the answer with it: ${ms.toFixed(1)} ms`);
  }
}

const missing = corednsMissing() ?? (has('dnsperf') ? undefined : 'no dnsperf on PATH');
if (missing !== undefined) {
  console.error(missing);
  process.exit(1);
}
try {
  writeFileSync(queries, names.map((i) => `${serviceName(i)} A\n`).join(''));
  const api = start(process.execPath, [fileURLToPath(new URL('dns-api-main.ts', import.meta.url))], 'pipe');
  const [line] = (await once(api.stdout as NonNullable<typeof api.stdout>, 'data')) as [Buffer];
  const url = line.toString().trim();
  const begin = performance.now();
  const ours = await startOurs(15_401, url);
  console.log(
    `${SERVICES} Services, ${10 * SERVICES} endpoints; ours answers after ${Math.round(performance.now() - begin)} ms`,
  );
  console.log(`  ${ours.name.padEnd(14)} resident ${residentMb(ours)} MB before the first query`);
  await using coredns = new CoreDns(corefile(15_402, `endpoint ${url}`).replace('  loop\n', ''));
  const theirs = await checked({ name: 'CoreDNS', port: 15_402, pid: coredns.pid });
  const others = [
    ...(has('knotd') ? [await checked(startKnot(15_403))] : []),
    ...(has('unbound') ? [await checked(startUnbound(15_404))] : []),
  ];
  await compare([ours, theirs, ...others], api);
} finally {
  for (const child of children) child.kill('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
}
process.exit(0);
