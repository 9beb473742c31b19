/**
 * How fast Services come into the kernel: a full load from nothing, a restart with nothing to change, and one endpoint
 * change with 100 and with 10,000 Services; beside `nft -f -` doing the same change where nft is installed.
 *
 *     node bench/proxy.ts [largest number of services, default 10000]
 */
import { spawnSync } from 'node:child_process';
import process from 'node:process';
import type { EndpointSlice, Service } from '#api/generated/types.ts';
import { parseCidr } from '#base/cidr.ts';
import { systemClock } from '#base/clock.ts';
import { silentLog } from '#base/log.ts';
import { isolateTestFile } from '#netlink/isolated-test.ts';
import { encodeKey } from '#nftables/key.ts';
import { NftablesSocket } from '#nftables/nftables-socket.ts';
import { layoutOf } from '#nftables/table.ts';
import { ruleset } from '#proxy/ruleset.ts';
import { Proxy, type ObjectChange } from '#proxy/sync.ts';

isolateTestFile();

const BACKENDS = 10;
const CHANGES = 2000;
const NFT_CHANGES = 10;
const CHECKED_AT_ONCE = 1000;
const largest = Number(process.argv[2] ?? 10_000);
const cidr = parseCidr('10.96.0.0/12');
if (cidr === undefined) throw new RangeError('Cannot parse the service range');

function address(first: number, second: number, index: number): string {
  return `${first}.${second + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`;
}

function metadata(name: string, labels: Readonly<Record<string, string>> = {}): Service['metadata'] {
  return {
    name,
    namespace: 'bench',
    uid: name,
    resourceVersion: '1',
    creationTimestamp: '2026-01-01T00:00:00Z',
    labels,
  };
}

function service(index: number): Service {
  const clusterIP = address(10, 96, index + 256);
  const spec = { clusterIP, clusterIPs: [clusterIP], type: 'ClusterIP', ports: [{ port: 80 }] };
  return { apiVersion: 'v1', kind: 'Service', metadata: metadata(`svc-${index}`), spec, status: {} };
}

function slice(index: number, backends: number): EndpointSlice {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: metadata(`svc-${index}-1`, { 'kubernetes.io/service-name': `svc-${index}` }),
    addressType: 'IPv4',
    ports: [{ port: 8080 }],
    endpoints: Array.from({ length: backends }, (_, i) => ({
      addresses: [address(11, 0, index * BACKENDS + i)],
      conditions: { ready: true, serving: true, terminating: false },
      nodeName: `node-${i}`,
    })),
  };
}

function createProxy(socket: NftablesSocket): Proxy {
  const log = {
    ...silentLog,
    error: (message: string, fields?: Readonly<Record<string, unknown>>): never => {
      throw new Error(`${message} ${JSON.stringify(fields)}`);
    },
  };
  return new Proxy({
    nodeName: 'node-0',
    socket,
    serviceCidrs: cidr === undefined ? [] : [cidr],
    clock: systemClock,
    log,
  });
}

function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;
}

function time(work: () => void): number {
  const start = performance.now();
  work();
  return performance.now() - start;
}

/** The numbers are worth nothing when the kernel has something else than what was asked for. */
function check(socket: NftablesSocket, services: number): void {
  for (const set of ['services', 'addresses', 'hairpin']) {
    let count = 0;
    socket.visitElements('ip', 'clusterip', set, () => ++count > 0);
    if (count !== services) throw new Error(`${set} has ${count} elements, not ${services}`);
  }
  const { endpoints } = ruleset(4).planes.address.sets;
  for (let first = 0; first < services; first += CHECKED_AT_ONCE) {
    const indexes = Array.from({ length: Math.min(CHECKED_AT_ONCE, services - first) }, (_, i) => first + i);
    const keys = indexes.flatMap((index) =>
      Array.from({ length: BACKENDS }, (_, slot) =>
        encodeKey(layoutOf(endpoints.key), [service(index).spec?.clusterIP ?? '', 'tcp', '80', String(slot)]),
      ),
    );
    const found = socket.lookUp('ip', 'clusterip', endpoints.name, keys);
    if (found.includes(undefined)) throw new Error(`endpoints lacks some of Services ${first} to ${indexes.at(-1)}`);
  }
}

/** What one change does, in nft's words: the last backend leaves, or comes back. */
function nftChange(index: number, isAdded: boolean): string {
  const key = `${service(index).spec?.clusterIP} . tcp . 80`;
  const last = BACKENDS - 1;
  const slot = `${key} . ${last}`;
  const count = (backends: number): string => `6b70:${backends.toString(16)}`;
  const backend = `${address(11, 0, index * BACKENDS + last)} . 8080`;
  const [before, after] = isAdded ? [last, BACKENDS] : [BACKENDS, last];
  return [
    `delete element ip clusterip services { ${key} }`,
    isAdded
      ? `add element ip clusterip endpoints { ${slot} : ${backend} }`
      : `delete element ip clusterip endpoints { ${slot} }`,
    `add element ip clusterip services { ${key} : ${count(after)} }`,
    `# ${before}`,
    '',
  ].join('\n');
}

function nft(input: string): boolean {
  const result = spawnSync('nft', ['-f', '-'], { input, encoding: 'utf8' });
  if (result.error !== undefined) return false;
  if (result.status !== 0) throw new Error(result.stderr);
  return true;
}

function set(object: Service | EndpointSlice): ObjectChange {
  return { kind: 'set', object };
}

interface Load {
  readonly ms: number;
  /** Processor time, that of collecting garbage beside the main thread included. */
  readonly cpuMs: number;
}

/** Takes all objects in and programs them. Objects are made outside of the time, and not kept, as informers do. */
function load(proxy: Proxy, services: number): Load {
  let [ms, cpuMs] = [0, 0];
  const measured = (work: () => void): void => {
    const before = process.cpuUsage();
    ms += time(work);
    const { user, system } = process.cpuUsage(before);
    cpuMs += (user + system) / 1000;
  };
  for (let first = 0; first < services; first += CHECKED_AT_ONCE) {
    const indexes = Array.from({ length: Math.min(CHECKED_AT_ONCE, services - first) }, (_, i) => first + i);
    const objects = indexes.flatMap((index) => [set(service(index)), set(slice(index, BACKENDS))]);
    measured(() => {
      for (const object of objects) proxy.note(object);
    });
  }
  measured(() => proxy.start());
  return { ms, cpuMs };
}

/** By a proxy that is gone afterwards: the one that follows shares no memory with it where it is another process. */
function loadFirst(socket: NftablesSocket, services: number): Load {
  using proxy = createProxy(socket);
  return load(proxy, services);
}

interface Result {
  readonly services: number;
  readonly full: Load;
  readonly restart: Load;
  readonly p50: number;
  readonly p99: number;
  readonly nftMs: number | undefined;
}

function measure(services: number): Result {
  using socket = NftablesSocket.open();
  const full = loadFirst(socket, services);
  check(socket, services);
  using again = createProxy(socket);
  const restart = load(again, services);
  check(socket, services);

  const changes = Array.from({ length: CHANGES }, (_, i) => set(slice((i >> 1) % services, BACKENDS - 1 + (i & 1))));
  const times = changes.map((change) => time(() => again.apply([change]))).sort((a, b) => a - b);
  check(socket, services);
  const nftTimes = [];
  for (let i = 0; i < NFT_CHANGES; i++) {
    let isThere = true;
    nftTimes.push(time(() => (isThere = nft(nftChange(i >> 1, (i & 1) === 1)))));
    if (!isThere) break;
  }
  if (nftTimes.length === NFT_CHANGES) check(socket, services);
  nftTimes.sort((a, b) => a - b);
  const nftMs = nftTimes.length === NFT_CHANGES ? quantile(nftTimes, 0.5) : undefined;
  socket.commit({ kind: 'transaction', family: 'ip', table: 'clusterip', operations: [{ kind: 'delete-table' }] });
  return { services, full, restart, p50: quantile(times, 0.5), p99: quantile(times, 0.99), nftMs };
}

measure(100);
const rows = [100, 1000, 10_000, 100_000].filter((services) => services <= largest).map(measure);
console.log(
  `services x ${BACKENDS} | full load | CPU for it | restart | CPU for it | change p50 | p99 | nft -f - | ratio`,
);
for (const row of rows) {
  const ms = (value: number): string => `${value.toFixed(value < 10 ? 3 : 0)} ms`;
  const nftText =
    row.nftMs === undefined ? 'not installed | -' : `${ms(row.nftMs)} | ${(row.nftMs / row.p50).toFixed(0)}x`;
  console.log(
    `${row.services} | ${ms(row.full.ms)} | ${ms(row.full.cpuMs)} | ${ms(row.restart.ms)} | ${ms(row.restart.cpuMs)} | ${ms(row.p50)} | ${ms(row.p99)} | ${nftText}`,
  );
}
