/**
 * New TCP connections through a cluster address beside direct ones, with 1 and with 10,000 Services, in each mode; then
 * what goes wrong while endpoints change 10,000 times a second. Real packets between network namespaces of its own.
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
import { Proxy, type ObjectChange } from '#proxy/sync.ts';
import { cidr, Network } from '#proxy/testing/network.ts';
import { service, slice } from '#proxy/testing/objects.ts';

isolateTestFile();
settleInOwnNetns();

const PODS = ['10.244.0.11', '10.244.0.12', '10.244.0.13'];
const CLIENT = '10.244.0.10';
const VIP = '10.96.0.50';
const PORT = 8080;
const ROUNDS = 5;
const ROUND_MS = 1000;
const CHANGES_PER_SECOND = 10_000;
const CHANGING_MS = 5000;
const largest = Number(process.argv[2] ?? 10_000);

const SERVER = `require('node:net').createServer((s) => { s.on('error', () => {}); s.end('x'); }).listen(${PORT}, '0.0.0.0', 4096, () => console.log('up'));`;
/** One connection after the other for a time; prints how many there were and the errors. A reset leaves no TIME_WAIT. */
const CONNECT = `
const net = require('node:net');
const [host, port, ms] = process.argv.slice(1);
const end = performance.now() + Number(ms);
let count = 0;
const errors = {};
const next = () => {
  if (performance.now() > end) { console.log(JSON.stringify({ count, errors })); process.exit(0); }
  const socket = net.connect({ host, port: Number(port) });
  let isDone = false;
  const done = (code) => {
    if (isDone) return;
    isDone = true;
    if (code === undefined) count++;
    else errors[code] = (errors[code] ?? 0) + 1;
    socket.resetAndDestroy();
    next();
  };
  socket.on('data', () => done());
  socket.on('error', (error) => done(error.code));
  socket.on('close', () => done('CLOSED'));
  socket.setTimeout(1000, () => done('TIMEOUT'));
};
next();
`;

interface Outcome {
  readonly count: number;
  readonly errors: Readonly<Record<string, number>>;
}

function start(netns: number, code: string, ...args: readonly string[]): ChildProcess {
  return inNetns(netns, () => spawn(process.execPath, ['-e', code, ...args], { stdio: ['ignore', 'pipe', 'inherit'] }));
}

async function connect(netns: number, host: string, port: number, ms: number): Promise<Outcome> {
  const child = start(netns, CONNECT, host, String(port), String(ms));
  let output = '';
  child.stdout?.on('data', (text: Buffer) => (output += text.toString()));
  await once(child, 'close');
  return JSON.parse(output) as Outcome;
}

function set(...objects: readonly Extract<ObjectChange, { kind: 'set' }>['object'][]): ObjectChange[] {
  return objects.map((object) => ({ kind: 'set', object }));
}

function other(index: number, isWhole: boolean): ObjectChange[] {
  const address = `10.97.${index >> 8}.${index & 255}`;
  const name = `other-${index}`;
  const endpoints = [`10.200.${index >> 8}.${index & 255} node=b`, `10.201.${index >> 8}.${index & 255} node=b`];
  const slices = set(slice(name, isWhole ? endpoints : endpoints.slice(1), [{ port: PORT }]));
  return isWhole ? [...set(service(name, address, [{ port: 80 }])), ...slices] : slices;
}

/** The middle of the rounds, direct and through the address in turn; both have to be without errors. */
async function compare(netns: number): Promise<{ readonly direct: number; readonly through: number }> {
  const rates = { direct: [] as number[], through: [] as number[] };
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, host, port] of [['direct', PODS[0] ?? '', PORT] as const, ['through', VIP, 80] as const]) {
      const { count, errors } = await connect(netns, host, port, ROUND_MS);
      if (Object.keys(errors).length > 0) throw new Error(`${name}: ${JSON.stringify(errors)}`);
      rates[name].push((count / ROUND_MS) * 1000);
    }
  }
  const middle = (list: number[]): number => list.sort((a, b) => a - b)[ROUNDS >> 1] ?? Number.NaN;
  return { direct: middle(rates.direct), through: middle(rates.through) };
}

/** At 10,000 changes a second: of the Service that is asked, and of all others in turn. */
async function change(proxy: Proxy, services: number): Promise<number> {
  const began = systemClock.monotonic();
  let done = 0;
  for (;;) {
    const passed = systemClock.monotonic() - began;
    if (passed >= CHANGING_MS) return (done / passed) * 1000;
    for (; done < (passed / 1000) * CHANGES_PER_SECOND; done++) {
      const some = PODS.slice(0, 1 + (done % PODS.length));
      proxy.apply(
        done % 2 === 0 ? set(slice('web', some, [{ port: PORT }])) : other((done >> 2) % services, done % 4 === 1),
      );
    }
    await setImmediate();
  }
}

const hasIptables = spawnSync('iptables', ['--version']).status === 0;
console.log('mode | Services | direct | through the address | ratio');
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
  const proxy = new Proxy({ nodeName: 'a', ...rules, serviceCidrs, clock: systemClock, log: silentLog });
  for (const one of set(service('web', VIP, [{ port: 80 }]), slice('web', PODS.slice(0, 1), [{ port: PORT }])))
    proxy.note(one);
  proxy.start();
  await proxy.settled();
  for (const services of [1, largest]) {
    for (let i = 0; i < services - 1; i++) for (const one of other(i, true)) proxy.note(one);
    await proxy.settled();
    const { direct, through } = await compare(client);
    const text = `${mode} | ${services} | ${direct.toFixed(0)}/s | ${through.toFixed(0)}/s | ${(through / direct).toFixed(2)}`;
    console.log(text);
  }
  if (mode === 'nftables') {
    const asked = connect(client, VIP, 80, CHANGING_MS);
    const rate = await change(proxy, largest - 1);
    const { count, errors } = await asked;
    console.log(`under ${rate.toFixed(0)} changes/s: ${count} connections, errors ${JSON.stringify(errors)}`);
  }
  proxy[Symbol.dispose]();
  for (const server of servers) server.kill('SIGKILL');
}
process.exit(0);
