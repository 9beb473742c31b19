/**
 * New TCP connections through a cluster address beside direct ones, with 1 and with 10,000 Services, in each mode; then
 * what goes wrong while endpoints change 10,000 times a second. Real packets between network namespaces of its own.
 *
 * One client connects directly and through the address in turn, a tenth of a second each, which is shorter than what else
 * goes on with the machine; what is compared is the two of one turn.
 *
 *     bin/node bench/connections.ts [largest number of services, default 10000]
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { setImmediate } from 'node:timers/promises';
import { systemClock } from '#base/clock.ts';
import { silentLog } from '#base/log.ts';
import { isolateTestFile } from '#netlink/isolated-test.ts';
import { inNetns, settleInOwnNetns } from '#netlink/namespace.ts';
import { NftablesSocket } from '#nftables/nftables-socket.ts';
import type { SyncObserver } from '#proxy/sync-observer.ts';
import { Proxy, type ObjectChange } from '#proxy/sync.ts';
import { cidr, Network } from '#proxy/testing/network.ts';
import { service, slice } from '#proxy/testing/objects.ts';

isolateTestFile();
settleInOwnNetns();

const PODS = ['10.244.0.11', '10.244.0.12', '10.244.0.13'];
const CLIENT = '10.244.0.10';
const VIP = '10.96.0.50';
const PORT = 8080;
const TURNS = 100;
const TURN_MS = 100;
/** Until the programs are compiled, and every cache is warm. */
const WARM_UP = 10;
const CHANGES_PER_SECOND = 10_000;
const CHANGING_MS = 5000;
const largest = Number(process.argv[2] ?? 10_000);

const SERVER = `require('node:net').createServer((s) => { s.on('error', () => {}); s.end('x'); }).listen(${PORT}, '0.0.0.0', 4096, () => console.log('up'));`;
/**
 * Connects to each target for a time, one connection after the other, and so in as many turns; prints how many there
 * were in each turn and the errors. Every second turn goes through the targets backwards: none is always the later one.
 * A reset leaves no TIME_WAIT.
 */
const CONNECT = `
const net = require('node:net');
const [turns, ms, ...targets] = process.argv.slice(1);
const errors = {};
const once = (host, port) => new Promise((resolve) => {
  const socket = net.connect({ host, port });
  let isDone = false;
  const done = (code) => {
    if (isDone) return;
    isDone = true;
    if (code !== undefined) errors[code] = (errors[code] ?? 0) + 1;
    socket.resetAndDestroy();
    resolve(code === undefined ? 1 : 0);
  };
  socket.on('data', () => done());
  socket.on('error', (error) => done(error.code));
  socket.on('close', () => done('CLOSED'));
  socket.setTimeout(1000, () => done('TIMEOUT'));
});
(async () => {
  const counts = targets.map(() => []);
  const order = [...targets.keys()];
  for (let turn = 0; turn < Number(turns); turn++) {
    for (const target of order) {
      const [host, port] = targets[target].split(':');
      let count = 0;
      for (const end = performance.now() + Number(ms); performance.now() < end;) count += await once(host, Number(port));
      counts[target].push(count);
    }
    order.reverse();
  }
  console.log(JSON.stringify({ counts, errors }));
  process.exit(0);
})();
`;

interface Outcome {
  /** Of each target, of each turn. */
  readonly counts: readonly (readonly number[])[];
  readonly errors: Readonly<Record<string, number>>;
}

function start(netns: number, code: string, ...args: readonly string[]): ChildProcess {
  return inNetns(netns, () => spawn(process.execPath, ['-e', code, ...args], { stdio: ['ignore', 'pipe', 'inherit'] }));
}

async function connect(netns: number, turns: number, ms: number, ...targets: readonly string[]): Promise<Outcome> {
  const child = start(netns, CONNECT, String(turns), String(ms), ...targets);
  let output = '';
  child.stdout?.on('data', (text: Buffer) => (output += text.toString()));
  await once(child, 'close');
  return JSON.parse(output) as Outcome;
}

function set(object: Extract<ObjectChange, { kind: 'set' }>['object']): ObjectChange {
  return { kind: 'set', object };
}

function web(endpoints: number): ObjectChange {
  return set(slice('web', PODS.slice(0, endpoints), [{ port: PORT }]));
}

function other(index: number): ObjectChange {
  return set(service(`other-${index}`, `10.97.${index >> 8}.${index & 255}`, [{ port: 80 }]));
}

function otherSlice(index: number, isWhole: boolean): ObjectChange {
  const endpoints = [`10.200.${index >> 8}.${index & 255} node=b`, `10.201.${index >> 8}.${index & 255} node=b`];
  return set(slice(`other-${index}`, isWhole ? endpoints : endpoints.slice(1), [{ port: PORT }]));
}

function quantile(list: readonly number[], q: number): number {
  return list.toSorted((a, b) => a - b)[Math.floor(q * (list.length - 1))] ?? Number.NaN;
}

/** The middle of the turns; all have to be without errors. */
async function compare(netns: number): Promise<string> {
  const turns = await connect(netns, WARM_UP + TURNS, TURN_MS, `${PODS[0]}:${PORT}`, `${VIP}:80`);
  if (Object.keys(turns.errors).length > 0) throw new Error(JSON.stringify(turns.errors));
  const [direct = [], through = []] = turns.counts.map((counts) => counts.slice(WARM_UP));
  const ratios = through.map((count, turn) => count / (direct[turn] ?? Number.NaN));
  const rate = (counts: readonly number[]): string => `${((quantile(counts, 0.5) / TURN_MS) * 1000).toFixed(0)}/s`;
  const [low, ratio, high] = [0.25, 0.5, 0.75].map((q) => quantile(ratios, q).toFixed(3));
  return `${rate(direct)} | ${rate(through)} | ${ratio} (${low} to ${high})`;
}

/** Counts what really goes into the kernel. */
class Counter implements SyncObserver {
  transactions = 0;

  synced(): void {
    this.transactions++;
  }

  failed(): void {
    throw new Error('the rules could not be programmed');
  }

  watch(): void {}
  changed(): void {}
  settled(): void {}
  flowsReconciled(): void {}
}

/**
 * 10,000 endpoint changes a second, half of them of the Service that is asked, the others of all others in turn. They are
 * noted as they come due; the proxy makes a transaction of what came in one turn of the event loop, as always.
 */
async function change(proxy: Proxy, services: number): Promise<number> {
  const began = systemClock.monotonic();
  let done = 0;
  for (;;) {
    const passed = systemClock.monotonic() - began;
    if (passed >= CHANGING_MS) break;
    for (; done < (passed / 1000) * CHANGES_PER_SECOND; done++) {
      const isWeb = done % 2 === 0;
      proxy.note(isWeb ? web(1 + ((done >> 1) % PODS.length)) : otherSlice((done >> 2) % services, done % 4 === 1));
    }
    await setImmediate();
  }
  await proxy.settled();
  return (done / (systemClock.monotonic() - began)) * 1000;
}

const hasIptables = spawnSync('iptables', ['--version']).status === 0;
console.log('mode | Services | direct | through the address | ratio (half of the turns)');
for (const mode of ['nftables', 'iptables'] as const) {
  if (mode === 'iptables' && !hasIptables) continue;
  await using network = new Network();
  const client = network.addPod(CLIENT);
  const servers = await Promise.all(
    PODS.map(async (pod) => {
      const server = start(network.addPod(pod), SERVER);
      if (server.stdout !== null) await once(server.stdout, 'data');
      return server;
    }),
  );
  using socket = inNetns(network.node, () => NftablesSocket.open());
  const rules = mode === 'nftables' ? { socket } : { iptables: { netns: network.node } };
  const serviceCidrs = [cidr('10.96.0.0/12')];
  const observer = new Counter();
  const proxy = new Proxy({ nodeName: 'a', ...rules, serviceCidrs, observer, clock: systemClock, log: silentLog });
  for (const one of [set(service('web', VIP, [{ port: 80 }])), web(1)]) proxy.note(one);
  proxy.start();
  await proxy.settled();
  for (const services of [1, largest]) {
    for (let i = 0; i < services - 1; i++) for (const one of [other(i), otherSlice(i, true)]) proxy.note(one);
    await proxy.settled();
    console.log(`${mode} | ${services} | ${await compare(client)}`);
  }
  const asked = connect(client, 1, CHANGING_MS, `${VIP}:80`);
  const before = observer.transactions;
  const rate = await change(proxy, largest - 1);
  const { counts, errors } = await asked;
  const synced = ((observer.transactions - before) / CHANGING_MS) * 1000;
  const told = `${rate.toFixed(0)} changes/s in ${synced.toFixed(0)} transactions/s`;
  console.log(`${mode}, ${told}: ${counts[0]?.[0]} connections, errors ${JSON.stringify(errors)}`);
  proxy[Symbol.dispose]();
  for (const server of servers) server.kill('SIGKILL');
}
process.exit(0);
