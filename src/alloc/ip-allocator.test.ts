import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCidr, type Cidr } from '#base/cidr.ts';
import { formatIp, parseIp, type Ip } from '#base/ip.ts';
import { IpAllocator } from './ip-allocator.ts';
import { restore } from './pool.ts';

const cidr = (text: string): Cidr => parseCidr(text) ?? assert.fail(text);
const ip = (text: string): Ip => parseIp(text) ?? assert.fail(text);
const lowest = (): number => 0;
const highest = (bound: number): number => bound - 1;

const blocks = [
  // The first and last that `allocateNext` gives while the upper band has any, then the first of the lower band.
  { block: '10.96.0.0/12', size: 2 ** 20 - 2, first: '10.96.1.1', last: '10.111.255.254', low: '10.96.0.1' },
  { block: '10.0.0.0/16', size: 65534, first: '10.0.1.1', last: '10.0.255.254', low: '10.0.0.1' },
  { block: '10.0.0.0/20', size: 4094, first: '10.0.1.1', last: '10.0.15.254', low: '10.0.0.1' },
  { block: '10.0.0.0/22', size: 1022, first: '10.0.0.65', last: '10.0.3.254', low: '10.0.0.1' },
  { block: '10.0.0.0/24', size: 254, first: '10.0.0.17', last: '10.0.0.254', low: '10.0.0.1' },
  { block: '10.0.0.0/27', size: 30, first: '10.0.0.17', last: '10.0.0.30', low: '10.0.0.1' },
  { block: '10.0.0.16/28', size: 14, first: '10.0.0.17', last: '10.0.0.30', low: undefined },
  { block: '10.0.0.0/30', size: 2, first: '10.0.0.1', last: '10.0.0.2', low: undefined },
  { block: '10.0.0.0/31', size: 0, first: undefined, last: undefined, low: undefined },
  { block: '10.0.0.1/32', size: 0, first: undefined, last: undefined, low: undefined },
  { block: 'fd00::/120', size: 255, first: 'fd00::11', last: 'fd00::ff', low: 'fd00::1' },
  { block: 'fd00::/112', size: 65535, first: 'fd00::101', last: 'fd00::ffff', low: 'fd00::1' },
  { block: 'fd00::/64', size: 2 ** 20 - 1, first: 'fd00::101', last: 'fd00::f:ffff', low: 'fd00::1' },
];

const next = (allocator: IpAllocator): string | undefined => {
  try {
    return formatIp(allocator.allocateNext());
  } catch (error) {
    assert.equal((error as Error).message, 'range is full');
    return undefined;
  }
};

for (const { block, size, first, last, low } of blocks) {
  test(`IpAllocator of ${block}`, () => {
    const up = new IpAllocator(cidr(block), { random: lowest });
    assert.equal(up.size, size);
    assert.equal(up.free, size);
    assert.equal(next(up), first);
    assert.equal(next(new IpAllocator(cidr(block), { random: highest })), last);
    // Emptied from the lowest on, a search grows with what is taken: the largest would take a minute.
    if (last === undefined || size > 2 ** 16) return;
    for (let given = first; given !== last;) given = next(up);
    assert.equal(next(up), low);
    while (up.free > 0) assert.notEqual(next(up), undefined);
    assert.throws(() => up.allocateNext(), { code: 'ERANGEFULL', message: 'range is full' });
    up.release(ip(last));
    assert.equal(next(up), last);
  });
}

const refused = [
  { block: '10.96.0.0/12', ask: '10.96.0.0', code: 'EOUTOFRANGE', message: notIn('10.96.0.0', '10.96.0.0/12') },
  {
    block: '10.96.0.0/12',
    ask: '10.111.255.255',
    code: 'EOUTOFRANGE',
    message: notIn('10.111.255.255', '10.96.0.0/12'),
  },
  { block: '10.96.0.0/12', ask: '10.112.0.1', code: 'EOUTOFRANGE', message: otherNetwork() },
  { block: '10.96.0.0/12', ask: '10.95.255.255', code: 'EOUTOFRANGE', message: otherNetwork() },
  { block: '10.96.0.0/12', ask: 'fd00::1', code: 'EOUTOFRANGE', message: otherNetwork() },
  { block: 'fd00::/112', ask: 'fd00::', code: 'EOUTOFRANGE', message: notIn('fd00::', 'fd00::/112') },
  { block: '10.96.0.0/12', ask: '10.96.0.10', code: 'EALLOCATED', message: 'provided IP is already allocated' },
];
function notIn(ip: string, block: string): string {
  return `the provided IP (${ip}) is not in the valid range. The range of valid IPs is ${block}`;
}
function otherNetwork(): string {
  return 'the provided network does not match the current range';
}

for (const { block, ask, code, message } of refused) {
  test(`IpAllocator of ${block} refuses ${ask}: ${code}`, () => {
    const allocator = new IpAllocator(cidr(block));
    if (code === 'EALLOCATED') allocator.allocate(ip(ask));
    const free = allocator.free;
    assert.throws(() => allocator.allocate(ip(ask)), { code, message });
    assert.equal(allocator.has(ip(ask)), code === 'EALLOCATED');
    if (code === 'EOUTOFRANGE') {
      assert.throws(() => allocator.tryAllocate(ip(ask)), { code, message });
      allocator.release(ip(ask));
    }
    assert.equal(allocator.free, free);
  });
}

test('IpAllocator gives any address of the static band to who asks for it', () => {
  const allocator = new IpAllocator(cidr('10.96.0.0/12'));
  for (const text of ['10.96.0.1', '10.96.0.10', '10.96.1.0', '10.111.255.254']) {
    allocator.allocate(ip(text));
    assert.ok(allocator.has(ip(text)));
    allocator.release(ip(text));
    assert.ok(!allocator.has(ip(text)));
  }
  assert.equal(allocator.free, allocator.size);
});

test('addresses behind the first million are had by asking for them', () => {
  for (const [block, far] of [
    ['10.0.0.0/8', '10.255.255.254'],
    ['fd00::/64', 'fd00::10:0'],
  ] as const) {
    const allocator = new IpAllocator(cidr(block));
    assert.equal(allocator.size, 2 ** 20 - 1);
    allocator.allocate(ip(far));
    assert.throws(() => allocator.allocate(ip(far)), { code: 'EALLOCATED' });
    allocator.release(ip(far));
    assert.equal(allocator.has(ip(far)), false);
  }
});

test('a dry run shows the block itself, and takes nothing', () => {
  const allocator = new IpAllocator(cidr('10.96.0.0/12'));
  allocator.allocate(ip('10.96.0.10'));
  assert.equal(formatIp(allocator.tryAllocateNext()), '10.96.0.0');
  allocator.tryAllocate(ip('10.96.0.10'));
  allocator.tryAllocate(ip('10.96.0.11'));
  assert.equal(allocator.free, allocator.size - 1);
});

test('restore() takes what is used and tells what does not fit', () => {
  const allocator = new IpAllocator(cidr('10.96.0.0/24'));
  const misfits = restore(allocator, ['10.96.0.1', '10.96.0.10', '10.96.0.10', '10.97.0.1'].map(ip));
  assert.deepEqual(
    misfits.map(({ value, error }) => `${formatIp(value)} ${error.code}`),
    ['10.96.0.10 EALLOCATED', '10.97.0.1 EOUTOFRANGE'],
  );
  assert.equal(allocator.free, 252);
});
