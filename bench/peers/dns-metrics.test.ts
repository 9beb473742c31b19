/**
 * The metrics of `clusterip dns` beside those of CoreDNS, both with the same Corefile and cluster, and asked the same: every
 * family of theirs is there with its type and its labels, and what can be counted alike is.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { until } from '../../src/dns/testing/until.ts';
import { CLUSTER } from '../../src/dns/comparison/cluster-objects.ts';
import { queryBytes } from '../../src/dns/testing/ask.ts';
import { staticApi } from '../../src/dns/testing/static-api.ts';
import { a, soa, upstreamServer } from '../../src/dns/testing/upstream-server.ts';
import { CoreDns, corednsMissing } from './coredns.ts';

const CLUSTERIP = fileURLToPath(new URL('../../bin/clusterip', import.meta.url));

/** Of Go itself, of a plugin that is compiled into it and does nothing here, of a limit of requests that we have not. */
const NOT_OURS = /^coredns_local_|^go_|^process_(network|virtual_memory_max)|rest_client_rate_limiter/;

const QUESTIONS: readonly (readonly [string, string, object?])[] = [
  ['web.ns.svc.cluster.local', 'A'],
  ['none.ns.svc.cluster.local', 'A'],
  ['one.test', 'A'],
  ['one.test', 'A'],
  ['two.test', 'AAAA', { dnssecOk: true, edns: 1232 }],
  ['nx.test', 'A'],
  ['nx.test', 'A'],
  ['nine.test', 'A'],
];

interface Family {
  type: string;
  /** Names of labels, of each kind of line. */
  readonly labels: Set<string>;
  readonly lines: Map<string, number>;
}

function parsed(text: string): ReadonlyMap<string, Family> {
  const families = new Map<string, Family>();
  for (const line of text.split('\n')) {
    const [, typed, type = ''] = /^# TYPE (\S+) (\S+)/.exec(line) ?? [];
    if (typed !== undefined) families.set(typed, { type, labels: new Set(), lines: new Map() });
    const [, name = '', labels = '', value] = /^([a-z]\w*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    const family = families.get(name) ?? families.get(name.replace(/_(bucket|sum|count)$/, ''));
    if (value === undefined || family === undefined) continue;
    const pairs = [...labels.matchAll(/(\w+)="([^"]*)"/g)]
      .map(([, label = '', own = '']) => [label, own] as const)
      .toSorted();
    family.labels.add(pairs.map(([label]) => label).join(','));
    family.lines.set(`${name} ${pairs.map((pair) => pair.join('=')).join(' ')}`, Number(value));
  }
  return families;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function ask(port: number, [name, type, options]: (typeof QUESTIONS)[number]): Promise<void> {
  const socket = createSocket('udp4');
  const message = once(socket, 'message', { signal: AbortSignal.timeout(20_000) });
  socket.send(queryBytes(name, type, options), port, '127.0.0.1');
  await message;
  socket.close();
}

test('every metric of CoreDNS', { skip: corednsMissing() ?? false, timeout: 120_000 }, async () => {
  const directory = mkdtempSync(join(tmpdir(), 'dns-metrics-'));
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rmSync(directory, { recursive: true }));
  const api = stack.use(await staticApi({ ...CLUSTER }));
  const upstream = stack.use(
    await upstreamServer((name) =>
      name === 'nx.test' ? { rcode: 3, authorities: [soa('test', 60, 60)] } : { answers: [a(name, '192.0.2.1', 60)] },
    ),
  );
  writeFileSync(join(directory, 'hosts'), '192.0.2.9 nine.test\n');
  const scraped: ReadonlyMap<string, Family>[] = [];
  for (const who of ['CoreDNS', 'clusterip'] as const) {
    const [dns, metrics, health] = [await freePort(), await freePort(), await freePort()];
    const corefile = `.:${dns} {
      bind 127.0.0.1
      errors
      health 127.0.0.1:${health}
      prometheus 127.0.0.1:${metrics}
      autopath @kubernetes
      hosts ${join(directory, 'hosts')} {
        fallthrough
      }
      kubernetes cluster.local {
        endpoint ${api.url}
        pods verified
      }
      forward . ${upstream.address} {
        max_concurrent 100
      }
      cache 30
      loadbalance
      reload
    }\n`;
    if (who === 'CoreDNS') await stack.use(new CoreDns(corefile)).ready();
    else {
      writeFileSync(join(directory, 'Corefile'), corefile);
      const child = spawn(CLUSTERIP, ['dns', '--corefile', join(directory, 'Corefile')], {
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      stack.defer(() => void child.kill('SIGKILL'));
      let said = '';
      child.stderr.on('data', (text) => (said += String(text)));
      await until(
        'it is ready',
        () => said.includes('cluster is known'),
        () => said,
      );
    }
    for (const question of QUESTIONS) await ask(dns, question);
    const scrape = async (): Promise<string> => (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text();
    // It looks at itself once a second.
    await until(
      'health is looked at',
      async () => /health_request_duration_seconds_count [1-9]/.test(await scrape()),
      scrape,
    );
    const text = await scrape();
    if (process.env['SHOW'] !== undefined) console.log(`=== ${who}\n${text}`);
    scraped.push(parsed(text.replaceAll(`127.0.0.1:${dns}`, 'DNS').replaceAll(api.url.slice(7), 'API')));
  }
  const [theirs, ours] = scraped;
  assert.ok(theirs !== undefined && ours !== undefined);
  const shape = ({ type, labels }: Family): string => `${type} {${[...labels].toSorted().join('} {')}}`;
  const wanted = [...theirs].filter(([name]) => !NOT_OURS.test(name));
  assert.deepEqual(
    wanted.map(([name]) => `${name} ${ours.has(name) ? shape(ours.get(name) as Family) : 'is missing'}`),
    wanted.map(([name, family]) => `${name} ${shape(family)}`),
  );
  assert.deepEqual(counted(ours), counted(theirs));
});

/** What does not depend on the time, nor on who answers: its cache has the names of the cluster too. */
function counted(families: ReadonlyMap<string, Family>): readonly string[] {
  const names =
    /^coredns_(dns_(requests|do_requests)_total|cache_hits|dns_request_(size|duration)\w*_count|forward_|hosts_entries|proxy_(request_duration_seconds_count|conn)|panics|reload_failed|health_request_failures)/;
  return [...families.values()]
    .flatMap(({ lines }) =>
      [...lines]
        .filter(([line, value]) => names.test(line) && !(value === 0 && line.includes('_count ')))
        .map(([line, value]) => `${line} ${value}`),
    )
    .toSorted();
}
