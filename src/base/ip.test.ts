import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import test from 'node:test';
import fc from 'fast-check';
import { formatIp, ipBytes, ipFromBytes, parseIp, reverseName, type Ip } from './ip.ts';

const anyIp = fc.oneof(
  fc.bigInt(0n, 2n ** 32n - 1n).map((value): Ip => ({ family: 4, value })),
  fc.bigInt(0n, 2n ** 128n - 1n).map((value): Ip => ({ family: 6, value })),
  // Groups that are mostly zero, where the abbreviations are.
  fc
    .array(fc.constantFrom<bigint>(0n, 0n, 1n, 0xffffn), { minLength: 8, maxLength: 8 })
    .map((groups): Ip => ({ family: 6, value: groups.reduce((value, group) => (value << 16n) | group, 0n) })),
);

const canonical: readonly (readonly [string, string])[] = [
  ['0.0.0.0', '0.0.0.0'],
  ['255.255.255.255', '255.255.255.255'],
  ['10.96.0.1', '10.96.0.1'],
  ['::', '::'],
  ['::1', '::1'],
  ['1::', '1::'],
  ['2001:DB8::00FF', '2001:db8::ff'],
  ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
  ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
  ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
  ['::ffff:10.0.0.1', '::ffff:10.0.0.1'],
  ['::ffff:a00:1', '::ffff:10.0.0.1'],
  ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
  ['1:2:3:4:5:6:1.2.3.4', '1:2:3:4:5:6:102:304'],
];

for (const [text, expected] of canonical) {
  test(`the canonical form of ${text} is ${expected}`, () => {
    const ip = parseIp(text);
    assert.ok(ip !== undefined);
    assert.equal(formatIp(ip), expected);
  });
}

const refused: readonly string[] = [
  '',
  '1.2.3',
  '1.2.3.4.5',
  '1.2.3.256',
  '01.2.3.4',
  '1.2.3.-4',
  ' 1.2.3.4',
  '1.2.3.4 ',
  '0x1.2.3.4',
  ':',
  ':::',
  '1::2::3',
  '1:2:3:4:5:6:7',
  '1:2:3:4:5:6:7:8:9',
  '1:2:3:4::5:6:7:8',
  ':1:2:3:4:5:6:7:8',
  '1:2:3:4:5:6:7:',
  '12345::',
  'g::',
  'fe80::1%eth0',
  '::1.2.3',
  '::1.2.3.4:5',
  ':1.2.3.4',
  '1:2:3:4:5:6:7:1.2.3.4',
];

for (const text of refused) {
  test(`"${text}" is no address`, () => assert.equal(parseIp(text), undefined));
}

test('what is formatted is parsed again, as text and as bytes', () => {
  fc.assert(
    fc.property(anyIp, (ip) => {
      assert.deepEqual(parseIp(formatIp(ip)), ip);
      assert.deepEqual(ipFromBytes(ipBytes(ip)), ip);
    }),
  );
});

test('IPv6 is written as the URL standard writes it, but for embedded IPv4', () => {
  fc.assert(
    fc.property(anyIp, (ip) => {
      fc.pre(ip.family === 6 && ip.value >> 32n !== 0xffffn);
      assert.equal(new URL(`http://[${formatIp(ip)}]`).hostname, `[${formatIp(ip)}]`);
    }),
  );
});

test('parseIp takes what node:net takes', () => {
  const piece = fc.constantFrom('0', '1', '01', '255', '256', 'ff', 'fffff', '10', '::', ':', '.', '.0.0.1', '1.2.3.4');
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 17 }), (pieces) => {
      const text = pieces.join('');
      assert.equal(parseIp(text)?.family ?? 0, isIP(text), text);
    }),
    { numRuns: 2000 },
  );
});

test('bytes are in network order', () => {
  const text = (ip: string): string => Buffer.from(ipBytes(parseIp(ip) ?? assert.fail(ip))).toString('hex');
  assert.equal(text('10.96.0.1'), '0a600001');
  assert.equal(text('2001:db8::1'), '20010db8000000000000000000000001');
  assert.throws(() => ipFromBytes(new Uint8Array(5)), {
    name: 'RangeError',
    message: 'Cannot read an address of 5 bytes: it must be 4 or 16',
  });
});

test('reverse names', () => {
  const name = (ip: string): string => reverseName(parseIp(ip) ?? assert.fail(ip));
  assert.equal(name('10.96.0.1'), '1.0.96.10.in-addr.arpa');
  assert.equal(name('2001:db8::567:89ab'), 'b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa');
});
