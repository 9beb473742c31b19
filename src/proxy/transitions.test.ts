import assert from 'node:assert/strict';
import { closeSync } from 'node:fs';
import test from 'node:test';
import fc from 'fast-check';
import { type EndpointSlice, type Service } from '#api/generated/types.ts';
import { systemClock } from '#base/clock.ts';
import { createLog } from '#base/log.ts';
import { isolateTestFile } from '#netlink/isolated-test.ts';
import { createNetns, inNetns, settleInOwnNetns } from '#netlink/namespace.ts';
import { NETLINK_NETFILTER, NetlinkSocket } from '#netlink/socket.ts';
import { NftablesSocket } from '#nftables/nftables-socket.ts';
import { renderTransaction } from '#nftables/render-transaction.ts';
import { type Transaction } from '#nftables/transaction.ts';
import { Proxy, type ObjectChange, type ProxyOptions } from './sync.ts';
import { cidr } from './testing/network.ts';
import { service, slice } from './testing/objects.ts';

isolateTestFile();
settleInOwnNetns();

class RecordingSocket extends NftablesSocket {
  commits = '';

  override commit(what: Transaction): number {
    this.commits += renderTransaction(what);
    return super.commit(what);
  }
}

const NAMES = ['one', 'two', 'three'] as const;
const policy = fc.constantFrom('Cluster', 'Local');

/** Few names, ports and addresses, so that they get into each other's way. */
const anyService: fc.Arbitrary<Service> = fc
  .record({
    index: fc.nat(NAMES.length - 1),
    type: fc.constantFrom('ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName'),
    nodePort: fc.constantFrom(0, 30_080, 30_081),
    protocol: fc.constantFrom('TCP' as const, 'UDP' as const),
    affinity: fc.constantFrom(0, 0, 60, 600),
    external: policy,
    internal: policy,
    externalIp: fc.constantFrom('', '', '198.51.100.1', '198.51.100.2', '10.96.0.1'),
    ingress: fc.constantFrom('', '203.0.113.1', '203.0.113.2'),
    range: fc.constantFrom('', '', '192.0.2.0/24', '0.0.0.0/0'),
  })
  .map((one) => {
    const name = NAMES[one.index] ?? NAMES[0];
    const spec = {
      type: one.type,
      externalTrafficPolicy: one.external,
      internalTrafficPolicy: one.internal,
      ...(one.affinity === 0 ? {} : { sessionAffinity: 'ClientIP' }),
      sessionAffinityConfig: { clientIP: { timeoutSeconds: one.affinity } },
      ...(one.externalIp === '' ? {} : { externalIPs: [one.externalIp] }),
      ...(one.range === '' ? {} : { loadBalancerSourceRanges: [one.range] }),
    };
    const ports = [{ port: 80, protocol: one.protocol, nodePort: one.nodePort }];
    const object = service(name, `10.96.0.${one.index + 1}`, ports, { spec });
    return one.ingress === '' ? object : { ...object, status: { loadBalancer: { ingress: [{ ip: one.ingress }] } } };
  });

const anySlice: fc.Arbitrary<EndpointSlice> = fc
  .record({
    index: fc.nat(NAMES.length - 1),
    pods: fc.uniqueArray(
      fc.record({
        last: fc.integer({ min: 1, max: 9 }),
        state: fc.constantFrom('', ' node=b', ' notready', ' terminating', ' terminating node=b'),
      }),
      {
        selector: ({ last }) => last,
        maxLength: 5,
      },
    ),
    protocol: fc.constantFrom('TCP' as const, 'UDP' as const),
  })
  .map(({ index, pods, protocol }) => {
    const lines = pods.map(({ last, state }) => `10.244.0.${last}${state}`);
    return slice(NAMES[index] ?? NAMES[0], lines, [{ port: 8080, protocol }]);
  });

const anyChange: fc.Arbitrary<ObjectChange> = fc.oneof(
  { weight: 4, arbitrary: anyService.map((object): ObjectChange => ({ kind: 'set', object })) },
  { weight: 4, arbitrary: anySlice.map((object): ObjectChange => ({ kind: 'set', object })) },
  { weight: 1, arbitrary: anyService.map((object): ObjectChange => ({ kind: 'delete', object })) },
  { weight: 1, arbitrary: anySlice.map((object): ObjectChange => ({ kind: 'delete', object })) },
);

/** Whether two Services state one address or node port: who has it then depends on who came first. */
function isContested(services: readonly Service[]): boolean {
  const claims = new Set<string>();
  return services.some(({ spec, status }) => {
    const ports = spec?.ports?.map(({ nodePort, protocol }) => `${nodePort} ${protocol}`) ?? [];
    const ingress = status?.loadBalancer?.ingress?.map(({ ip = '' }) => ip) ?? [];
    const own = new Set([...ports, ...ingress, ...(spec?.externalIPs ?? []), ...(spec?.clusterIPs ?? [])]);
    return [...own].some((claim) => claims.size === claims.add(claim).size);
  });
}

function checkSteps(steps: readonly (readonly ObjectChange[])[]): void {
  const netns = createNetns();
  using socket = inNetns(netns, () => new RecordingSocket(NetlinkSocket.open({ protocol: NETLINK_NETFILTER })));
  closeSync(netns);
  const failures: string[] = [];
  const log = createLog('proxy', ({ message, fields }) => {
    if (message !== 'two services state one address') failures.push(`${message} ${JSON.stringify(fields)}`);
  });
  const options: ProxyOptions = {
    nodeName: 'a',
    socket,
    serviceCidrs: [cidr('10.96.0.0/12')],
    podCidrs: [cidr('10.244.0.0/16')],
    node: { addresses: ['172.18.0.2'], zone: undefined },
    clock: systemClock,
    log,
  };
  using proxy = new Proxy(options);
  proxy.start();
  const now = new Map<string, ObjectChange>();
  for (const step of steps) {
    for (const change of step) now.set(`${change.object.kind} ${change.object.metadata.name}`, change);
    proxy.apply(step);
  }
  const left = [...now.values()].filter(({ kind }) => kind === 'set');
  socket.commits = '';
  using again = new Proxy(options);
  for (const change of left) again.note(change);
  again.start();
  assert.deepEqual(failures, []);
  const services = left.flatMap(({ object }) => (object.kind === 'Service' ? [object] : []));
  if (!isContested(services)) assert.equal(socket.commits, '');
}

test('whatever changes into whatever, the kernel takes it, and a restart finds nothing left to do', () => {
  const step = fc.array(anyChange, { minLength: 1, maxLength: 3 });
  fc.assert(fc.property(fc.array(step, { minLength: 1, maxLength: 25 }), checkSteps), { numRuns: 40 });
});
