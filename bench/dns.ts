/**
 * DNS with 10,000 Services and 100,000 endpoints: memory, what a change costs, JavaScript's time per query of each kind,
 * and the CPU of a whole server per query. The answers are checked before the clock starts.
 *
 * Run: `bin/node --expose-gc bench/dns.ts`. `DNSPERF` names dnsperf's binary where it is not on the PATH (without it a
 * small client of our own asks, which says less of latency). `COREDNS` names a built CoreDNS to be asked the same with a
 * Corefile that it is given in `COREFILE`.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { systemClock } from '#base/clock.ts';
import { silentLog } from '#base/log.ts';
import { startDnsServer } from '#dns/dns-server.ts';
import { createForwarder } from '#dns/forward-socket.ts';
import { DnsMetrics, withMetrics } from '#dns/metrics.ts';
import { createResolver, type Resolve } from '#dns/resolver.ts';
import { ask, queryBytes } from '#dns/testing/ask.ts';
import { service, slice } from '#dns/testing/objects.ts';
import { Zone } from '#dns/zone.ts';
import {
  addressOf,
  endpoint,
  ENDPOINTS_EACH,
  namespace,
  serviceName as svc,
  serviceObject,
  SERVICES,
  sliceObject,
} from './dns-cluster.ts';

const http = { name: 'http', protocol: 'TCP', port: 80 };
const QUERIES = 300_000;
const SERVER_SECONDS = 5;
const PORT = 15_353;

function fill(): Zone {
  const zone = new Zone('cluster.local');
  for (let i = 0; i < 100; i++) zone.addNamespace(namespace(i));
  for (let i = 0; i < SERVICES; i++) {
    zone.setService(serviceObject(i));
    zone.setSlice(sliceObject(i));
  }
  return zone;
}

function resolverOf(zone: Zone): Resolve {
  const forwarder = createForwarder({ upstreams: [], clock: systemClock });
  const resolve = createResolver({ zone, forwarder, ownRanges: [], isReady: () => true });
  return withMetrics(resolve, new DnsMetrics(), systemClock);
}

const name = (i: number): number => (i * 7919) % SERVICES;
const kinds: readonly (readonly [string, (i: number) => string, string])[] = [
  ['A of 1000 names', (i) => svc(name(i % 1000)), 'A'],
  ['A of 10000 names', (i) => svc(name(i)), 'A'],
  ['AAAA, no data', (i) => svc(name(i % 1000)), 'AAAA'],
  ['A, mixed case', (i) => svc(name(i % 1000)).toUpperCase(), 'A'],
  ['A headless, 10', (i) => svc(name(i) - (name(i) % 10)), 'A'],
  ['SRV headless, 10', (i) => `_http._tcp.${svc(name(i) - (name(i) % 10))}`, 'SRV'],
  ['A of endpoints', (i) => `pod-${i % 10}.${svc((20 * i) % SERVICES)}`, 'A'],
  [
    'PTR of endpoints',
    (i) =>
      `${endpoint((i * 7919) % 100_000)
        .split('.')
        .toReversed()
        .join('.')}.in-addr.arpa`,
    'PTR',
  ],
  ['NXDOMAIN (search path)', (i) => `www.example-${i}.com.ns-1.svc.cluster.local`, 'A'],
  ['A of Pods', (i) => `${endpoint(i % 100_000).replaceAll('.', '-')}.ns-1.pod.cluster.local`, 'A'],
];

async function checkAnswers(resolve: Resolve): Promise<void> {
  assert.equal(await ask(resolve, `${svc(7)} A`), `NOERROR | ${svc(7)} A ${addressOf(7)}`);
  assert.equal((await ask(resolve, `${svc(20)} A`)).split(' | ').length, 11);
  assert.equal(await ask(resolve, `pod-3.${svc(20)} A`), `NOERROR | pod-3.${svc(20)} A ${endpoint(203)}`);
  assert.match(await ask(resolve, `none.${svc(7)} A`), /^NXDOMAIN \| ! cluster.local SOA/);
  const reverse = `${endpoint(200).split('.').toReversed().join('.')}.in-addr.arpa`;
  assert.equal(await ask(resolve, `${reverse} PTR`), `NOERROR | ${reverse} PTR pod-0.${svc(20)}`);
}

function measureQueries(resolve: Resolve): void {
  for (const [title, nameOf, type] of kinds) {
    const queries = Array.from({ length: 10_000 }, (_, i) => queryBytes(nameOf(i), type, { edns: 1232 }));
    const run = (): number => {
      const start = process.cpuUsage();
      for (let i = 0; i < QUERIES; i++) {
        const query = queries[i % queries.length];
        if (query !== undefined) void resolve(query, 'udp', '10.128.0.1');
      }
      const { user, system } = process.cpuUsage(start);
      return (user + system) / QUERIES;
    };
    run();
    const best = Math.min(run(), run(), run());
    console.log(`  ${title.padEnd(24)} ${best.toFixed(2)} us`);
  }
}

function measureChanges(zone: Zone): void {
  const time = (title: string, count: number, change: (i: number) => void): void => {
    for (let i = 0; i < count; i++) change(i);
    const start = performance.now();
    for (let i = 0; i < count; i++) change(i);
    console.log(`  ${title.padEnd(40)} ${((1000 * (performance.now() - start)) / count).toFixed(1)} us`);
  };
  const services = Array.from({ length: 1000 }, (_, i) => serviceObject(i));
  time('a Service', 1000, (i) => zone.setService(services[i] ?? serviceObject(i)));
  const slices = Array.from({ length: 1000 }, (_, i) => sliceObject(i, 10 - (i % 2)));
  time('a slice of 10', 1000, (i) => zone.setSlice(slices[i] ?? sliceObject(i)));
  zone.setService(service('large', { clusterIP: 'None', clusterIPs: ['None'] }));
  const large = Array.from({ length: 50 }, (_, i) => {
    const endpoints = Array.from({ length: 100 }, (_, n) => ({
      addresses: [`10.200.${i}.${n}`],
      hostname: `l-${i}-${n}`,
    }));
    return slice('large', { ports: [http], endpoints }, `large-${i}`);
  });
  for (const part of large) zone.setSlice(part);
  time('a slice of 100, of a Service of 5000', 1000, (i) => zone.setSlice(large[i % 50] ?? sliceObject(0)));
}

function memory(): void {
  const before = residentMb();
  const zone = fill();
  globalThis.gc?.();
  const after = residentMb();
  const heap = process.memoryUsage().heapUsed / 1e6;
  console.log(
    `resident ${after.toFixed(0)} MB, of which the process without objects ${before.toFixed(0)} MB; heap ${heap.toFixed(0)} MB`,
  );
  console.log('a change:');
  measureChanges(zone);
}

function residentMb(): number {
  globalThis.gc?.();
  return process.memoryUsage.rss() / 1e6;
}

/** With `changes` a second of slices, spread evenly, for as long as it serves. */
async function serve(changes: number): Promise<void> {
  const zone = fill();
  const resolve = resolverOf(zone);
  globalThis.gc?.();
  const listen = { host: '127.0.0.1', port: PORT };
  await startDnsServer({ resolve, listen, clock: systemClock, log: silentLog }).ready;
  process.stdout.write('ready\n');
  if (changes === 0) return;
  for (let i = 0; ;) {
    await systemClock.sleep(10);
    for (const end = i + changes / 100; i < end; i++) zone.setSlice(sliceObject(i % SERVICES, 10 - (i % 2)));
  }
}

async function startServer(changes: number): Promise<ChildProcess> {
  const args = ['--expose-gc', fileURLToPath(import.meta.url), 'serve', `${changes}`];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return child;
}

function residentOf(pid: number): number {
  const kb = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
  return Math.round(Number(kb) / 1000);
}

/** Ticks of 10 ms, user and system. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

async function measureServer(title: string, child: ChildProcess, port: number): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'bench-dns-'));
  const pid = child.pid ?? 0;
  try {
    const file = join(directory, 'queries');
    writeFileSync(file, Array.from({ length: 10_000 }, (_, i) => `${svc(name(i))} A\n`).join(''));
    const resident = residentOf(pid);
    const start = cpuSeconds(pid);
    const answered = dnsperf(file, port) ?? (await ownClient(port));
    const perQuery = ((1e6 * (cpuSeconds(pid) - start)) / answered.count).toFixed(1);
    const rate = Math.round(answered.count / SERVER_SECONDS);
    console.log(`  ${title}: ${perQuery} us of CPU a query, ${rate} q/s (${answered.text})`);
    console.log(`    resident before ${resident} MB, after ${residentOf(pid)} MB`);
  } finally {
    rmSync(directory, { recursive: true });
    child.kill();
    await once(child, 'exit');
  }
}

interface Answered {
  readonly count: number;
  readonly text: string;
}

function dnsperf(file: string, port: number): Answered | undefined {
  const program = process.env['DNSPERF'] ?? 'dnsperf';
  const args = ['-s', '127.0.0.1', '-p', `${port}`, '-d', file, '-l', `${SERVER_SECONDS}`, '-c', '8', '-q', '100'];
  const { stdout, status } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) return undefined;
  const figure = (label: string): string => new RegExp(`${label}:\\s+(.*)`).exec(stdout)?.[1] ?? '?';
  const text = `lost ${figure('Queries lost')}, latency s ${figure('Average Latency \\(s\\)')}`;
  return { count: Number.parseInt(figure('Queries completed'), 10), text };
}

async function ownClient(port: number): Promise<Answered> {
  const socket = createSocket('udp4');
  const queries = Array.from({ length: 1000 }, (_, i) => queryBytes(svc(name(i))));
  let count = 0;
  let sent = 0;
  const end = performance.now() + 1000 * SERVER_SECONDS;
  const send = (): void => {
    const query = queries[sent++ % queries.length];
    if (query !== undefined && performance.now() < end) socket.send(query, port, '127.0.0.1');
  };
  socket.on('message', () => {
    count++;
    send();
  });
  for (let i = 0; i < 100; i++) send();
  await systemClock.sleep(1000 * SERVER_SECONDS + 100);
  socket.close();
  return { count, text: 'by a client of our own' };
}

if (process.argv[2] === 'serve') await serve(Number(process.argv[3]));
else {
  console.log(`${cpus()[0]?.model ?? ''}, Linux ${release()}, Node ${process.version}`);
  console.log(`${SERVICES} Services, ${SERVICES * ENDPOINTS_EACH} endpoints`);
  memory();
  const resolve = resolverOf(fill());
  await checkAnswers(resolve);
  console.log(`JavaScript a query, with counting (best of 3 times ${QUERIES}):`);
  measureQueries(resolve);
  console.log('a server over UDP:');
  await measureServer('clusterip', await startServer(0), PORT);
  await measureServer('clusterip, 1000 changes/s', await startServer(1000), PORT);
  const coredns = process.env['COREDNS'];
  if (coredns !== undefined) {
    const args = ['-conf', process.env['COREFILE'] ?? 'Corefile', '-dns.port', `${PORT + 1}`];
    const other = spawn(coredns, args, { stdio: 'ignore' });
    await systemClock.sleep(8000);
    await measureServer('CoreDNS', other, PORT + 1);
  }
}
