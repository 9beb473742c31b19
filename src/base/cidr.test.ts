import assert from 'node:assert/strict';
import { BlockList } from 'node:net';
import test from 'node:test';
import fc from 'fast-check';
import {
  addressBits,
  cidrAddress,
  cidrContains,
  cidrSize,
  cidrsOverlap,
  cidrSubnet,
  formatCidr,
  parseCidr,
  type Cidr,
} from './cidr.ts';
import { formatIp, parseIp, type IpFamily } from './ip.ts';

const cidr = (text: string): Cidr => parseCidr(text) ?? assert.fail(text);

const anyCidr = fc
  .tuple(fc.constantFrom<IpFamily>(4, 6), fc.bigInt(0n, 2n ** 128n - 1n), fc.nat(128))
  .map(([family, bits, length]): Cidr => {
    const size = addressBits(family);
    const prefix = length % (size + 1);
    const host = BigInt(size - prefix);
    return { family, base: ((bits % 2n ** BigInt(size)) >> host) << host, prefix };
  });

test('what is formatted is parsed again', () => {
  fc.assert(fc.property(anyCidr, (block) => assert.deepEqual(parseCidr(formatCidr(block)), block)));
});

const parsed: readonly (readonly [string, string | undefined, string | undefined])[] = [
  ['10.96.0.0/12', '10.96.0.0/12', '10.96.0.0/12'],
  ['10.96.0.1/12', undefined, '10.96.0.0/12'],
  ['10.111.255.255/12', undefined, '10.96.0.0/12'],
  ['0.0.0.0/0', '0.0.0.0/0', '0.0.0.0/0'],
  ['1.2.3.4/0', undefined, '0.0.0.0/0'],
  ['1.2.3.4/32', '1.2.3.4/32', '1.2.3.4/32'],
  ['fd00::/8', 'fd00::/8', 'fd00::/8'],
  ['fd00::1/112', undefined, 'fd00::/112'],
  ['::1/128', '::1/128', '::1/128'],
  ['10.96.0.0', undefined, undefined],
  ['10.96.0.0/', undefined, undefined],
  ['10.96.0.0/33', undefined, undefined],
  ['10.96.0.0/012', undefined, undefined],
  ['10.96.0.0/-1', undefined, undefined],
  ['10.96.0.0/12/12', undefined, undefined],
  ['::/129', undefined, undefined],
  ['10.96/12', undefined, undefined],
  ['/12', undefined, undefined],
];

for (const [text, strict, masked] of parsed) {
  test(`"${text}" is ${strict ?? 'refused'}, and ${masked ?? 'refused'} with its host bits cleared`, () => {
    const format = (block: Cidr | undefined): string | undefined => block && formatCidr(block);
    assert.equal(format(parseCidr(text)), strict);
    assert.equal(format(parseCidr(text, { masked: true })), masked);
  });
}

test('cidrContains agrees with node:net', () => {
  fc.assert(
    fc.property(anyCidr, fc.bigInt(-2n, 2n ** 128n), (block, offset) => {
      // Around the block, so that both answers are common.
      const span = cidrSize(block) * 2n;
      const value = block.base + (offset % span);
      fc.pre(value >= 0n && value < 2n ** BigInt(addressBits(block.family)));
      const type = block.family === 4 ? 'ipv4' : 'ipv6';
      const ip = { family: block.family, value };
      const list = new BlockList();
      list.addSubnet(formatIp({ family: block.family, value: block.base }), block.prefix, type);
      assert.equal(cidrContains(block, ip), list.check(formatIp(ip), type));
    }),
  );
});

test('an address is in no block of the other family', () => {
  assert.equal(cidrContains(cidr('::/0'), parseIp('10.0.0.1') ?? assert.fail()), false);
  assert.equal(cidrsOverlap(cidr('::/0'), cidr('0.0.0.0/0')), false);
});

const overlaps: readonly (readonly [string, string, boolean])[] = [
  ['10.96.0.0/12', '10.96.0.0/12', true],
  ['10.96.0.0/12', '10.100.0.0/16', true],
  ['10.96.0.0/12', '10.0.0.0/8', true],
  ['10.96.0.0/12', '10.112.0.0/12', false],
  ['10.96.0.0/12', '10.80.0.0/12', false],
  ['0.0.0.0/0', '255.255.255.255/32', true],
  ['fd00::/64', 'fd00::ffff:0/112', true],
  ['fd00::/64', 'fd00:0:0:1::/64', false],
];

for (const [a, b, expected] of overlaps) {
  test(`${a} and ${b} ${expected ? 'overlap' : 'are apart'}`, () => {
    assert.equal(cidrsOverlap(cidr(a), cidr(b)), expected);
    assert.equal(cidrsOverlap(cidr(b), cidr(a)), expected);
  });
}

test('addresses of a block', () => {
  const block = cidr('10.96.0.0/12');
  assert.equal(cidrSize(block), 1_048_576n);
  assert.equal(formatIp(cidrAddress(block, 0)), '10.96.0.0');
  assert.equal(formatIp(cidrAddress(block, 10)), '10.96.0.10');
  assert.equal(formatIp(cidrAddress(block, 1_048_575)), '10.111.255.255');
  for (const offset of [-1, 1_048_576]) {
    assert.throws(() => cidrAddress(block, offset), {
      name: 'RangeError',
      message: `Cannot take address ${offset} of 10.96.0.0/12: it has 1048576 addresses`,
    });
  }
});

const subnets: readonly (readonly [string, number, number, string | undefined])[] = [
  ['10.244.0.0/16', 24, 0, '10.244.0.0/24'],
  ['10.244.0.0/16', 24, 2, '10.244.2.0/24'],
  ['10.244.0.0/16', 24, 255, '10.244.255.0/24'],
  ['10.244.0.0/16', 16, 0, '10.244.0.0/16'],
  ['10.244.0.0/16', 32, 65_535, '10.244.255.255/32'],
  ['fd00::/48', 64, 1, 'fd00:0:0:1::/64'],
  ['10.244.0.0/16', 24, 256, undefined],
  ['10.244.0.0/16', 24, -1, undefined],
  ['10.244.0.0/16', 8, 0, undefined],
  ['10.244.0.0/16', 33, 0, undefined],
];

for (const [text, prefix, index, expected] of subnets) {
  test(`block ${index} of length /${prefix} of ${text} is ${expected ?? 'refused'}`, () => {
    const take = (): string => formatCidr(cidrSubnet(cidr(text), prefix, index));
    if (expected !== undefined) assert.equal(take(), expected);
    else {
      assert.throws(take, {
        name: 'RangeError',
        message: `Cannot take block ${index} of length /${prefix} out of ${text}: it has none`,
      });
    }
  });
}
