/**
 * Services with addresses created a second: ours in process on a durable SQLite store, and a kube-apiserver over HTTPS on
 * an etcd that need not sync, where there is one. Every address is checked to be given once.
 * Run: `bin/node bench/peers/service-creates.ts [COUNT] [WRITERS]`.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TestServer } from '../../src/apiserver/testing/test-server.ts';
import type { Ask } from '../../src/apiserver/services/rules/rule-case.ts';
import { parseCidr } from '../../src/base/cidr.ts';
import { systemClock } from '../../src/base/clock.ts';
import { openSqliteStore } from '../../src/store/sqlite-store.ts';
import { KubeApiServer, peerMissing } from './kube-apiserver.ts';
import { askOf } from './own-server.ts';

const RANGE = '10.96.0.0/12';
const count = Number(process.argv[2] ?? 10_000);
const writers = Number(process.argv[3] ?? 100);

interface Created {
  readonly spec: { readonly clusterIP: string };
}

async function measure(name: string, ask: Ask): Promise<void> {
  const path = '/api/v1/namespaces/default/services';
  const given = new Set<string>();
  const waits: number[] = [];
  let next = 0;
  const start = systemClock.monotonic();
  const write = async (): Promise<void> => {
    for (let i = next++; i < count; i = next++) {
      const body = { metadata: { name: `s${i}` }, spec: { ports: [{ port: 80 }], selector: { app: `a${i}` } } };
      const before = systemClock.monotonic();
      const answer = await ask({ method: 'POST', path, body: { apiVersion: 'v1', kind: 'Service', ...body } });
      waits.push(systemClock.monotonic() - before);
      assert.equal(answer.status, 201, JSON.stringify(answer.body));
      given.add((answer.body as Created).spec.clusterIP);
    }
  };
  await Promise.all(Array.from({ length: writers }, write));
  const seconds = (systemClock.monotonic() - start) / 1_000;
  assert.equal(given.size, count);
  const sorted = waits.toSorted((a, b) => a - b);
  const at = (part: number): string => (sorted[Math.floor(part * (sorted.length - 1))] ?? 0).toFixed(1);
  const rate = Math.round(count / seconds);
  console.log(`${name}: ${count} Services, ${writers} writers: ${rate}/s, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`);
}

async function measureOurs(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'bench-services-'));
  try {
    const cidr = parseCidr(RANGE);
    assert.ok(cidr);
    await using store = await openSqliteStore({ path: join(directory, 'store.db'), clock: systemClock });
    const options = { store, clock: systemClock, serviceCidrs: [cidr], keepRanges: true };
    await using server = await TestServer.start(options);
    await measure('clusterip', askOf(server));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

await measureOurs();
const missing = peerMissing();
if (missing === undefined) {
  await using peer = await KubeApiServer.start([RANGE]);
  await measure('kube-apiserver', peer.ask);
} else {
  console.log(`kube-apiserver: not measured, ${missing}`);
}
