import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseCidr } from '#base/cidr.ts';
import { parseIp } from '#base/ip.ts';
import { IpAllocator } from './ip-allocator.ts';
import { PortAllocator } from './port-allocator.ts';
import { Reservation } from './reservation.ts';

const block = parseCidr('10.96.0.0/24') ?? assert.fail();
const ip = parseIp('10.96.0.10') ?? assert.fail();

function free(ips: IpAllocator, ports: PortAllocator): string {
  return `${ips.size - ips.free} IPs, ${ports.size - ports.free} ports`;
}

test('Reservation keeps what was committed', () => {
  const [ips, ports] = [new IpAllocator(block), new PortAllocator()];
  {
    using reservation = new Reservation();
    reservation.allocate(ips, ip);
    reservation.allocateNext(ports);
    reservation.allocateNext(ports);
    reservation.commit();
  }
  assert.equal(free(ips, ports), '1 IPs, 2 ports');
});

test('Reservation gives all back when one fails', () => {
  const [ips, ports] = [new IpAllocator(block), new PortAllocator()];
  ports.allocate(30080);
  assert.throws(() => {
    using reservation = new Reservation();
    reservation.allocate(ips, ip);
    reservation.allocateNext(ips);
    reservation.allocateNext(ports);
    reservation.allocate(ports, 30080);
    reservation.commit();
  }, /provided port is already allocated/);
  assert.equal(free(ips, ports), '0 IPs, 1 ports');
});

test('Reservation releases with the commit, not before and not without', () => {
  const [ips, ports] = [new IpAllocator(block), new PortAllocator()];
  ips.allocate(ip);
  {
    using reservation = new Reservation();
    reservation.release(ips, ip);
    assert.ok(ips.has(ip));
  }
  assert.ok(ips.has(ip));
  {
    using reservation = new Reservation();
    reservation.release(ips, ip);
    reservation.commit();
    assert.ok(!ips.has(ip));
  }
  assert.equal(free(ips, ports), '0 IPs, 0 ports');
});

test('Reservation of a dry run takes and releases nothing, and refuses as a real one', () => {
  const [ips, ports] = [new IpAllocator(block), new PortAllocator()];
  ports.allocate(30080);
  {
    using reservation = new Reservation({ dryRun: true });
    assert.equal(reservation.allocateNext(ips).value, block.base);
    reservation.allocate(ips, ip);
    reservation.allocate(ports, 30081);
    reservation.release(ports, 30080);
    assert.throws(() => reservation.allocate(ports, 30080), { code: 'EALLOCATED' });
    assert.throws(() => reservation.allocate(ports, 80), { code: 'EOUTOFRANGE' });
    reservation.commit();
  }
  assert.equal(free(ips, ports), '0 IPs, 1 ports');
});

test('Reservation leaks nothing, whatever is asked for and whenever it is left', () => {
  const port = fc.integer({ min: 30000, max: 30020 });
  const action = fc.record({ kind: fc.constantFrom('allocate', 'next', 'release'), port });
  fc.assert(
    fc.property(fc.array(fc.record({ actions: fc.array(action), commit: fc.boolean() })), (transactions) => {
      const ports = new PortAllocator({ first: 30000, last: 30015 });
      const model = new Set<number>();
      for (const { actions, commit } of transactions) {
        const taken = new Set<number>();
        const released = new Set<number>();
        using reservation = new Reservation();
        try {
          for (const { kind, port } of actions) {
            if (kind === 'allocate') reservation.allocate(ports, port);
            if (kind === 'allocate') taken.add(port);
            if (kind === 'next') taken.add(reservation.allocateNext(ports));
            // Only what was there before the transaction is released: the caller knows its own object.
            if (kind === 'release' && model.has(port)) {
              reservation.release(ports, port);
              released.add(port);
            }
          }
          if (commit) {
            reservation.commit();
            for (const port of taken) model.add(port);
            for (const port of released) model.delete(port);
          }
        } catch (error) {
          assert.match((error as { code: string }).code, /^(EALLOCATED|EOUTOFRANGE|ERANGEFULL)$/);
        }
        reservation[Symbol.dispose]();
        const held = Array.from({ length: 21 }, (_, i) => 30000 + i).filter((port) => ports.has(port));
        assert.deepEqual(held, [...model].sort());
      }
    }),
  );
});
