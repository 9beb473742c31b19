/**
 * What Pods cost: from the create to Running of one with the image `host` and of one with an OCI image that is here, two
 * hundred of them at once, and what of our own memory each takes; beside the bare namespaces of util-linux, which is as fast as
 * anybody can be. `bin/node bench/pods.ts [SAMPLES]`
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { deployments, pods } from '#api/resource.ts';
import { createClient } from '#client/api-client.ts';
import type { Client } from '#client/client.ts';
import { exec } from '#client/exec.ts';
import { httpsTransport } from '#client/https-transport.ts';
import { type Connection, readConnection } from '#client/kubeconfig.ts';
import { childrenOf } from '#cluster/process-table.ts';
import { buildImage, busyboxLayer } from '#node/testing/test-image.ts';
import { writeTar } from '#node/testing/tar-writer.ts';

const checkout = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
const samples = Number(process.argv[2] ?? 20);
const MANY = 200;
const WARM_UP = 3;
const IMAGE = 'example.com/busybox:1';
const home = mkdtempSync(join(tmpdir(), 'clusterip-bench-'));
const env = { CLUSTERIP_EGRESS: 'none', PATH: process.env['PATH'], HOME: home };
const dataDir = join(home, 'state');
const clusterip = (...args: readonly string[]): string =>
  execFileSync(join(checkout, 'bin/clusterip'), [...args, '--data-dir', dataDir], { env, encoding: 'utf8' });

function archive(): string {
  const image = buildImage({ layers: [busyboxLayer()], config: { Env: ['PATH=/bin'] } });
  const annotations = { 'org.opencontainers.image.ref.name': IMAGE };
  const file = join(home, 'image.tar');
  const blobs = [...image.blobs].map(([digest, data]) => ({ path: `blobs/${digest.replace(':', '/')}`, data }));
  const index = JSON.stringify({ manifests: [{ digest: image.manifest, annotations }] });
  writeFileSync(file, writeTar([{ path: 'index.json', data: index }, ...blobs]));
  return file;
}

/** Milliseconds from the create to the event that says Running. */
async function untilRunning(client: Client, name: string, image: string): Promise<number> {
  const watch = new AbortController();
  const began = performance.now();
  const fieldSelector = `metadata.name=${name}`;
  const seen = (async () => {
    for await (const event of client.watch(pods, { namespace: 'default', fieldSelector, signal: watch.signal })) {
      if ((event.type === 'ADDED' || event.type === 'MODIFIED') && event.object.status.phase === 'Running') break;
    }
    return performance.now();
  })();
  await client.create(pods, {
    metadata: { name, namespace: 'default' },
    spec: {
      terminationGracePeriodSeconds: 0,
      containers: [{ name: 'c', image, imagePullPolicy: 'IfNotPresent', command: ['sleep', '100000'] }],
    },
  });
  const running = await seen;
  watch.abort();
  return running - began;
}

interface PodCost {
  readonly times: readonly number[];
  /** Milliseconds of processor time of the daemon for each, its end included. */
  readonly cpu: number;
}

async function one(client: Client, connection: Connection, image: string): Promise<PodCost> {
  const times: number[] = [];
  let before = 0;
  for (let i = 0; i < samples + WARM_UP; i++) {
    const name = `one-${i}`;
    // The first ones compile the code.
    if (i === WARM_UP) before = cpuMilliseconds();
    times.push(await untilRunning(client, name, image));
    if (i === 0) {
      const { stdout } = await exec(connection, { namespace: 'default', name }, ['cat', '/proc/1/cmdline']);
      if (!stdout.startsWith('sleep')) throw new Error(`Cannot measure: the Pod runs ${JSON.stringify(stdout)}`);
    }
    await client.delete(pods, { namespace: 'default', name }, { gracePeriodSeconds: 0 });
    await pause(0.05);
  }
  return { times: times.slice(WARM_UP), cpu: (cpuMilliseconds() - before) / samples };
}

/** Seconds until all are Running, and resident bytes of ours for each. */
async function many(client: Client): Promise<{ readonly seconds: number; readonly megabytes: number }> {
  await pause(2);
  const before = ownMegabytes();
  const began = performance.now();
  const labels = { app: 'many' };
  const containers = [{ name: 'c', image: 'host', command: ['sleep', '100000'] }];
  await client.create(deployments, {
    metadata: { name: 'many', namespace: 'default' },
    spec: {
      replicas: MANY,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { terminationGracePeriodSeconds: 0, containers } },
    },
  });
  const running = new Set<string>();
  const signal = AbortSignal.timeout(120_000);
  for await (const event of client.watch(pods, { namespace: 'default', labelSelector: 'app=many', signal })) {
    if (event.type !== 'ADDED' && event.type !== 'MODIFIED') continue;
    if (event.object.status.phase === 'Running') running.add(event.object.metadata.name);
    if (running.size === MANY) break;
  }
  if (running.size < MANY) throw new Error(`Cannot measure: ${running.size} of ${MANY} Pods run`);
  const seconds = (performance.now() - began) / 1000;
  await pause(5);
  return { seconds, megabytes: (ownMegabytes() - before) / MANY };
}

/** The daemon: what it starts for Pods is their program itself. */
function daemonFile(name: string): string {
  const { holderPid } = JSON.parse(readFileSync(join(dataDir, 'run.json'), 'utf8')) as { holderPid: number };
  return readFileSync(`/proc/${childrenOf(holderPid)[0] ?? 0}/${name}`, 'utf8');
}

function ownMegabytes(): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(daemonFile('status'))?.[1] ?? 0) / 1024;
}

/** utime and stime of all its threads: fields 14 and 15 of proc(5), in ticks of 10 ms. */
function cpuMilliseconds(): number {
  const stat = daemonFile('stat');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** A process in namespaces like a Pod's, with nothing in them. */
function floor(): readonly number[] {
  const flags = ['--user', '--map-root-user', '--mount', '--net', '--pid', '--uts', '--ipc', '--fork', '--mount-proc'];
  return Array.from({ length: samples }, () => {
    const began = performance.now();
    spawnSync('unshare', [...flags, 'true']);
    return performance.now() - began;
  });
}

const pause = (seconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

function spread(values: readonly number[], digits: number): string {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (p: number): string => (sorted[Math.floor(((sorted.length - 1) * p) / 100)] ?? Number.NaN).toFixed(digits);
  return `${at(50)} (90%: ${at(90)})`;
}

const row = (name: string, value: string, goal: string): void =>
  console.log(`${name.padEnd(52)}${value.padEnd(24)}${goal}`);

try {
  clusterip('up');
  const connection = readConnection(join(dataDir, 'kubeconfig'));
  using transport = httpsTransport(connection);
  const client = createClient(transport);
  row('', 'median', 'aim');
  row('namespaces alone, by unshare(1), ms', spread(floor(), 1), '');
  const host = await one(client, connection, 'host');
  row('create to Running, image host, ms', spread(host.times, 1), '< 60');
  row('  processor time of ours, ms', host.cpu.toFixed(0), '');
  if (existsSync('/bin/busybox')) {
    clusterip('image', 'load', archive());
    const oci = await one(client, connection, IMAGE);
    row('create to Running, unpacked OCI image, ms', spread(oci.times, 1), '< 150');
    row('  processor time of ours, ms', oci.cpu.toFixed(0), '');
  }
  const before = cpuMilliseconds();
  const { seconds, megabytes } = await many(client);
  const cpu = (cpuMilliseconds() - before) / MANY;
  row(`${MANY} Pods of a Deployment to Running, s`, seconds.toFixed(1), '< 15');
  row('  processor time of ours for each, ms', cpu.toFixed(0), '');
  row('our own memory for each of them, MB', megabytes.toFixed(2), '< 2');
} finally {
  spawnSync(join(checkout, 'bin/clusterip'), ['down', '--purge', '--data-dir', dataDir], { env });
  rmSync(home, { recursive: true, force: true });
}
