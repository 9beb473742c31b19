import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCidr, type Cidr } from '#base/cidr.ts';
import { formatIp, parseIp, type Ip } from '#base/ip.ts';
import { IpSpace } from './ip-space.ts';

const cidr = (text: string): Cidr => parseCidr(text) ?? assert.fail(text);
const ip = (text: string): Ip => parseIp(text) ?? assert.fail(text);

function space(...blocks: readonly (readonly [string, boolean])[]): IpSpace {
  const made = new IpSpace({ random: () => 0 });
  made.setBlocks(blocks.map(([text, ready]) => ({ cidr: cidr(text), ready })));
  return made;
}

const refused = (ask: () => unknown): string => {
  try {
    ask();
    return 'taken';
  } catch (error) {
    return (error as Error).message;
  }
};

test('the next block when the first is full, and the first again when it is not', () => {
  const two = space(['10.0.0.0/30', true], ['10.1.0.0/30', true]);
  const given = Array.from({ length: 4 }, () => formatIp(two.allocateNext()));
  assert.deepEqual(given, ['10.0.0.1', '10.0.0.2', '10.1.0.1', '10.1.0.2']);
  assert.equal(
    refused(() => two.allocateNext()),
    'range is full',
  );
  two.release(ip('10.0.0.2'));
  assert.equal(formatIp(two.allocateNext()), '10.0.0.2');
});

test('an address of two blocks is one address', () => {
  const overlapping = space(['10.0.0.0/24', true], ['10.0.0.0/30', true]);
  overlapping.allocate(ip('10.0.0.1'));
  assert.equal(
    refused(() => overlapping.allocate(ip('10.0.0.1'))),
    'provided IP is already allocated',
  );
  overlapping.setBlocks([{ cidr: cidr('10.0.0.0/30'), ready: true }]);
  assert.deepEqual([overlapping.free, formatIp(overlapping.allocateNext())], [1, '10.0.0.2']);
});

test('a block that is not ready gives nothing and forgets nothing', () => {
  const one = space(['10.0.0.0/30', true]);
  one.allocate(ip('10.0.0.1'));
  one.setBlocks([{ cidr: cidr('10.0.0.0/30'), ready: false }]);
  const mismatch = 'the provided network does not match the current range';
  assert.deepEqual(
    [refused(() => one.allocateNext()), refused(() => one.allocate(ip('10.0.0.2')))],
    ['range is full', mismatch],
  );
  one.setBlocks([]);
  one.setBlocks([{ cidr: cidr('10.0.0.0/29'), ready: true }]);
  assert.equal(
    refused(() => one.allocate(ip('10.0.0.1'))),
    'provided IP is already allocated',
  );
  assert.equal(
    refused(() => one.allocate(ip('10.0.0.0'))),
    mismatch,
  );
});

test('what is held outside all blocks is taken when its block comes', () => {
  const late = space(['10.0.0.0/30', true]);
  late.hold(ip('10.1.0.1'));
  late.setBlocks([
    { cidr: cidr('10.0.0.0/30'), ready: true },
    { cidr: cidr('10.1.0.0/30'), ready: true },
  ]);
  assert.equal(late.free, 3);
  late.release(ip('10.1.0.1'));
  assert.equal(late.free, 4);
});

test('a dry run names the first range, and takes nothing', () => {
  const one = space(['10.0.0.0/30', true]);
  const text = 'the provided IP (10.9.0.1) is not in the valid range. The range of valid IPs is 10.0.0.0/30';
  assert.equal(
    refused(() => one.tryAllocate(ip('10.9.0.1'))),
    text,
  );
  one.tryAllocate(ip('10.0.0.1'));
  assert.deepEqual([formatIp(one.tryAllocateNext()), one.free], ['10.0.0.0', 2]);
});

test('far addresses of a large block can be asked for', () => {
  const large = space(['10.0.0.0/8', true]);
  large.allocate(ip('10.255.255.254'));
  assert.equal(
    refused(() => large.allocate(ip('10.255.255.254'))),
    'provided IP is already allocated',
  );
  large.release(ip('10.255.255.254'));
  assert.equal(large.has(ip('10.255.255.254')), false);
});
