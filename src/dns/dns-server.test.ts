import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import test from 'node:test';
import { decode, encode, type DecodedPacket } from 'dns-packet';
import fc from 'fast-check';
import { type Service } from '#api/generated/types.ts';
import { parseCidr } from '#base/cidr.ts';
import { systemClock } from '#base/clock.ts';
import { silentLog } from '#base/log.ts';
import { startDnsServer, type DnsServer } from './dns-server.ts';
import { createForwarder } from './forward-socket.ts';
import { createResolver, type Resolve } from './resolver.ts';
import { Zone } from './zone.ts';

const HOST = '127.0.0.1';

function resolver(upstreams: readonly string[] = []): Resolve {
  const zone = new Zone('cluster.local');
  zone.addNamespace('ns');
  zone.setService({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', namespace: 'ns', uid: '1', resourceVersion: '1', creationTimestamp: '' },
    spec: { clusterIP: '10.96.0.7', clusterIPs: ['10.96.0.7'] },
    status: {},
  } satisfies Service);
  for (let i = 0; i < 100; i++) {
    zone.setService({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: `h${i}`, namespace: 'ns', uid: '1', resourceVersion: '1', creationTimestamp: '' },
      spec: { type: 'ExternalName', externalName: 'big.test' },
      status: {},
    });
  }
  zone.setSlice({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: 'big',
      namespace: 'ns',
      uid: '1',
      resourceVersion: '1',
      creationTimestamp: '',
      labels: { 'kubernetes.io/service-name': 'big' },
    },
    addressType: 'IPv4',
    endpoints: Array.from({ length: 120 }, (_, i) => ({ addresses: [`10.244.0.${i + 1}`] })),
  });
  zone.setService({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'big', namespace: 'ns', uid: '1', resourceVersion: '1', creationTimestamp: '' },
    spec: { clusterIP: 'None', clusterIPs: ['None'] },
    status: {},
  });
  const ownRange = parseCidr('10.96.0.0/12');
  assert.ok(ownRange !== undefined);
  const forwarder = createForwarder({ upstreams, clock: systemClock, timeoutMs: 200 });
  return createResolver({ zone, forwarder, ownRanges: [ownRange], isReady: () => true });
}

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

function queryBytes(name: string, id = 7, edns = false): Buffer {
  return encode({
    type: 'query',
    id,
    flags: 0x100,
    questions: [{ name, type: 'A' }],
    ...(edns
      ? {
          additionals: [
            {
              type: 'OPT',
              name: '.',
              udpPayloadSize: 1232,
              flags: 0,
              extendedRcode: 0,
              ednsVersion: 0,
              flag_do: false,
              options: [],
            },
          ],
        }
      : {}),
  });
}

async function askUdp(port: number, bytes: Buffer): Promise<DecodedPacket> {
  const socket = createSocket('udp4');
  socket.send(bytes, port, HOST);
  const [answer] = (await once(socket, 'message', { signal: AbortSignal.timeout(10_000) })) as [Buffer];
  socket.close();
  return decode(answer);
}

function text(packet: DecodedPacket): string {
  const rcode = (packet as { rcode?: string }).rcode ?? '';
  const answers = (packet.answers ?? []).map(
    (answer) => `${answer.name} ${'data' in answer ? JSON.stringify(answer.data) : ''}`,
  );
  return `${rcode} ${packet.flag_tc ? 'TC ' : ''}${answers.join(' | ').replaceAll('"', '')}`;
}

test('answers over UDP, truncates what does not fit, and gives it whole over TCP', async () => {
  const { server, port } = await serve(resolver());
  try {
    assert.equal(
      text(await askUdp(port, queryBytes('Web.ns.svc.cluster.local'))),
      'NOERROR Web.ns.svc.cluster.local 10.96.0.7',
    );
    assert.equal(text(await askUdp(port, queryBytes('big.ns.svc.cluster.local'))), 'NOERROR TC ');
    const tcp = connect(port, HOST);
    // Two queries in one write: the answers come back in any order, each framed.
    for (const id of [1, 2]) {
      const bytes = queryBytes('big.ns.svc.cluster.local', id);
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
        assert.equal(packet.answers?.length, 120);
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

test('passes other names on, with SERVFAIL when nobody answers', async () => {
  const upstream = createSocket('udp4');
  upstream.bind(0, HOST);
  await once(upstream, 'listening');
  upstream.on('message', (bytes, peer) => {
    const { id, questions } = decode(bytes);
    const answer = encode({
      type: 'response',
      id: id ?? 0,
      questions: questions ?? [],
      answers: [{ type: 'A', name: 'example.test', ttl: 60, data: '192.0.2.9' }],
    });
    upstream.send(answer, peer.port, peer.address);
  });
  const up = await serve(resolver([`${HOST}:${upstream.address().port}`]));
  const down = await serve(resolver([]));
  try {
    assert.equal(text(await askUdp(up.port, queryBytes('example.test'))), 'NOERROR example.test 192.0.2.9');
    assert.equal(
      text(await askUdp(up.port, queryBytes('h1.ns.svc.cluster.local'))),
      'NOERROR h1.ns.svc.cluster.local big.test | example.test 192.0.2.9',
    );
    assert.equal(text(await askUdp(down.port, queryBytes('example.test'))), 'SERVFAIL ');
  } finally {
    upstream.close();
    up.server.close();
    down.server.close();
  }
});

const malformed: readonly (readonly [string, Buffer, string])[] = [
  ['a response', Buffer.from('0007800000000000000000000', 'hex'), 'silence'],
  ['less than a header', Buffer.from('0007', 'hex'), 'silence'],
  ['another opcode', Buffer.from('000728000001000000000000', 'hex'), '0007a8040000000000000000'],
  ['no question', Buffer.from('000701000000000000000000', 'hex'), '000781010000000000000000'],
  ['two questions', Buffer.from('000701000002000000000000', 'hex'), '000781010000000000000000'],
  ['a question cut short', Buffer.from('0007010000010000000000000377', 'hex'), '000781010000000000000000'],
];

for (const [name, bytes, expected] of malformed) {
  test(`${name} -> ${expected}`, async () => {
    const answer = await resolver()(bytes, 'udp');
    assert.equal(answer === undefined ? 'silence' : Buffer.from(answer).toString('hex'), expected);
  });
}

test('no bytes bring it down', () => {
  const resolve = resolver();
  const mutated = fc
    .tuple(fc.constant(queryBytes('web.ns.svc.cluster.local', 7, true)), fc.nat(60), fc.integer({ min: 0, max: 255 }))
    .map(([bytes, at, value]) => {
      const copy = Buffer.from(bytes);
      copy[Math.min(at, copy.length - 1)] = value;
      return copy;
    });
  const anything = fc.uint8Array({ maxLength: 600 }).map((bytes) => Buffer.from(bytes));
  fc.assert(
    fc.property(fc.oneof(mutated, anything), (bytes) => {
      const answer = resolve(bytes, 'udp');
      if (answer instanceof Promise) answer.catch(() => {});
      else if (answer !== undefined) assert.ok(answer.length <= 1232);
    }),
    { numRuns: 2000, interruptAfterTimeLimit: 5000 },
  );
});
