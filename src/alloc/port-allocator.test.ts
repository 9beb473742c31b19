import assert from 'node:assert/strict';
import { test } from 'node:test';
import { restore } from './pool.ts';
import { DEFAULT_NODE_PORTS, formatPortRange, parsePortRange, PortAllocator } from './port-allocator.ts';

const bands = [
  { range: '30000-32767', size: 2768, first: 30086, low: 30000 },
  { range: '1-65535', size: 65535, first: 129, low: 1 },
  { range: '30000-30015', size: 16, first: 30000, low: undefined },
  { range: '30000-30016', size: 17, first: 30016, low: 30000 },
  { range: '30000-30000', size: 1, first: 30000, low: undefined },
];
for (const { range, size, first, low } of bands) {
  test(`PortAllocator of ${range}`, () => {
    const allocator = new PortAllocator(parsePortRange(range), { random: () => 0 });
    assert.equal(allocator.size, size);
    const highBand = low === undefined ? size : size - (first - low);
    for (let i = 0; i < highBand; i++) assert.equal(allocator.allocateNext(), first + i);
    if (low !== undefined) assert.equal(allocator.allocateNext(), low);
    while (allocator.free > 0) allocator.allocateNext();
    assert.throws(() => allocator.allocateNext(), { code: 'ERANGEFULL', message: 'range is full' });
    assert.throws(() => allocator.tryAllocateNext(), { code: 'ERANGEFULL', message: 'range is full' });
  });
}

const notInRange = 'provided port is not in the valid range. The range of valid ports is 30000-32767';
const asks = [
  { port: 29999, code: 'EOUTOFRANGE', message: notInRange },
  { port: 32768, code: 'EOUTOFRANGE', message: notInRange },
  { port: 30000.5, code: 'EOUTOFRANGE', message: notInRange },
  { port: 30080, code: 'EALLOCATED', message: 'provided port is already allocated' },
];
for (const { port, code, message } of asks) {
  test(`PortAllocator refuses ${port}: ${code}`, () => {
    const allocator = new PortAllocator(DEFAULT_NODE_PORTS);
    assert.deepEqual(restore(allocator, [30080]), []);
    assert.throws(() => allocator.allocate(port), { code, message });
    assert.throws(() => allocator.tryAllocate(port), { code, message });
    assert.equal(allocator.has(port), code === 'EALLOCATED');
  });
}

test('PortAllocator: a released port can be taken again, a dry run takes none', () => {
  const allocator = new PortAllocator();
  allocator.allocate(32767);
  allocator.release(32767);
  allocator.release(1);
  allocator.tryAllocate(32767);
  assert.ok(allocator.tryAllocateNext() >= 30086);
  assert.equal(allocator.free, 2768);
  allocator.allocate(32767);
});

const ranges = [
  { text: '30000-32767', parsed: '30000-32767' },
  { text: '1-1', parsed: '1-1' },
  { text: '0-10', parsed: undefined },
  { text: '10-9', parsed: undefined },
  { text: '1-65536', parsed: undefined },
  { text: '30000', parsed: undefined },
  { text: '30000-', parsed: undefined },
  { text: ' 1-2', parsed: undefined },
];
for (const { text, parsed } of ranges) {
  test(`parsePortRange("${text}")`, () => {
    const range = parsePortRange(text);
    assert.equal(range && formatPortRange(range), parsed);
  });
}
