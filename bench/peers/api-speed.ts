/**
 * The API server under load, ours and a real kube-apiserver on etcd one after the other, over HTTP/2 with one client: creates,
 * gets, lists, an update that 1,000 watchers see, and memory with all of it stored. Both sync what they write.
 * Run: `bin/node bench/peers/api-speed.ts [SERVICES] [PODS]`, by default 10000 and 30000: some minutes.
 */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { systemClock } from '../../src/base/clock.ts';
import { type Access, BenchClient } from './http2-client.ts';
import { KubeApiServer, peerMissing } from './kube-apiserver.ts';

const RANGE = '10.96.0.0/12';
const SERVICES = Number(process.argv[2] ?? 10_000);
const PODS = Number(process.argv[3] ?? 30_000);
const LISTED = Math.min(10_000, PODS);
const GETS = 10_000;
const WATCHERS = 1_000;
const UPDATES = 20;
const LISTS = 5;
const CONCURRENCY = 64;
const ROOT = '/api/v1/namespaces/default';

interface Side extends AsyncDisposable {
  readonly name: string;
  readonly access: Access;
  /** Resident memory of all its processes, MB. */
  memory(): number;
}

type Figures = Readonly<Record<string, number>>;

function residentMb(pids: readonly number[]): number {
  const kb = pids.map((pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0));
  return kb.reduce((sum, one) => sum + one, 0) / 1_024;
}

async function startOurs(): Promise<Side> {
  const directory = mkdtempSync(join(tmpdir(), 'bench-api-'));
  const main = new URL('own-api-main.ts', import.meta.url).pathname;
  const child: ChildProcess = spawn(process.execPath, [main, directory, RANGE], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  assert.ok(child.stdout !== null && child.pid !== undefined);
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  const { pid } = child;
  return {
    name: 'clusterip',
    access: JSON.parse(line) as Access,
    memory: () => residentMb([pid]),
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await once(child, 'exit');
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function startPeer(): Promise<Side> {
  const peer = await KubeApiServer.start([RANGE], { durable: true });
  return {
    name: 'kube-apiserver + etcd',
    access: peer.access,
    memory: () => residentMb(peer.pids),
    [Symbol.asyncDispose]: () => peer[Symbol.asyncDispose](),
  };
}

/** Runs `task` for each number, `CONCURRENCY` at a time; how many a second. */
async function rate(count: number, task: (index: number) => Promise<void>): Promise<number> {
  let next = 0;
  const start = systemClock.monotonic();
  const work = async (): Promise<void> => {
    for (let i = next++; i < count; i = next++) await task(i);
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, work));
  return count / ((systemClock.monotonic() - start) / 1_000);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

function service(i: number): object {
  const spec = { ports: [{ port: 80, targetPort: 8080 }], selector: { app: `app-${i}` } };
  return { apiVersion: 'v1', kind: 'Service', metadata: { name: `s-${i}`, labels: { app: `app-${i}` } }, spec };
}

function pod(i: number): object {
  const app = `app-${i % SERVICES}`;
  const container = {
    name: 'main',
    image: 'registry.test/app:1.0',
    ports: [{ containerPort: 8080 }],
    env: [{ name: 'APP', value: app }],
    resources: { requests: { cpu: '10m', memory: '16Mi' } },
  };
  const group = i < LISTED ? 'listed' : 'other';
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `p-${i}`, labels: { app, group } },
    spec: { containers: [container] },
  };
}

async function creates(
  client: BenchClient,
  count: number,
  plural: string,
  make: (i: number) => object,
): Promise<number> {
  return rate(count, async (i) => {
    const { status, body } = await client.ask('POST', `${ROOT}/${plural}`, make(i));
    assert.equal(status, 201, body.toString());
  });
}

async function listMs(client: BenchClient, path: string, count: number): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < LISTS; i++) {
    const start = systemClock.monotonic();
    const { status, body } = await client.ask('GET', path);
    times.push(systemClock.monotonic() - start);
    assert.equal(status, 200);
    // There the cluster has a Service of its own.
    const extra = (JSON.parse(body.toString()) as { items: unknown[] }).items.length - count;
    assert.ok(extra === 0 || extra === 1, `${extra} more than ${count}`);
  }
  return median(times);
}

/** From the request of an update until the last of all watchers has seen it. */
async function fanOutMs(access: Access): Promise<number> {
  using client = new BenchClient(access, 20);
  let seen = 0;
  let all: () => void = () => {};
  let established = 0;
  await client.ask('POST', `${ROOT}/configmaps`, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'watched' },
  });
  const version = JSON.parse((await client.ask('GET', `${ROOT}/configmaps/watched`)).body.toString()) as {
    metadata: { resourceVersion: string };
  };
  const path = `${ROOT}/configmaps?watch=true&resourceVersion=${version.metadata.resourceVersion}`;
  await new Promise<void>((resolve) => {
    for (let i = 0; i < WATCHERS; i++) {
      const stream = client.stream('GET', path);
      stream.on('error', () => {});
      stream.on('response', () => {
        established += 1;
        if (established === WATCHERS) resolve();
      });
      stream.on('data', (chunk: Buffer) => {
        // One event ends in one newline.
        if (chunk.at(-1) !== 10) return;
        seen += 1;
        if (seen === WATCHERS) all();
      });
    }
  });
  const times: number[] = [];
  for (let i = 0; i < UPDATES; i++) {
    seen = 0;
    const everybody = new Promise<void>((resolve) => (all = resolve));
    const start = systemClock.monotonic();
    const type = { 'content-type': 'application/merge-patch+json' };
    const patched = client.ask('PATCH', `${ROOT}/configmaps/watched`, { data: { n: String(i) } }, type);
    await everybody;
    times.push(systemClock.monotonic() - start);
    assert.equal((await patched).status, 200);
  }
  return median(times);
}

async function measure(side: Side): Promise<Figures> {
  using client = new BenchClient(side.access, 4);
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } };
  await client.ask('POST', `${ROOT}/serviceaccounts`, account);
  const figures: Record<string, number> = { 'memory when empty, MB': side.memory() };
  figures['Service creates/s'] = await creates(client, SERVICES, 'services', service);
  figures['Pod creates/s'] = await creates(client, PODS, 'pods', pod);
  figures['gets/s'] = await rate(GETS, async (i) => {
    const { status } = await client.ask('GET', `${ROOT}/pods/p-${(i * 7) % PODS}`);
    assert.equal(status, 200);
  });
  figures[`list of ${SERVICES} Services, ms`] = await listMs(client, `${ROOT}/services`, SERVICES);
  figures[`list of ${LISTED} Pods, ms`] = await listMs(client, `${ROOT}/pods?labelSelector=group%3Dlisted`, LISTED);
  figures[`update seen by ${WATCHERS} watchers, ms`] = await fanOutMs(side.access);
  figures['memory with all, MB'] = side.memory();
  return figures;
}

const ours = await (async () => {
  await using side = await startOurs();
  return await measure(side);
})();
const missing = peerMissing();
if (missing !== undefined) console.error(missing);
const theirs = missing === undefined ? await measurePeer() : undefined;

async function measurePeer(): Promise<Figures> {
  await using side = await startPeer();
  return await measure(side);
}

for (const [name, value] of Object.entries(ours)) {
  const other = theirs?.[name];
  const isRate = name.endsWith('/s');
  const ratio = other === undefined ? '' : `, ${(isRate ? value / other : other / value).toFixed(1)} times better`;
  const beside = other === undefined ? '' : `; kube-apiserver + etcd: ${other.toFixed(isRate ? 0 : 1)}${ratio}`;
  console.log(`${name.padEnd(36)} ${value.toFixed(isRate ? 0 : 1)}${beside}`);
}
