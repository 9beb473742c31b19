/**
 * What a user waits for, and what an idle cluster costs: `up` to ready, to the first answer through a fresh Service, memory,
 * processor, and the way from an API write to the rule in the kernel. `bin/node bench/cluster.ts [RUNS]`
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { clusterRoleBindings, endpointSlices, pods, services } from '#api/resource.ts';
import { createClient } from '#client/api-client.ts';
import type { Client } from '#client/client.ts';
import { exec } from '#client/exec.ts';
import { httpsTransport } from '#client/https-transport.ts';
import { readConnection, type Connection } from '#client/kubeconfig.ts';
import { childrenOf } from '#cluster/process-table.ts';

const checkout = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
const runs = Number(process.argv[2] ?? 5);
const IDLE_SECONDS = 10;
const home = mkdtempSync(join(tmpdir(), 'clusterip-bench-'));
const env = {
  CLUSTERIP_EGRESS: 'none',
  PATH: process.env['PATH'],
  HOME: home,
  NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
};
const dataDir = join(home, 'state');
const clusterip = (...args: readonly string[]): string =>
  execFileSync(join(checkout, 'bin/clusterip'), [...args, '--data-dir', dataDir], { env, encoding: 'utf8' });

const ANSWER = `require('node:http').createServer((_, r) => r.end('yes')).listen(80)`;
const ASK = `
const { get } = require('node:http');
const ask = () => get('http://fresh', (r) => r.on('data', (d) => { console.log(String(d)); process.exit(0); })).on('error', () => setTimeout(ask, 2));
setTimeout(() => process.exit(1), 10000);
ask();`;

interface Sample {
  readonly ready: number;
  readonly firstAnswer: number;
}

/** A fresh Service, a fresh Pod behind it, and a Pod that asks it by name, all after `up`. */
async function firstAnswer(client: Client, connection: Connection): Promise<void> {
  const pod = (name: string, command: readonly string[]): Parameters<typeof client.create>[1] =>
    ({
      metadata: { name, namespace: 'default', labels: { app: name } },
      spec: {
        terminationGracePeriodSeconds: 0,
        containers: [
          { name: 'c', image: 'host', command, volumeMounts: [{ name: 'checkout', mountPath: '/clusterip' }] },
        ],
        volumes: [{ name: 'checkout', hostPath: { path: checkout } }],
      },
    }) as never;
  await Promise.all([
    client.create(services, {
      metadata: { name: 'fresh', namespace: 'default' },
      spec: { selector: { app: 'back' }, ports: [{ port: 80 }] },
    }),
    client.create(pods, pod('back', ['/clusterip/bin/node', '-e', ANSWER]) as never),
    client.create(pods, pod('front', ['sleep', 'infinity']) as never),
  ]);
  const signal = AbortSignal.timeout(20_000);
  for await (const event of client.watch(pods, {
    namespace: 'default',
    fieldSelector: 'metadata.name=front',
    signal,
  })) {
    if ((event.type === 'ADDED' || event.type === 'MODIFIED') && event.object.status.phase === 'Running') break;
  }
  const done = await exec(connection, { namespace: 'default', name: 'front' }, ['/clusterip/bin/node', '-e', ASK]);
  if (done.stdout.trim() !== 'yes') throw new Error(`Cannot measure: the Service said "${done.stdout}${done.stderr}"`);
}

async function once(): Promise<Sample> {
  const began = performance.now();
  clusterip('up');
  const ready = performance.now() - began;
  const connection = readConnection(join(dataDir, 'kubeconfig'));
  using transport = httpsTransport(connection);
  await firstAnswer(createClient(transport), connection);
  const answered = performance.now() - began;
  clusterip('down', '--purge');
  return { ready, firstAnswer: answered };
}

/** Of the process that holds the namespaces and the daemon. */
function clusterPids(): readonly number[] {
  const { holderPid } = JSON.parse(readFileSync(join(dataDir, 'run.json'), 'utf8')) as { holderPid: number };
  return [holderPid, ...childrenOf(holderPid)];
}

function residentKb(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
}

/** User and system time so far, in clock ticks of 10 ms (proc(5), fields 14 and 15 of stat). */
function cpuTicks(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
const sleep = (seconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

async function idle(): Promise<{ readonly megabytes: number; readonly percent: number }> {
  await sleep(3);
  const pids = clusterPids();
  const before = sum(pids.map(cpuTicks));
  await sleep(IDLE_SECONDS);
  const percent = (sum(pids.map(cpuTicks)) - before) / IDLE_SECONDS;
  return { megabytes: sum(pids.map(residentKb)) / 1024, percent };
}

/** In a Pod on the node's own network, which sees the kernel's notifications of the rules that the proxy commits. */
async function writeToRule(client: Client, connection: Connection): Promise<readonly number[]> {
  await client.create(clusterRoleBindings, {
    metadata: { name: 'timer' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ kind: 'ServiceAccount', namespace: 'default', name: 'default' }],
  });
  await client.create(services, { metadata: { name: 'timed', namespace: 'default' }, spec: { ports: [{ port: 80 }] } });
  await client.create(endpointSlices, {
    metadata: { name: 'timed', namespace: 'default', labels: { 'kubernetes.io/service-name': 'timed' } },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['10.244.9.1'] }],
    ports: [{ port: 80, protocol: 'TCP' }],
  });
  await client.create(pods, {
    metadata: { name: 'timer', namespace: 'default' },
    spec: {
      hostNetwork: true,
      terminationGracePeriodSeconds: 0,
      containers: [
        {
          name: 'c',
          // Joining the group of nf_tables takes it.
          securityContext: { capabilities: { add: ['NET_ADMIN'] } },
          image: 'host',
          command: ['sleep', 'infinity'],
          volumeMounts: [{ name: 'checkout', mountPath: '/clusterip' }],
        },
      ],
      volumes: [{ name: 'checkout', hostPath: { path: checkout } }],
    },
  });
  const signal = AbortSignal.timeout(20_000);
  for await (const event of client.watch(pods, {
    namespace: 'default',
    fieldSelector: 'metadata.name=timer',
    signal,
  })) {
    if ((event.type === 'ADDED' || event.type === 'MODIFIED') && event.object.status.phase === 'Running') break;
  }
  const command = ['/clusterip/bin/node', '/clusterip/bench/write-to-rule.ts', '100'];
  const done = await exec(connection, { namespace: 'default', name: 'timer' }, command);
  if (done.exitCode !== 0) throw new Error(`Cannot measure: ${done.stderr}`);
  return JSON.parse(done.stdout) as number[];
}

function percentile(values: readonly number[], p: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * p) / 100))] ?? Number.NaN;
}

const row = (name: string, value: string, goal: string): void =>
  console.log(`${name.padEnd(44)}${value.padEnd(28)}${goal}`);
const spread = (values: readonly number[], digits: number): string =>
  `${percentile(values, 50).toFixed(digits)} (max ${Math.max(...values).toFixed(digits)})`;

try {
  const samples: Sample[] = [];
  for (let i = 0; i < runs + 1; i++) samples.push(await once());
  // The first run fills the caches of Node and of the page cache.
  const warm = samples.slice(1);
  clusterip('up');
  const connection = readConnection(join(dataDir, 'kubeconfig'));
  using transport = httpsTransport(connection);
  const client = createClient(transport);
  const cost = await idle();
  const latencies = await writeToRule(client, connection);
  row('', 'median', 'aim');
  row(
    'up to ready, s',
    spread(
      warm.map(({ ready }) => ready / 1000),
      2,
    ),
    '< 0.8',
  );
  row(
    'up to the first answer of a fresh Service, s',
    spread(
      warm.map((sample) => sample.firstAnswer / 1000),
      2,
    ),
    '< 1.5',
  );
  row('idle memory, all processes, MB RSS', cost.megabytes.toFixed(0), '< 150');
  row('idle processor, % of a core', cost.percent.toFixed(2), '< 1');
  row(
    'API write to rule in the kernel, ms',
    `${spread(latencies, 2)} p99 ${percentile(latencies, 99).toFixed(2)}`,
    '< 10',
  );
} finally {
  spawnSync(join(checkout, 'bin/clusterip'), ['down', '--purge', '--data-dir', dataDir], { env });
  rmSync(home, { recursive: true, force: true });
}
