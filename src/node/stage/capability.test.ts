import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CapabilityWish, grantCapabilities, unknownCapability } from './capability.ts';

const nothing: CapabilityWish = { add: [], drop: [], privileged: false };

const cases: readonly { name: string; wish: CapabilityWish; granted: string }[] = [
  {
    name: 'without a wish',
    wish: nothing,
    granted:
      'CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE NET_RAW SYS_CHROOT AUDIT_WRITE SETFCAP',
  },
  { name: 'all dropped', wish: { ...nothing, drop: ['ALL'] }, granted: '' },
  {
    name: 'all dropped, one added',
    wish: { ...nothing, drop: ['all'], add: ['CAP_net_bind_service'] },
    granted: 'NET_BIND_SERVICE',
  },
  {
    name: 'some dropped, one added',
    wish: { ...nothing, drop: ['CHOWN', 'KILL', 'SETFCAP', 'AUDIT_WRITE', 'FSETID', 'FOWNER'], add: ['NET_ADMIN'] },
    granted: 'DAC_OVERRIDE SETGID SETUID SETPCAP NET_BIND_SERVICE NET_ADMIN NET_RAW SYS_CHROOT',
  },
];
for (const { name, wish, granted } of cases) {
  test(`grantCapabilities() ${name}`, () => {
    assert.equal([...grantCapabilities(wish)].join(' '), granted);
  });
}

test('grantCapabilities() gives everything to the privileged, and all but the dropped with ALL', () => {
  assert.equal(grantCapabilities({ ...nothing, privileged: true }).size, 41);
  const granted = grantCapabilities({ ...nothing, add: ['ALL'], drop: ['SYS_TIME'] });
  assert.deepEqual([granted.size, granted.has('SYS_TIME')], [40, false]);
});

test('unknownCapability() finds names that mean nothing', () => {
  assert.equal(unknownCapability({ ...nothing, add: ['CAP_NET_RAW', 'ALL'] }), undefined);
  assert.equal(unknownCapability({ ...nothing, drop: ['NET_RAWW'] }), 'NET_RAWW');
});
