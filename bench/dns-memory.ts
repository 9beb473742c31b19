/**
 * What `clusterip dns` has resident of 10,000 Services and 100,000 Pods behind them, at its highest in each of: the load from an
 * API server, every name asked for once, full load by dnsperf, 1,000 changes a second under that load, and quiet after it. With
 * `pods verified` and with `autopath` the Pods themselves are listed too.
 * Run: `bin/node bench/dns-memory.ts [insecure|verified|autopath ...]`. Needs dnsperf; about 40 s each.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { queryBytes, responseText } from '../src/dns/testing/ask.ts';
import { serviceName, SERVICES } from './dns-cluster.ts';

const PORT = 15_421;
const root = fileURLToPath(new URL('..', import.meta.url));
const modes: Readonly<Record<string, string>> = { insecure: '', verified: '', autopath: ' autopath @kubernetes\n' };

async function ask(name: string, type = 'A'): Promise<string> {
  const socket = createSocket('udp4');
  try {
    const message = once(socket, 'message', { signal: AbortSignal.timeout(200) }) as Promise<[Buffer]>;
    socket.on('error', () => {});
    socket.send(queryBytes(name, type), PORT, '127.0.0.1');
    return responseText((await message)[0]);
  } catch {
    return 'nothing';
  } finally {
    socket.close();
  }
}

/** Megabytes of a field of `/proc/PID/status`. */
function megabytes(pid: number, field: 'VmHWM' | 'VmRSS' | 'RssAnon'): number {
  const kb = new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
  return (Number(kb) * 1024) / 1e6;
}

/** While something goes on. */
async function highest<T>(pid: number, title: string, during: Promise<T>): Promise<T> {
  // The kernel's own mark of the highest begins again.
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
  const result = await during;
  console.log(
    `  ${title.padEnd(34)} ${megabytes(pid, 'VmHWM').toFixed(1)} MB at its highest; ` +
      `${megabytes(pid, 'VmRSS').toFixed(1)} MB at the end, of which its own ${megabytes(pid, 'RssAnon').toFixed(1)} MB`,
  );
  return result;
}

async function untilKnown(): Promise<void> {
  for (let tries = 0; !(await ask(serviceName(SERVICES - 1))).startsWith('NOERROR'); tries++) {
    assert.ok(tries < 1200, 'it does not answer');
    await setTimeout(50);
  }
}

async function dnsperf(...args: readonly string[]): Promise<void> {
  const child = spawn('dnsperf', ['-s', '127.0.0.1', '-p', `${PORT}`, ...args], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  await once(child, 'close');
  const figure = (label: string): number => Number(new RegExp(`${label}:\\s+([\\d.]+)`).exec(output)?.[1]);
  assert.ok(figure('Queries completed') > 0 && figure('Queries lost') < 100, output);
}

async function measure(mode: string, directory: string, children: ChildProcess[]): Promise<void> {
  const main = fileURLToPath(new URL('peers/dns-api-main.ts', import.meta.url));
  const api = spawn(process.execPath, [main, ...(mode === 'insecure' ? [] : ['pods'])], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  children.push(api);
  const [line] = (await once(api.stdout, 'data')) as [Buffer];
  const pods = mode === 'insecure' ? mode : 'verified';
  const file = join(directory, 'Corefile');
  const kubernetes = `kubernetes cluster.local in-addr.arpa {\n endpoint ${line.toString().trim()}\n pods ${pods}\n }`;
  writeFileSync(file, `.:${PORT} {\n bind 127.0.0.1\n ${kubernetes}\n${modes[mode] ?? ''} }\n`);
  // Sources that were changed are stripped and compiled by the first start, which takes memory of its own.
  spawnSync(join(root, 'bin/clusterip'), ['dns', '--corefile', file, '--check']);
  const dns = spawn(join(root, 'bin/clusterip'), ['dns', '--corefile', file], { stdio: 'ignore' });
  children.push(dns);
  const pid = dns.pid ?? 0;
  console.log(`pods ${pods}${mode === 'autopath' ? ', autopath' : ''}`);
  await highest(pid, 'while it loads', untilKnown());
  const queries = join(directory, 'queries');
  const names = Array.from({ length: SERVICES }, (_, i) => serviceName((i * 7919) % SERVICES));
  writeFileSync(queries, names.map((name) => `${name} A\n${name} SRV\n`).join(''));
  await highest(pid, 'every name asked for, A and SRV', dnsperf('-d', queries, '-n', '1', '-q', '100'));
  const full = ['-d', queries, '-l', '8', '-c', '8', '-q', '100'];
  await highest(pid, 'full load', dnsperf(...full));
  api.stdin.write('rate 1000\n');
  await highest(pid, 'full load and 1,000 changes/s', dnsperf(...full));
  await highest(pid, '1,000 changes/s alone', setTimeout(5000));
  api.stdin.write('rate 0\n');
  await highest(pid, 'quiet', setTimeout(11_000));
}

if (spawnSync('sh', ['-c', 'command -v dnsperf']).status !== 0) {
  console.error('no dnsperf on PATH');
  process.exit(1);
}
console.log(`${SERVICES} Services, 100,000 Pods behind them; the load of the machine is ${loadavg()[0]?.toFixed(1)}`);
for (const mode of process.argv.length > 2 ? process.argv.slice(2) : Object.keys(modes)) {
  const directory = mkdtempSync(join(tmpdir(), 'bench-dns-'));
  const children: ChildProcess[] = [];
  try {
    await measure(mode, directory, children);
  } finally {
    for (const child of children) child.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  }
}
process.exit(0);
