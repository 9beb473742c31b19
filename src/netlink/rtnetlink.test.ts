import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { parseCidr, type Cidr } from '#base/cidr.ts';
import { formatIp, parseIp, type Ip } from '#base/ip.ts';
import { decodeAddress, encodeAddAddress, encodeDeleteAddress, formatAddress } from './address.ts';
import { DecodeError } from './attribute.ts';
import { hex, readCapture } from './capture.ts';
import { decodeConntrack } from './conntrack.ts';
import { MessageEncoder } from './encoder.ts';
import { decodeLink, encodeCreateBridge, encodeCreateVeth, encodeSetLink } from './link.ts';
import { decodeMessages, NLMSG_DONE } from './message.ts';
import { decodeNeighbor, encodeReplaceNeighbor } from './neighbor.ts';
import { decodeError } from './netlink-error.ts';
import { decodeRoute, encodeAddRoute, encodeDeleteRoute, encodeReplaceRoute, formatRoute } from './route.ts';

function ip(text: string): Ip {
  const parsed = parseIp(text);
  assert.ok(parsed !== undefined);
  return parsed;
}

function cidr(text: string): Cidr {
  const parsed = parseCidr(text);
  assert.ok(parsed !== undefined);
  return parsed;
}

const RTPROT_BOOT = 3;

const requests: readonly {
  /** A file in testdata/ with the bytes that ip(8) sent. */
  capture: string;
  /** Where ip(8), for kernels before 5.2, leaves out NLA_F_NESTED. */
  nestedAt?: readonly number[];
  encode: (encoder: MessageEncoder) => void;
}[] = [
  {
    capture: 'create-bridge',
    nestedAt: [0x28, 0x38],
    encode: (e) => encodeCreateBridge(e, { name: 'br0', multicastSnooping: false }),
  },
  {
    capture: 'create-veth',
    nestedAt: [0x3c, 0x48, 0x4c],
    encode: (e) =>
      encodeCreateVeth(e, {
        name: 'v1',
        address: '02:00:00:00:00:01',
        mtu: 1400,
        peer: { name: 'v2', address: '02:00:00:00:00:02' },
      }),
  },
  { capture: 'set-link', encode: (e) => encodeSetLink(e, 4, { up: true, master: 2 }) },
  { capture: 'add-address4', encode: (e) => encodeAddAddress(e, { ip: ip('10.1.2.3'), prefix: 24, link: 3 }) },
  { capture: 'add-address6', encode: (e) => encodeAddAddress(e, { ip: ip('fd00::1'), prefix: 64, link: 3 }) },
  {
    capture: 'add-route',
    encode: (e) =>
      encodeAddRoute(e, {
        destination: cidr('10.96.0.0/12'),
        gateway: ip('10.1.2.1'),
        link: 3,
        source: ip('10.1.2.3'),
        priority: 7,
        protocol: RTPROT_BOOT,
      }),
  },
  {
    capture: 'add-route-link-scope',
    encode: (e) => encodeAddRoute(e, { destination: cidr('172.18.0.1/32'), link: 3, protocol: RTPROT_BOOT }),
  },
  {
    capture: 'replace-route-onlink',
    encode: (e) =>
      encodeReplaceRoute(e, {
        destination: cidr('0.0.0.0/0'),
        gateway: ip('169.254.1.1'),
        link: 3,
        onlink: true,
        protocol: RTPROT_BOOT,
      }),
  },
  { capture: 'delete-route', encode: (e) => encodeDeleteRoute(e, { destination: cidr('10.96.0.0/12') }) },
  {
    capture: 'replace-neighbor',
    encode: (e) => encodeReplaceNeighbor(e, { ip: ip('10.1.2.9'), address: '02:00:00:00:00:09', link: 3 }),
  },
];

for (const { capture, nestedAt, encode } of requests) {
  test(`encodes ${capture} to the bytes of ip(8)`, () => {
    const expected = readCapture(capture);
    for (const at of nestedAt ?? []) expected[at + 3] = (expected[at + 3] ?? 0) | 0x80;
    const encoder = new MessageEncoder({ sequence: decodeMessages(expected)[0]?.sequence ?? 0 });
    encode(encoder);
    assert.equal(hex(encoder.finish()), hex(expected));
  });
}

test('decodeLink() reads what the kernel says of a veth', () => {
  assert.deepEqual(
    decodeMessages(readCapture('link')).map(({ payload }) => decodeLink(payload)),
    [
      {
        kind: 'link',
        index: 4,
        name: 'v1',
        up: true,
        mtu: 1400,
        address: '02:00:00:00:00:01',
        type: 'veth',
        operState: 3,
        master: 2,
        peer: 3,
      },
    ],
  );
});

test('decodeAddress() reads a dump', () => {
  assert.deepEqual(
    decodeMessages(readCapture('addresses')).map(({ payload }) => {
      const address = decodeAddress(payload);
      return address && `${formatAddress(address)} dev ${address.link} scope ${address.scope}`;
    }),
    ['127.0.0.1/8 dev 1 scope 254', '10.1.2.3/24 dev 3 scope 0'],
  );
});

test('decodeRoute() reads a dump', () => {
  const text = decodeMessages(readCapture('routes')).map(({ payload }) => {
    const route = decodeRoute(payload);
    return route && `${formatRoute(route)} table ${route.table} proto ${route.protocol}`;
  });
  assert.equal(
    text.join('\n'),
    [
      'default via 169.254.1.1 dev 3 onlink table 254 proto 3',
      '10.1.2.0/24 dev 3 scope link src 10.1.2.3 table 254 proto 2',
      '10.96.0.0/12 via 10.1.2.1 dev 3 src 10.1.2.3 metric 7 table 254 proto 3',
      '172.18.0.1/32 dev 3 scope link table 254 proto 3',
    ].join('\n'),
  );
});

test('decodeNeighbor() reads a dump', () => {
  const text = decodeMessages(readCapture('neighbors'))
    .filter(({ type }) => type !== NLMSG_DONE)
    .map(({ payload }) => {
      const entry = decodeNeighbor(payload);
      return entry && `${formatIp(entry.ip)} dev ${entry.link} lladdr ${entry.address} state ${entry.state}`;
    });
  assert.equal(
    text.join('\n'),
    [
      '10.1.2.9 dev 3 lladdr 02:00:00:00:00:09 state 128',
      'ff02::16 dev 3 lladdr 33:33:00:00:00:16 state 64',
      'ff02::16 dev 2 lladdr 33:33:00:00:00:16 state 64',
      'ff02::16 dev 4 lladdr 33:33:00:00:00:16 state 64',
    ].join('\n'),
  );
});

test('decodeError() carries what the kernel said', () => {
  const [message] = decodeMessages(readCapture('error'));
  assert.ok(message !== undefined);
  const error = decodeError(message, 'add route 1.2.3.4/8');
  assert.ok(error !== undefined);
  assert.deepEqual(
    {
      message: error.message,
      code: error.code,
      errno: error.errno,
      kernelMessage: error.kernelMessage,
      offset: error.offset,
      sequence: error.sequence,
    },
    {
      message: 'Cannot add route 1.2.3.4/8: EINVAL (Invalid prefix for given prefix length)',
      code: 'EINVAL',
      errno: 22,
      kernelMessage: 'Invalid prefix for given prefix length',
      offset: undefined,
      sequence: 1795397251,
    },
  );
});

test('encodeDeleteAddress() names the same address as encodeAddAddress()', () => {
  const spec = { ip: ip('10.1.2.3'), prefix: 24, link: 3 };
  const encoder = new MessageEncoder();
  encodeAddAddress(encoder, spec);
  encodeDeleteAddress(encoder, spec);
  const [add, del] = decodeMessages(encoder.finish());
  assert.deepEqual([add?.type, del?.type], [20, 21]);
  assert.deepEqual(del?.payload, add?.payload);
});

const decoders = [
  { capture: 'link', decode: decodeLink },
  { capture: 'addresses', decode: decodeAddress },
  { capture: 'routes', decode: decodeRoute },
  { capture: 'neighbors', decode: decodeNeighbor },
  { capture: 'conntrack', decode: decodeConntrack },
];

for (const { capture, decode } of decoders) {
  test(`${decode.name}() throws nothing but DecodeError`, () => {
    const bytes = readCapture(capture);
    const mutation = fc.record({ at: fc.nat(bytes.length - 1), value: fc.nat(255) });
    fc.assert(
      fc.property(fc.array(mutation, { maxLength: 6 }), fc.nat(bytes.length), (mutations, length) => {
        const broken = bytes.slice(0, length);
        for (const { at, value } of mutations) if (at < length) broken[at] = value;
        try {
          for (const message of decodeMessages(broken)) {
            decode(message.payload);
            decodeError({ ...message, type: 2 });
          }
        } catch (error) {
          if (!(error instanceof DecodeError)) throw error;
        }
      }),
      { numRuns: 500 },
    );
  });
}
