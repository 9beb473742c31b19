import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import test from 'node:test';
import { decode } from 'dns-packet';
import { type Clock, ManualClock, systemClock } from '#base/clock.ts';
import { silentLog } from '#base/log.ts';
import { startDnsServer, type DnsServer } from './dns-server.ts';
import type { Resolve } from './resolver.ts';
import { queryBytes, responseText } from './testing/ask.ts';
import { testZone } from './testing/cluster.ts';
import { testResolver } from './testing/resolver.ts';
import { until } from './testing/until.ts';

const HOST = '127.0.0.1';

interface Serving {
  readonly server: DnsServer;
  readonly port: number;
}

/** A port that is free for UDP and TCP at this moment. */
async function serve(resolve: Resolve, host = HOST, clock: Clock = systemClock): Promise<Serving> {
  for (let tries = 0; ; tries++) {
    const port = 20_000 + Math.floor(Math.random() * 20_000);
    const server = startDnsServer({ resolve, listen: { host, port }, clock, log: silentLog });
    try {
      await server.ready;
      return { server, port };
    } catch (error) {
      if (tries > 10) throw error;
    }
  }
}

function framed(bytes: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** The ids of the answers of a connection, as they come, until there are `count` or it is closed. */
async function idsOf(tcp: Socket, count: number): Promise<readonly number[]> {
  let received = Buffer.alloc(0);
  const ids: number[] = [];
  for await (const chunk of tcp) {
    received = Buffer.concat([received, chunk as Buffer]);
    while (received.length > 2 && received.length >= received.readUInt16BE(0) + 2) {
      ids.push(received.readUInt16BE(2));
      received = received.subarray(received.readUInt16BE(0) + 2);
    }
    if (ids.length >= count) break;
  }
  return ids;
}

async function askUdp(port: number, bytes: Buffer): Promise<string> {
  const socket = createSocket('udp4');
  socket.send(bytes, port, HOST);
  const [answer] = (await once(socket, 'message', { signal: AbortSignal.timeout(10_000) })) as [Buffer];
  socket.close();
  return responseText(answer);
}

test('answers over UDP, truncates what does not fit, and gives it whole over TCP', async () => {
  const { server, port } = await serve(testResolver(testZone()));
  try {
    assert.equal(
      await askUdp(port, queryBytes('Web.ns.svc.cluster.local')),
      'NOERROR | Web.ns.svc.cluster.local A 10.96.0.7',
    );
    assert.match(await askUdp(port, queryBytes('many.ns.svc.cluster.local')), /^NOERROR tc \| many/);
    const tcp = connect(port, HOST);
    // Two queries in one write: the answers come back in any order, each framed.
    for (const id of [1, 2]) {
      const bytes = queryBytes('many.ns.svc.cluster.local', 'A', { id });
      const length = Buffer.alloc(2);
      length.writeUInt16BE(bytes.length);
      tcp.write(Buffer.concat([length, bytes]));
    }
    let received = Buffer.alloc(0);
    const ids: number[] = [];
    for await (const chunk of tcp) {
      received = Buffer.concat([received, chunk as Buffer]);
      while (received.length > 2 && received.length >= received.readUInt16BE(0) + 2) {
        const packet = decode(received.subarray(2, received.readUInt16BE(0) + 2));
        ids.push(packet.id ?? -1);
        assert.equal(packet.answers?.length, 200);
        received = received.subarray(received.readUInt16BE(0) + 2);
      }
      if (ids.length === 2) break;
    }
    assert.deepEqual(
      ids.toSorted((a, b) => a - b),
      [1, 2],
    );
  } finally {
    server.close();
  }
});

test('a batch of datagrams from many clients: each gets its own answer, also one that takes longer', async () => {
  const inner = testResolver(testZone());
  const slow = new Map<number, () => void>();
  const { server, port } = await serve((bytes, transport, client) => {
    const answer = inner(bytes, transport, client);
    const id = bytes.readUInt16BE(0);
    if (id % 3 !== 0) return answer;
    return new Promise((resolve) => slow.set(id, () => resolve(answer)));
  });
  const sockets = Array.from({ length: 4 }, () => createSocket('udp4'));
  try {
    const seen = sockets.map(() => new Set<number>());
    for (const [i, socket] of sockets.entries()) socket.on('message', (bytes) => seen[i]?.add(bytes.readUInt16BE(0)));
    for (let id = 0; id < 400; id++) {
      sockets[id % 4]?.send(queryBytes('web.ns.svc.cluster.local', 'A', { id }), port, HOST);
      if (id % 50 === 49) await systemClock.sleep(1);
    }
    const expected = sockets.map((_, i) => Array.from({ length: 100 }, (__, n) => 4 * n + i));
    const count = (): number => seen.reduce((sum, { size }) => sum + size, 0);
    await until(
      'all are asked or answered',
      () => slow.size + count() >= 400,
      () => `${slow.size} ${count()}`,
    );
    for (const release of slow.values()) release();
    await until('all are answered', () => count() >= 400, count);
    assert.deepEqual(
      seen.map((ids) => [...ids].toSorted((a, b) => a - b)),
      expected,
    );
  } finally {
    for (const socket of sockets) socket.close();
    server.close();
  }
});

test('answers come from the address that was asked, on a socket of all addresses', async () => {
  const { server, port } = await serve(testResolver(testZone()), '');
  try {
    for (const [family, host] of [
      ['udp4', '127.0.0.1'],
      ['udp4', '127.0.0.53'],
      ['udp6', '::1'],
    ] as const) {
      if (family === 'udp6' && !existsSync('/proc/net/if_inet6')) continue;
      const socket = createSocket(family);
      // A connected socket takes answers from nobody else.
      await new Promise<void>((resolve) => socket.connect(port, host, () => resolve()));
      socket.send(queryBytes('web.ns.svc.cluster.local'));
      const [answer] = (await once(socket, 'message', { signal: AbortSignal.timeout(10_000) })) as [Buffer];
      assert.equal(responseText(answer), 'NOERROR | web.ns.svc.cluster.local A 10.96.0.7', host);
      socket.close();
    }
  } finally {
    server.close();
  }
});

test('a connection may ask many at once, and answers come as they are there', async () => {
  const inner = testResolver(testZone());
  let release = (): void => {};
  const { server, port } = await serve((bytes, transport) => {
    const answer = inner(bytes, transport);
    const id = bytes.readUInt16BE(0);
    if (id === 299) queueMicrotask(() => release());
    return id === 0 ? new Promise((resolve) => (release = () => resolve(answer))) : answer;
  });
  try {
    const tcp = connect(port, HOST);
    const queries = Array.from({ length: 300 }, (_, id) => framed(queryBytes('web.ns.svc.cluster.local', 'A', { id })));
    tcp.end(Buffer.concat(queries));
    const ids = await idsOf(tcp, 300);
    assert.equal(ids.at(-1), 0);
    assert.deepEqual(
      ids.toSorted((a, b) => a - b),
      queries.map((_, id) => id),
    );
  } finally {
    server.close();
  }
});

test('who does not read its answers is not read from any more; who asks byte by byte is cut off', async () => {
  let asked = 0;
  const inner = testResolver(testZone());
  const clock = new ManualClock();
  const count: Resolve = (bytes, transport) => {
    asked++;
    return inner(bytes, transport);
  };
  const { server, port } = await serve(count, HOST, clock);
  try {
    const greedy = connect(port, HOST);
    greedy.pause();
    const query = framed(queryBytes('many.ns.svc.cluster.local'));
    const many = Buffer.concat(Array.from({ length: 20_000 }, () => query));
    greedy.on('error', () => {});
    greedy.write(many);
    let before = -1;
    const stands = async (): Promise<boolean> => {
      before = asked;
      await systemClock.sleep(100);
      return before === asked;
    };
    await until('no more are taken in', stands, () => asked);
    // Answers are 3 kB each: what fits into the kernel's buffers and ours, and not 60 MB.
    assert.ok(asked > 0 && asked < 10_000, `${asked}`);
    greedy.destroy();
    const dripping = connect(port, HOST);
    const closed = once(dripping, 'close');
    dripping.on('error', () => {});
    dripping.resume();
    dripping.write(query.subarray(0, 1));
    await systemClock.sleep(50);
    await clock.advance(9000);
    dripping.write(query.subarray(1, 2));
    await systemClock.sleep(50);
    assert.equal(dripping.destroyed, false);
    await clock.advance(1001);
    await closed;
  } finally {
    server.close();
  }
});
