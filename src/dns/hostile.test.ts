/** Bytes that nobody means well by: from clients over UDP and TCP, and from the servers that we ask. Bounded in count. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import test from 'node:test';
import { decode } from 'dns-packet';
import fc from 'fast-check';
import { systemClock } from '#base/clock.ts';
import { silentLog } from '#base/log.ts';
import { startDnsServer } from './dns-server.ts';
import { createForwarder } from './forward-socket.ts';
import { parseCorefile } from './corefile/corefile.ts';
import { readServers } from './corefile/servers.ts';
import { rewriteHandler } from './rewrite-handler.ts';
import { forwardHandler } from './forward-handler.ts';
import { parseHosts } from './hosts.ts';
import { hostsHandler } from './hosts-handler.ts';
import { resolveWith } from './resolver.ts';
import { queryBytes } from './testing/ask.ts';
import { testZone } from './testing/cluster.ts';
import { testResolver } from './testing/resolver.ts';
import { upstreamServer } from './testing/upstream-server.ts';

/** A port that is free for UDP and TCP at this moment. */
async function serve(): Promise<{ readonly port: number; readonly close: () => void }> {
  const resolve = testResolver(testZone());
  for (let tries = 0; ; tries++) {
    const port = 20_000 + Math.floor(Math.random() * 20_000);
    const server = startDnsServer({ resolve, listen: { host: '127.0.0.1', port }, clock: systemClock, log: silentLog });
    try {
      await server.ready;
      return { port, close: () => server.close() };
    } catch (error) {
      if (tries > 10) throw error;
    }
  }
}

const anyBytes = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
/** A query that was well-formed before some of its bytes were changed. */
const bent = fc
  .tuple(
    fc.constantFrom('web.ns.svc.cluster.local', 'many.ns.svc.cluster.local', 'a.test', 'seven.test'),
    fc.constantFrom('A', 'SRV', 'ANY', 'AXFR', 'PTR'),
    fc.array(fc.tuple(fc.nat(80), fc.nat(255)), { maxLength: 4 }),
  )
  .map(([name, type, changes]) => {
    const bytes = queryBytes(name, type, { edns: 1232 });
    for (const [at, value] of changes) bytes[at % bytes.length] = value;
    return bytes;
  });

test('whatever comes over UDP, the next question is answered', async () => {
  const { port, close } = await serve();
  const socket = createSocket('udp4');
  try {
    socket.on('error', () => {});
    const send = (bytes: Buffer): Promise<void> =>
      new Promise((done) => socket.send(bytes, port, '127.0.0.1', () => done()));
    await fc.assert(fc.asyncProperty(fc.oneof(anyBytes, bent), send), { numRuns: 500 });
    await send(Buffer.alloc(9000, 1));
    const asked = queryBytes('web.ns.svc.cluster.local', 'A', { id: 0xabcd });
    const patience = AbortSignal.timeout(20_000);
    const answered = (async () => {
      for (;;) {
        const [bytes] = (await once(socket, 'message', { signal: patience })) as [Buffer];
        if (bytes.readUInt16BE(0) === 0xabcd && decode(bytes).answers?.length === 1) return;
      }
    })();
    // It may be lost among so many.
    const again = setInterval(() => void send(asked), 50);
    await answered;
    clearInterval(again);
  } finally {
    socket.close();
    close();
  }
});

test('whatever comes over TCP, in whatever pieces, another connection is answered', async () => {
  const { port, close } = await serve();
  try {
    const pieces = fc.array(fc.oneof(anyBytes, bent), { maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(pieces, async (chunks) => {
        const socket = connect(port, '127.0.0.1');
        socket.on('error', () => {});
        socket.resume();
        for (const chunk of chunks) socket.write(chunk);
        socket.end();
        await systemClock.sleep(1);
        socket.destroy();
      }),
      { numRuns: 100 },
    );
    const good = connect(port, '127.0.0.1');
    const bytes = queryBytes('web.ns.svc.cluster.local');
    const length = Buffer.alloc(2);
    length.writeUInt16BE(bytes.length);
    good.write(Buffer.concat([length, bytes]));
    const [answer] = (await once(good, 'data', { signal: AbortSignal.timeout(20_000) })) as [Buffer];
    assert.equal(decode(answer.subarray(2)).answers?.length, 1);
    good.destroy();
  } finally {
    close();
  }
});

test('whatever other servers say, and through rewriting, every answer is one to the question', async () => {
  let said: Buffer = Buffer.alloc(0);
  await using upstream = await upstreamServer((name, _transport, packet) => {
    const head = queryBytes(name, 'A', { id: packet.id ?? 0 });
    head.writeUInt16BE(0x8180, 2);
    // Counts of records that may not be there, and bytes that may be none.
    head.writeUInt16BE(said.readUInt8(0) % 4, 6);
    head.writeUInt16BE(said.readUInt8(1) % 3, 8);
    return Buffer.concat([head, said.subarray(2)]);
  });
  const forwarder = createForwarder({
    upstreams: [upstream.address],
    clock: systemClock,
    timeoutMs: 200,
    keeps: () => false,
  });
  const rules = readServers(
    parseCorefile({
      file: 'Corefile',
      text: '. {\n rewrite name suffix .from.test .to.test answer auto\n forward . 127.0.0.1\n}',
    }),
  ).flatMap(({ rewrites }) => rewrites);
  const hosts = parseHosts('192.0.2.7 seven.test');
  const next = forwardHandler({ forwarder });
  const found = hostsHandler({ hosts: () => hosts, zones: ['\0'], ttl: 5, reverse: true, fallthrough: ['\0'], next });
  const resolve = resolveWith(rewriteHandler(rules, found));
  /** A record of a name that points at itself or backwards, with a length that is right or not. */
  const record = fc
    .tuple(
      fc.constantFrom('c00c', 'c02c', 'c0ff', '00', '0161c00c'),
      fc.constantFrom(1, 5, 6, 16, 33, 41, 250),
      fc.nat(20),
      anyBytes,
    )
    .map(([name, type, length, data]) => {
      const fixed = Buffer.alloc(10);
      fixed.writeUInt16BE(type, 0);
      fixed.writeUInt16BE(1, 2);
      fixed.writeUInt16BE(length, 8);
      return Buffer.concat([Buffer.from(name, 'hex'), fixed, data.subarray(0, 20)]);
    });
  const answers = fc.tuple(fc.nat(255), fc.nat(255), fc.array(record, { maxLength: 3 }), anyBytes);
  try {
    await fc.assert(
      fc.asyncProperty(answers, fc.constantFrom('a.from.test', 'a.test'), async ([a, b, records, tail], name) => {
        said = Buffer.concat([Buffer.from([a, b]), ...records, tail.subarray(0, 20)]);
        const query = queryBytes(name, 'A', { edns: 1232, id: 99 });
        const answer = Buffer.from((await resolve(query, 'udp')) ?? []);
        assert.ok(answer.length >= 12 && answer.length <= 1232);
        assert.equal(answer.readUInt16BE(0), 99);
        assert.equal(
          answer.toString('latin1', 12, 12 + name.length + 2),
          query.toString('latin1', 12, 12 + name.length + 2),
        );
      }),
      { numRuns: 300, interruptAfterTimeLimit: 10_000 },
    );
  } finally {
    forwarder.close();
  }
});

test('no text of a Corefile does more than be refused', () => {
  const word = fc.oneof(
    fc.constantFrom(
      '.',
      '.:53',
      '{',
      '}',
      '"',
      '#',
      'kubernetes',
      'cluster.local',
      'forward',
      '/etc/resolv.conf',
      'cache',
      'hosts',
    ),
    fc.constantFrom(
      'rewrite',
      'template ANY ANY',
      'match',
      'answer',
      '"{{ .Name }} 60 IN A {{ index .Match 1 }}"',
      '{{',
      'bind',
      'chaos',
      'name',
      'regex',
      '(',
      'import',
      '(a)',
      'a',
      '10.0.0.0/8',
      'fd00::/3',
      'reload',
      '5s',
      'log',
      '\n',
      '\n',
    ),
    fc.string({ maxLength: 8 }),
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 30 }), (words) => {
      try {
        readServers(parseCorefile({ file: 'Corefile', text: words.join(' ') }));
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'ECOREFILE', String(error));
      }
    }),
    { numRuns: 3000, interruptAfterTimeLimit: 5000 },
  );
});
