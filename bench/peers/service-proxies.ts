/**
 * Our proxy beside kube-proxy in each mode: the same kube-apiserver with the same Services, one proxy after the other, each
 * on a network namespace of its own. Times are those at which the proxies themselves say that rules were synced; that they
 * are there is checked in the kernel.
 * Run as root: `bin/node bench/peers/service-proxies.ts [SERVICES,SERVICES,...] [ENDPOINTS]`, after
 * `bench/peers/build.sh kube-apiserver` and `bench/peers/build.sh kube-proxy`. Needs `etcd`.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { closeSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { systemClock } from '#base/clock.ts';
import { parseIp } from '#base/ip.ts';
import { isolateTestFile } from '#netlink/isolated-test.ts';
import { openConnectSocket, openListenSocket } from '#netlink/listen-socket.ts';
import { createNetns, inNetns } from '#netlink/namespace.ts';
import { RtnetlinkSocket } from '#netlink/rtnetlink-socket.ts';
import { NftablesSocket } from '#nftables/nftables-socket.ts';
import { KubeApiServer, peerMissing } from './kube-apiserver.ts';
import { KubeProxy, kubeProxyMissing } from './kube-proxy.ts';
import { serviceObjects } from './service-seed.ts';

isolateTestFile();

const SIZES = (process.argv[2] ?? '1,1000,5000,10000').split(',').map(Number);
const ENDPOINTS = Number(process.argv[3] ?? 2);
const RANGE = '10.96.0.0/12';
const NODE = 'node-1';
const SLICES = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices';
const CHANGES = 3;
const METRICS_PORT = 10_249;
const WAIT_MS = 180_000;
const POLL_MS = 200;
/** Longer than kube-proxy's shortest time between two syncs: each change finds it at rest. */
const REST_MS = 1500;
/** A change that takes longer is measured once. */
const LONG_MS = 5000;
/** getconf CLK_TCK */
const TICKS = 100;

/** Each one changes something, whoever sees it. */
let changes = 0;

interface Proxy extends AsyncDisposable {
  readonly pid: number;
}

interface Contender {
  readonly name: string;
  readonly start: (kubeconfig: string) => Proxy;
  /** How many Services the kernel has. */
  readonly count: (netns: number) => number;
}

const contenders: readonly Contender[] = [
  { name: 'clusterip nftables', start: startOurs('nftables'), count: countElements('clusterip', 'services') },
  { name: 'clusterip iptables', start: startOurs('iptables'), count: countRules },
  { name: 'kube-proxy nftables', start: startTheirs('nftables'), count: countElements('kube-proxy', 'service-ips') },
  { name: 'kube-proxy iptables', start: startTheirs('iptables'), count: countRules },
];

function startTheirs(mode: 'nftables' | 'iptables'): Contender['start'] {
  return (kubeconfig) => new KubeProxy({ mode, kubeconfig, nodeName: NODE, clusterCidrs: ['10.244.0.0/16'] });
}

function startOurs(mode: string): Contender['start'] {
  return (kubeconfig) => {
    const directory = mkdtempSync(join(tmpdir(), 'clusterip-proxy-'));
    const file = join(directory, 'kubeconfig');
    writeFileSync(file, kubeconfig, { mode: 0o600 });
    const program = fileURLToPath(new URL('../../bin/clusterip', import.meta.url));
    const flags = [`--kubeconfig=${file}`, `--mode=${mode}`, `--node-name=${NODE}`, '--cluster-cidr=10.244.0.0/16'];
    const limits = ['--conntrack-max-per-core=0', '--conntrack-tcp-timeout-established=0s'];
    const child = spawn(program, ['proxy', ...flags, ...limits], { stdio: 'ignore' });
    return { pid: child.pid ?? 0, [Symbol.asyncDispose]: () => end(child, directory) };
  };
}

async function end(child: ChildProcess, directory: string): Promise<void> {
  const ended = new Promise((resolve) => child.once('exit', resolve));
  if (child.exitCode === null && child.kill('SIGTERM')) await ended;
  rmSync(directory, { recursive: true });
}

function countElements(table: string, set: string): Contender['count'] {
  return (netns) => {
    using socket = inNetns(netns, () => NftablesSocket.open());
    const keys = new Set<string>();
    socket.visitElements('ip', table, set, (key) => keys.add(Buffer.from(key).toString('hex')) !== undefined);
    return keys.size;
  };
}

function countRules(netns: number): number {
  const saved = inNetns(netns, () =>
    spawnSync('iptables', ['-w', '-t', 'nat', '-S', 'KUBE-SERVICES'], { maxBuffer: 1 << 28 }),
  );
  return saved.stdout
    .toString()
    .split('\n')
    .filter((line) => line.includes('-j KUBE-SVC-')).length;
}

/** The API server of the bench at the same address inside of another network namespace. */
function forward(netns: number, port: number): net.Server {
  const address = parseIp('127.0.0.1');
  assert.ok(address);
  const { fd } = inNetns(netns, () => openListenSocket({ protocol: 'tcp', address, port }));
  return net
    .createServer((inside) => {
      const outside = net.connect({ host: '127.0.0.1', port });
      inside.pipe(outside).pipe(inside);
      inside.on('error', () => outside.destroy());
      outside.on('error', () => inside.destroy());
    })
    .listen({ fd });
}

function bringUp(): void {
  using rtnetlink = RtnetlinkSocket.open();
  rtnetlink.setLink('lo', { up: true });
}

async function metric(netns: number, name: string): Promise<number> {
  const fd = inNetns(netns, () => openConnectSocket(4));
  const socket = new net.Socket({ fd }).connect({ host: '127.0.0.1', port: METRICS_PORT });
  const text = await new Promise<string>((resolve) => {
    const sent = request({ path: '/metrics', createConnection: () => socket }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (part: string) => (body += part));
      response.on('end', () => resolve(body));
    });
    sent.on('error', () => resolve(''));
    sent.end();
  });
  const line = text.split('\n').find((one) => one.startsWith(name) && !one.includes('IPv6'));
  return Number(line?.split(' ').at(-1) ?? 0);
}

/** When the proxy last synced, once that is later than `after`, in milliseconds since 1970. */
async function syncedAfter(netns: number, after: number): Promise<number> {
  let at = 0;
  await until('a sync', async () => {
    at = (await metric(netns, 'kubeproxy_sync_proxy_rules_last_timestamp_seconds')) * 1000;
    return at > after;
  });
  return at;
}

interface Usage {
  /** Of the process and of the programs that it ran. */
  readonly cpuSeconds: number;
  /** Megabytes; `own` without the pages of the program's files, which all processes of that program share. */
  readonly resident: number;
  readonly own: number;
}

function usage(pid: number): Usage {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ')
    .map(Number);
  const ticks = fields.slice(11, 15).reduce((sum, one) => sum + one, 0);
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const megabytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]) / 1024;
  return { cpuSeconds: ticks / TICKS, resident: megabytes('VmRSS'), own: megabytes('RssAnon') };
}

async function measure(api: KubeApiServer, contender: Contender, size: number): Promise<string> {
  const netns = createNetns();
  inNetns(netns, bringUp);
  const { port } = new URL(
    (JSON.parse(api.kubeconfig) as { clusters: { cluster: { server: string } }[] }).clusters[0]?.cluster.server ?? '',
  );
  const forwarder = forward(netns, Number(port));
  try {
    const began = systemClock.now();
    await using proxy = inNetns(netns, () => contender.start(api.kubeconfig));
    const loadedMs = (await syncedAfter(netns, began)) - began;
    assert.equal(contender.count(netns), size, `${contender.name} programmed another number of Services`);
    const load = usage(proxy.pid);
    await systemClock.sleep(REST_MS);
    const times: number[] = [];
    for (let i = 0; i < CHANGES; i++) {
      const changed = systemClock.now();
      const body = { endpoints: endpoints(0, ENDPOINTS + (++changes % 2)) };
      const answer = await api.ask({
        method: 'PATCH',
        path: `${SLICES}/svc-0`,
        body,
        contentType: 'application/merge-patch+json',
      });
      assert.equal(answer.status, 200);
      const time = (await syncedAfter(netns, changed)) - changed;
      times.push(time);
      if (time > LONG_MS) break;
      await systemClock.sleep(REST_MS);
    }
    times.sort((a, b) => a - b);
    const change = times[times.length >> 1] ?? Number.NaN;
    const after = usage(proxy.pid);
    const changeCpu = (after.cpuSeconds - load.cpuSeconds) / times.length;
    return [
      contender.name,
      size,
      `${(loadedMs / 1000).toFixed(2)} s`,
      `${load.cpuSeconds.toFixed(2)} s`,
      `${change.toFixed(0)} ms`,
      `${(changeCpu * 1000).toFixed(0)} ms`,
      `${after.resident.toFixed(0)} MB`,
      `${after.own.toFixed(0)} MB`,
    ].join(' | ');
  } finally {
    forwarder.close();
    closeSync(netns);
  }
}

function endpoints(index: number, count: number): readonly object[] {
  return Array.from({ length: count }, (_, i) => {
    const number = index * (ENDPOINTS + 1) + i;
    return {
      addresses: [`10.${200 + (number >> 16)}.${(number >> 8) & 255}.${number & 255}`],
      conditions: { ready: true },
    };
  });
}

async function create(api: KubeApiServer, first: number, end_: number): Promise<void> {
  const indexes = Array.from({ length: end_ - first }, (_, i) => first + i);
  await api.seed(indexes.flatMap((i) => serviceObjects(i, endpoints(i, ENDPOINTS))));
  // Its caches follow etcd: the last one is there when it can be read from them.
  const last = `${SLICES}/svc-${end_ - 1}?resourceVersion=0`;
  await until('the API server knows all', async () => (await api.ask({ method: 'GET', path: last })).status === 200);
}

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  for (const end = systemClock.monotonic() + WAIT_MS; systemClock.monotonic() < end;) {
    if (await isSo()) return;
    await systemClock.sleep(POLL_MS);
  }
  throw new Error(`not within ${WAIT_MS / 1000} s: ${what}`);
}

const missing = peerMissing() ?? kubeProxyMissing();
if (missing !== undefined) {
  console.error(missing);
  process.exit(1);
}
bringUp();
await using api = await KubeApiServer.start([RANGE]);
const node = { metadata: { name: NODE }, status: { addresses: [{ type: 'InternalIP', address: '172.18.0.2' }] } };
await api.ask({ method: 'POST', path: '/api/v1/nodes', body: { apiVersion: 'v1', kind: 'Node', ...node } });
await api.ask({
  method: 'PATCH',
  path: `/api/v1/nodes/${NODE}/status`,
  body: { status: node.status },
  contentType: 'application/merge-patch+json',
});
console.log('proxy | Services | programmed from nothing | CPU for it | one change | CPU for it | memory | of its own');
// The first start of a version compiles it, for all that follow.
await create(api, 0, 1);
for (const contender of contenders.slice(0, 2)) await measure(api, contender, 1);
let created = 1;
for (const size of SIZES) {
  if (size > created) await create(api, created, size);
  created = size;
  for (const contender of contenders) console.log(await measure(api, contender, size));
}
