import assert from 'node:assert/strict';
import test from 'node:test';
import { formatIp, parseIp, type Ip } from '#base/ip.ts';
import { hex, readCapture } from './capture.ts';
import {
  CT_DELETE,
  CT_NEW,
  decodeConntrack,
  encodeDeleteConntrack,
  encodeListConntrack,
  IPPROTO_UDP,
  IPS_DST_NAT,
  type ConntrackTuple,
} from './conntrack.ts';
import { ConntrackSocket } from './conntrack-socket.ts';
import { MessageEncoder } from './encoder.ts';
import { isolateTestFile } from './isolated-test.ts';
import { decodeMessages, NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REQUEST } from './message.ts';
import { NETLINK_NETFILTER, NetlinkSocket } from './socket.ts';

isolateTestFile();

function ip(text: string): Ip {
  const parsed = parseIp(text);
  assert.ok(parsed !== undefined);
  return parsed;
}

function format({ protocol, source, sourcePort, destination, destinationPort }: ConntrackTuple): string {
  return `${protocol} ${formatIp(source)} ${sourcePort} -> ${formatIp(destination)} ${destinationPort}`;
}

test('decodeConntrack() reads a translated entry', () => {
  const [message] = decodeMessages(readCapture('conntrack'));
  assert.ok(message !== undefined);
  assert.equal(message.type, CT_NEW);
  const entry = decodeConntrack(message.payload);
  assert.ok(entry !== undefined);
  const { original, reply, ...rest } = entry;
  assert.deepEqual(
    { original: format(original), reply: format(reply), ...rest },
    {
      kind: 'conntrack',
      original: '17 127.0.0.1 40000 -> 127.1.1.1 53',
      reply: '17 127.0.0.1 5353 -> 127.0.0.1 40000',
      status: 0x1a8,
      mark: 0,
      zone: 0,
      id: 0x4d5bab46,
      timeout: 29,
    },
  );
  assert.ok((entry.status & IPS_DST_NAT) !== 0);
});

test('encodeDeleteConntrack() sends the tuple as the kernel does', () => {
  const [message] = decodeMessages(readCapture('conntrack'));
  assert.ok(message !== undefined);
  const entry = decodeConntrack(message.payload);
  assert.ok(entry !== undefined);
  const encoder = new MessageEncoder();
  encodeDeleteConntrack(encoder, entry);
  const [request] = decodeMessages(encoder.finish());
  assert.equal(request?.type, CT_DELETE);
  // struct nfgenmsg without the table's generation, CTA_TUPLE_ORIG, then CTA_ID.
  assert.equal(hex(request?.payload.subarray(4, 56) ?? new Uint8Array()), hex(message.payload.subarray(4, 56)));
  assert.equal(hex(request?.payload.subarray(56) ?? new Uint8Array()), '08 00 0c 00 4d 5b ab 46');
});

test('encodeListConntrack() without a filter asks for everything', () => {
  const encoder = new MessageEncoder();
  encodeListConntrack(encoder, 6);
  assert.equal(hex(encoder.finish()), '14 00 00 00 01 01 01 03 01 00 00 00 00 00 00 00\n0a 00 00 00');
});

/** What a packet would leave behind, made by hand, because without a packet filter nothing is tracked. */
function addEntries(entries: readonly { protocol: number; source: Ip; destination: Ip; port: number }[]): void {
  using socket = NetlinkSocket.open({ protocol: NETLINK_NETFILTER });
  for (const { protocol, source, destination, port } of entries) {
    const encoder = new MessageEncoder();
    const original = { protocol, source, destination, sourcePort: 40_000, destinationPort: port };
    const reply = { ...original, source: destination, destination: source, sourcePort: port, destinationPort: 40_000 };
    encodeDeleteConntrack(encoder, { original });
    encodeDeleteConntrack(encoder, { original: reply });
    const [first, second] = decodeMessages(encoder.finish()).map(({ payload }) => payload);
    const request = new MessageEncoder();
    request.begin(CT_NEW, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
    request.raw(first ?? new Uint8Array());
    // CTA_TUPLE_REPLY is 2 where CTA_TUPLE_ORIG is 1.
    const tuple = second?.slice(4) ?? new Uint8Array();
    tuple[2] = 2;
    request.raw(tuple);
    request.be32(7, 60);
    // A TCP entry has a state (CTA_PROTOINFO), here TCP_CONNTRACK_ESTABLISHED.
    if (protocol === 6) request.nested(4, () => request.nested(1, () => request.u8(1, 3)));
    request.end();
    socket.requestSync(request.finish());
  }
}

test('ConntrackSocket lists by filter and deletes', () => {
  addEntries([
    { protocol: 17, source: ip('10.0.0.1'), destination: ip('10.96.0.10'), port: 53 },
    { protocol: 17, source: ip('10.0.0.2'), destination: ip('10.96.0.10'), port: 53 },
    { protocol: 17, source: ip('10.0.0.1'), destination: ip('10.96.0.11'), port: 53 },
    { protocol: 17, source: ip('10.0.0.1'), destination: ip('10.96.0.10'), port: 54 },
    { protocol: 6, source: ip('10.0.0.1'), destination: ip('10.96.0.10'), port: 53 },
    { protocol: 17, source: ip('fd00::1'), destination: ip('fd00::a'), port: 53 },
    { protocol: 17, source: ip('fd00::1'), destination: ip('fd00::b'), port: 53 },
  ]);
  using conntrack = ConntrackSocket.open();
  const list = (...args: Parameters<ConntrackSocket['list']>): string[] =>
    conntrack
      .list(...args)
      .map((entry) => format(entry.original))
      .sort();
  assert.equal(list(4).length, 5);
  assert.deepEqual(list(6), ['17 fd00::1 40000 -> fd00::a 53', '17 fd00::1 40000 -> fd00::b 53']);
  assert.deepEqual(list(6, { protocol: IPPROTO_UDP, destination: ip('fd00::a') }), ['17 fd00::1 40000 -> fd00::a 53']);
  assert.equal(list(6, { source: ip('fd00::1'), destinationPort: 53, protocol: IPPROTO_UDP }).length, 2);
  assert.equal(list(6, { source: ip('fd00::2') }).length, 0);
  assert.deepEqual(list(4, { protocol: 6 }), ['6 10.0.0.1 40000 -> 10.96.0.10 53']);
  assert.equal(list(4, { destination: ip('10.96.0.11') }).length, 1);
  const filter = { protocol: IPPROTO_UDP, destination: ip('10.96.0.10'), destinationPort: 53 };
  const expected = ['17 10.0.0.1 40000 -> 10.96.0.10 53', '17 10.0.0.2 40000 -> 10.96.0.10 53'];
  assert.deepEqual(list(4, filter), expected);

  const entries = conntrack.list(4, filter);
  assert.equal(conntrack.delete([...entries, ...entries]), 2);
  assert.deepEqual(list(4, filter), []);
  assert.equal(list(4).length, 3);
  assert.equal(conntrack.delete([]), 0);
});
