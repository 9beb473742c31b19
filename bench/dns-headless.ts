/**
 * From a Pod's becoming ready to the first answer with its address, in a cluster of `up`: a headless Service without endpoints
 * is asked for by another Pod a thousand times a second, through the ClusterIP of DNS, so the name was denied just before. The
 * Pod runs already; the condition that its readiness gate waits for is written, its node makes it ready, a slice follows, and
 * DNS hears of that. Run: `bin/node bench/dns-headless.ts [SAMPLES]`
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Pod } from '#api/generated/types.ts';
import { pods, services } from '#api/resource.ts';
import { createClient } from '#client/api-client.ts';
import type { Client } from '#client/client.ts';
import { exec } from '#client/exec.ts';
import { httpsTransport } from '#client/https-transport.ts';
import { type Connection, readConnection } from '#client/kubeconfig.ts';

const checkout = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
const samples = Number(process.argv[2] ?? 30);
const WARM_UP = 3;
const GATE = 'bench.example.com/go';
const home = mkdtempSync(join(tmpdir(), 'clusterip-bench-'));
const env = { CLUSTERIP_EGRESS: 'none', PATH: process.env['PATH'], HOME: home };
const dataDir = join(home, 'state');
const clusterip = (...args: readonly string[]): string =>
  execFileSync(join(checkout, 'bin/clusterip'), [...args, '--data-dir', dataDir], { env, encoding: 'utf8' });

/** Milliseconds of CLOCK_MONOTONIC, which all processes of the machine share. */
const now = (): number => Number(process.hrtime.bigint()) / 1e6;

/** Asks without end; writes down when the answer becomes another one. */
const ASKER = `
const dgram = require('node:dgram'), fs = require('node:fs');
const labels = 'fresh.default.svc.cluster.local'.split('.');
const name = Buffer.concat([...labels.map((l) => Buffer.concat([Buffer.from([l.length]), Buffer.from(l)])), Buffer.from([0, 0, 1, 0, 1])]);
const query = Buffer.concat([Buffer.from([0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]), name]);
const socket = dgram.createSocket('udp4');
let last = '', timer;
const ask = () => { socket.send(query, 53, '10.96.0.10'); timer = setTimeout(ask, 1000); };
socket.on('message', (answer) => {
  clearTimeout(timer);
  const count = answer.readUInt16BE(6);
  const found = Array.from({ length: count }, (_, i) => [...answer.subarray(query.length + 16 * i + 12, query.length + 16 * i + 16)].join('.')).sort().join(',');
  if (found !== last) fs.appendFileSync('/tmp/changes', Number(process.hrtime.bigint()) / 1e6 + ' ' + found + '\\n');
  last = found;
  setTimeout(ask, 1);
});
ask();`;

const asker = {
  metadata: { name: 'asker', namespace: 'default' },
  spec: {
    terminationGracePeriodSeconds: 0,
    containers: [
      {
        name: 'c',
        image: 'host',
        // Pods do not see the machine's /tmp, where this checkout may be.
        command: ['sh', '-c', 'n="$0"; [ -x "$n" ] || n=node; exec "$n" -e "$1"', process.execPath, ASKER],
      },
    ],
  },
};

const isTrue = ({ status }: Pod, type: string): boolean =>
  status.conditions?.some((condition) => condition.type === type && condition.status === 'True') === true;

/** When a watch sees the Pod so; rejects after a while. */
async function seen(client: Client, name: string, condition: string): Promise<{ at: number; pod: Pod }> {
  const watch = new AbortController();
  const signal = AbortSignal.any([watch.signal, AbortSignal.timeout(30_000)]);
  const fieldSelector = `metadata.name=${name}`;
  for await (const event of client.watch(pods, { namespace: 'default', fieldSelector, signal })) {
    if (event.type !== 'ADDED' && event.type !== 'MODIFIED') continue;
    if (!isTrue(event.object, condition)) continue;
    const at = now();
    watch.abort();
    return { at, pod: event.object };
  }
  throw new Error(`Cannot measure: ${name} does not become ${condition}`);
}

interface Times {
  /** From before the write that lets the Pod become ready. */
  readonly fromWrite: number;
  /** From when a client sees that it is. */
  readonly fromReady: number;
}

async function one(client: Client, connection: Connection, i: number): Promise<Times> {
  const ref = { namespace: 'default', name: `fresh-${i}` };
  await client.create(pods, {
    metadata: { ...ref, labels: { app: 'fresh' } },
    spec: {
      terminationGracePeriodSeconds: 0,
      readinessGates: [{ conditionType: GATE }],
      containers: [{ name: 'c', image: 'host', command: ['sleep', '100000'] }],
    },
  });
  const { pod } = await seen(client, ref.name, 'ContainersReady');
  const ready = seen(client, ref.name, 'Ready');
  await setTimeout(100);
  const began = now();
  const conditions = [{ type: GATE, status: 'True', lastTransitionTime: new Date().toISOString().slice(0, 19) + 'Z' }];
  const patch = { kind: 'strategic', body: { status: { conditions } } } as const;
  await client.patch(pods, ref, patch, { subresource: 'status' });
  const readyAt = (await ready).at;
  const answeredAt = await changedTo(connection, pod.status.podIP ?? '', began);
  await client.delete(pods, ref, { gracePeriodSeconds: 0 });
  await changedTo(connection, '', answeredAt);
  return { fromWrite: answeredAt - began, fromReady: answeredAt - readyAt };
}

/** When the answers became these, after `since`. */
async function changedTo(connection: Connection, addresses: string, since: number): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const { stdout } = await exec(connection, { namespace: 'default', name: 'asker' }, ['cat', '/tmp/changes']);
    for (const line of stdout.trim().split('\n')) {
      const [at = '', found = ''] = line.split(' ');
      if (Number(at) > since && found === addresses) return Number(at);
    }
    await setTimeout(50);
  }
  throw new Error(`Cannot measure: nobody answers "${addresses}"`);
}

function spread(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (p: number): string => (sorted[Math.floor(((sorted.length - 1) * p) / 100)] ?? Number.NaN).toFixed(1);
  return `${at(50)} (90%: ${at(90)}, all: ${at(100)})`;
}

try {
  clusterip('up');
  const connection = readConnection(join(dataDir, 'kubeconfig'));
  using transport = httpsTransport(connection);
  const client = createClient(transport);
  await client.create(services, {
    metadata: { name: 'fresh', namespace: 'default' },
    spec: { clusterIP: 'None', selector: { app: 'fresh' }, ports: [{ name: 'http', port: 80 }] },
  });
  await client.create(pods, asker);
  await seen(client, 'asker', 'Ready');
  const times: Times[] = [];
  for (let i = 0; i < samples + WARM_UP; i++) times.push(await one(client, connection, i));
  const measured = times.slice(WARM_UP);
  console.log(`${samples} Pods of a headless Service whose name is asked for all the time, ms`);
  console.log(
    `  Ready seen to the first answer          ${spread(measured.map(({ fromReady }) => fromReady))}   aim < 20`,
  );
  console.log(`  gate's write sent to the first answer   ${spread(measured.map(({ fromWrite }) => fromWrite))}`);
} finally {
  spawnSync(join(checkout, 'bin/clusterip'), ['down', '--purge', '--data-dir', dataDir], { env });
  rmSync(home, { recursive: true, force: true });
}
