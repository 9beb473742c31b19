import assert from 'node:assert/strict';
import test from 'node:test';
import { parseCidr, type Cidr } from '#base/cidr.ts';
import { ManualClock } from '#base/clock.ts';
import { AddressPool } from './address-pool.ts';

const cidr = (text: string): Cidr => {
  const parsed = parseCidr(text);
  assert.ok(parsed);
  return parsed;
};

const take = (pool: AddressPool, ...owners: string[]): string => owners.map((owner) => pool.allocate(owner)).join(' ');

test('AddressPool gives addresses in order and leaves out network, gateway and broadcast', () => {
  const pool = new AddressPool(cidr('10.244.0.0/29'), { clock: new ManualClock() });
  assert.equal(take(pool, 'a', 'b', 'c', 'd', 'e'), '10.244.0.2 10.244.0.3 10.244.0.4 10.244.0.5 10.244.0.6');
  assert.throws(() => pool.allocate('f'), { message: 'Cannot allocate a Pod address: all 5 are in use' });
  assert.equal(pool.allocate('c'), '10.244.0.4');
});

const wishes = [
  { wanted: '10.244.0.5', got: '10.244.0.5' },
  { wanted: '10.244.0.0', got: '10.244.0.3' },
  { wanted: '10.244.0.1', got: '10.244.0.3' },
  { wanted: '10.244.0.7', got: '10.244.0.3' },
  { wanted: '10.244.0.2', got: '10.244.0.3' },
  { wanted: '10.244.1.5', got: '10.244.0.3' },
  { wanted: 'fd00::2', got: '10.244.0.3' },
  { wanted: 'nonsense', got: '10.244.0.3' },
];
for (const { wanted, got } of wishes) {
  test(`AddressPool asked for ${wanted} gives ${got}`, () => {
    const pool = new AddressPool(cidr('10.244.0.0/29'), { clock: new ManualClock() });
    pool.allocate('first');
    assert.equal(pool.allocate('second', wanted), got);
  });
}

test('AddressPool lets freed addresses rest, and wakes the longest rested when there is no other', async () => {
  const clock = new ManualClock();
  const pool = new AddressPool(cidr('10.244.0.0/29'), { clock, restMs: 1000 });
  take(pool, 'a', 'b', 'c');
  pool.release('b');
  await clock.advance(500);
  pool.release('a');
  assert.equal(take(pool, 'd', 'e'), '10.244.0.5 10.244.0.6');
  assert.equal(pool.allocate('f'), '10.244.0.3');
  await clock.advance(1000);
  assert.equal(pool.allocate('g'), '10.244.0.2');
  assert.equal(pool.size, 5);
});
