/**
 * From a Pod that becomes ready, or not, or comes with its address, to the write of its EndpointSlice as a watcher sees it:
 * an API server on a durable store and the controllers of endpoints, as in a cluster, with 10 and with 5,000 Pods behind
 * one Service. Every change has to be one write of one slice; what the slices and the Endpoints hold in the end is checked. The time is from the request
 * that makes the Pod ready, so it has two durable writes in it, which are also timed by themselves: what the disk takes of
 * it. The heap is as small as the daemon's.
 * Run: `bin/node bench/endpoint-slice.ts [ROUNDS]`.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import type { EndpointSlice } from '#api/generated/types.ts';
import { endpoints, endpointSlices, nodes, pods, services } from '#api/resource.ts';
import { parseCidr } from '#base/cidr.ts';
import { systemClock } from '#base/clock.ts';
import { silentLog } from '#base/log.ts';
import { createClient } from '#client/api-client.ts';
import type { Client } from '#client/client.ts';
import { inProcessTransport } from '#client/in-process-transport.ts';
import { Informers } from '#client/informers.ts';
import { outgrowSmallHeap, SMALL_HEAP_FLAGS } from '#cluster/heap-agent.ts';
import { startEndpointSliceController } from '#controllers/endpoints/endpoint-slice.ts';
import { startEndpointsController } from '#controllers/endpoints/endpoints.ts';
import { openSqliteStore } from '#store/sqlite-store.ts';
import type { Store } from '#store/store.ts';
import { TestServer } from '../src/apiserver/testing/test-server.ts';

const NAMESPACE = 'default';
/** More would be more than the 1,000 addresses that an Endpoints object holds, which are then not to be written at all. */
const SIZES = [10, 5000];
const AIM_MS = 5;
const WARM_UP = 20;
const rounds = Number(process.argv[2] ?? 500);

function podIp(i: number): string {
  return `10.244.${Math.floor(i / 250)}.${(i % 250) + 2}`;
}

function statusOf(i: number, isReady: boolean): object {
  const conditions = [{ type: 'Ready', status: isReady ? 'True' : 'False' }];
  return { phase: 'Running', podIP: podIp(i), podIPs: [{ ip: podIp(i) }], conditions };
}

async function makePods(client: Client, count: number): Promise<void> {
  let next = 0;
  const write = async (): Promise<void> => {
    for (let i = next++; i < count; i = next++) {
      await makePod(client, i);
      await setReady(client, i, true);
    }
  };
  await Promise.all(Array.from({ length: 100 }, write));
}

async function makePod(client: Client, i: number): Promise<void> {
  const metadata = { namespace: NAMESPACE, name: `p${i}`, labels: { app: 'web' } };
  await client.create(pods, { metadata, spec: { nodeName: 'n1', containers: [{ name: 'c', image: 'host' }] } });
}

async function setReady(client: Client, i: number, isReady: boolean): Promise<void> {
  const body = { status: statusOf(i, isReady) };
  await client.patch(pods, { namespace: NAMESPACE, name: `p${i}` }, { kind: 'merge', body }, { subresource: 'status' });
}

/** What the slices say, followed by a watch of its own. */
class SliceWatch {
  readonly #slices = new Map<string, EndpointSlice>();
  /** By address. No endpoint moves to another slice here, or goes. */
  readonly #ready = new Map<string, boolean>();
  readonly #waiting = new Set<() => void>();
  writes = 0;

  async follow(client: Client, signal: AbortSignal): Promise<void> {
    for await (const event of client.watch(endpointSlices, { namespace: NAMESPACE, signal })) {
      if (event.type !== 'ADDED' && event.type !== 'MODIFIED' && event.type !== 'DELETED') continue;
      const { name } = event.object.metadata;
      if (event.type === 'DELETED') this.#slices.delete(name);
      else this.#slices.set(name, event.object);
      for (const { addresses, conditions } of event.object.endpoints ?? []) {
        this.#ready.set(addresses[0] ?? '', conditions?.ready === true);
      }
      this.writes++;
      for (const look of this.#waiting) look();
    }
  }

  get ready(): number {
    return [...this.#ready.values()].filter(Boolean).length;
  }

  get count(): number {
    return this.#slices.size;
  }

  isReady(ip: string): boolean | undefined {
    return this.#ready.get(ip);
  }

  async until(isTrue: () => boolean): Promise<void> {
    if (isTrue()) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = (): void => {
      if (isTrue()) resolve();
    };
    this.#waiting.add(look);
    await promise;
    this.#waiting.delete(look);
  }
}

/** How long it takes until the watch shows the Pod so, ms. */
async function timed(client: Client, watch: SliceWatch, i: number, isReady: boolean): Promise<number> {
  const writes = watch.writes;
  const began = performance.now();
  const seen = watch.until(() => watch.isReady(podIp(i)) === isReady);
  await Promise.all([setReady(client, i, isReady), seen]);
  const took = performance.now() - began;
  assert.equal(watch.writes - writes, 1, 'one slice is written');
  return took;
}

async function measureRounds(what: string, round: (round: number) => Promise<number>): Promise<void> {
  for (let i = 0; i < WARM_UP; i++) await round(i);
  const before = process.cpuUsage();
  const samples: number[] = [];
  for (let i = 0; i < rounds; i++) samples.push(await round(WARM_UP + i));
  const { user, system } = process.cpuUsage(before);
  const cpu = (user + system) / 1000 / rounds;
  console.log(
    `${what} is in its slice after ${spread(samples)} (aim < ${AIM_MS}), for ${cpu.toFixed(2)} ms of processor time; one write each`,
  );
}

function spread(samples: readonly number[]): string {
  const sorted = samples.toSorted((a, b) => a - b);
  const at = (part: number): string => (sorted[Math.floor(part * (sorted.length - 1))] ?? 0).toFixed(2);
  return `${at(0.5)} ms median, ${at(0.9)} p90, ${at(0.99)} p99`;
}

/** As large as a Pod and a full slice. */
async function measureDisk(store: Store): Promise<void> {
  const samples: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const began = performance.now();
    for (const size of [1_500, 25_000]) await store.txn([], [{ kind: 'put', key: 'floor', value: 'x'.repeat(size) }]);
    samples.push(performance.now() - began);
  }
  console.log(`two durable writes alone: ${spread(samples)}`);
}

async function measure(client: Client, size: number, signal: AbortSignal): Promise<void> {
  const watch = new SliceWatch();
  const following = watch.follow(client, signal);
  following.catch(() => {});
  await watch.until(() => watch.ready === size);
  assert.equal(watch.count, Math.ceil(size / 100));
  await measureRounds(`${size} Pods in ${watch.count} slices: a change`, (round) => {
    const i = (round * 37) % size;
    return timed(client, watch, i, watch.isReady(podIp(i)) !== true);
  });
  await measureRounds(`${size} Pods and more: one that comes, with what its making costs,`, async (round) => {
    await makePod(client, size + round);
    return timed(client, watch, size + round, true);
  });
  await settled();
  await check(client, watch, size + WARM_UP + rounds);
}

/** What the slices and the Endpoints hold of so many Pods. */
async function check(client: Client, watch: SliceWatch, size: number): Promise<void> {
  const all = await client.list(endpointSlices, { namespace: NAMESPACE });
  const listed = all.items.flatMap(({ endpoints: list }) => list ?? []);
  assert.equal(listed.length, size);
  assert.equal(listed.filter(({ conditions }) => conditions?.ready === true).length, watch.ready);
  const { metadata, subsets = [] } = await client.get(endpoints, { namespace: NAMESPACE, name: 'web' });
  const addresses = subsets.flatMap((subset) => [...(subset.addresses ?? []), ...(subset.notReadyAddresses ?? [])]);
  assert.equal(addresses.length, Math.min(size, 1000));
  const overCapacity = metadata.annotations?.['endpoints.kubernetes.io/over-capacity'];
  assert.equal(overCapacity, size > 1000 ? 'truncated' : undefined);
}

/** The Endpoints, which come after the slices, are written, too. */
async function settled(): Promise<void> {
  await systemClock.sleep(500);
}

async function run(size: number): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'bench-slices-'));
  const abort = new AbortController();
  try {
    const range = parseCidr('10.96.0.0/12');
    assert.ok(range);
    await using store = await openSqliteStore({ path: join(directory, 'store.db'), clock: systemClock });
    await measureDisk(store);
    await using server = await TestServer.start({ store, clock: systemClock, serviceCidrs: [range] });
    const user = { username: 'bench', groups: ['system:masters'] };
    const client = createClient(inProcessTransport(server.server.handle, user));
    await client.create(nodes, { metadata: { name: 'n1', labels: { 'topology.kubernetes.io/zone': 'z1' } }, spec: {} });
    await makePods(client, size);
    const spec = { selector: { app: 'web' }, ports: [{ port: 80 }] };
    await client.create(services, { metadata: { namespace: NAMESPACE, name: 'web' }, spec });
    const informers = new Informers(client, { clock: systemClock, log: silentLog });
    const context = { client, informers, clock: systemClock, log: silentLog, signal: abort.signal };
    startEndpointSliceController(context);
    startEndpointsController(context);
    informers.start(abort.signal);
    await measure(client, size, abort.signal);
  } finally {
    abort.abort();
    rmSync(directory, { recursive: true });
  }
}

if (SMALL_HEAP_FLAGS.every((flag) => process.execArgv.includes(flag))) {
  outgrowSmallHeap();
  for (const size of SIZES) await run(size);
  process.exit(0);
}
// Collections are the tail, so they have to be those of the daemon.
const node = [...process.execArgv, ...SMALL_HEAP_FLAGS, ...process.argv.slice(1)];
process.exit(spawnSync(process.execPath, node, { stdio: 'inherit' }).status ?? 1);
