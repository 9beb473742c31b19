import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import test from 'node:test';
import { decode } from 'dns-packet';
import { systemClock } from '#base/clock.ts';
import { silentLog } from '#base/log.ts';
import { startDnsServer, type DnsServer } from './dns-server.ts';
import { type Resolve } from './resolver.ts';
import { queryBytes, responseText } from './testing/ask.ts';
import { testZone } from './testing/cluster.ts';
import { testResolver } from './testing/resolver.ts';

const HOST = '127.0.0.1';

/** A port that is free for UDP and TCP at this moment. */
async function serve(resolve: Resolve): Promise<{ server: DnsServer; port: number }> {
  for (let tries = 0; ; tries++) {
    const port = 20_000 + Math.floor(Math.random() * 20_000);
    const server = startDnsServer({ resolve, listen: { host: HOST, port }, clock: systemClock, log: silentLog });
    try {
      await server.ready;
      return { server, port };
    } catch (error) {
      if (tries > 10) throw error;
    }
  }
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
