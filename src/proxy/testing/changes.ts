import fc from 'fast-check';
import type { EndpointSlice, Service } from '#api/generated/types.ts';
import type { ObjectChange } from '../sync.ts';
import { service, slice } from './objects.ts';

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

export const anyChange: fc.Arbitrary<ObjectChange> = fc.oneof(
  { weight: 4, arbitrary: anyService.map((object): ObjectChange => ({ kind: 'set', object })) },
  { weight: 4, arbitrary: anySlice.map((object): ObjectChange => ({ kind: 'set', object })) },
  { weight: 1, arbitrary: anyService.map((object): ObjectChange => ({ kind: 'delete', object })) },
  { weight: 1, arbitrary: anySlice.map((object): ObjectChange => ({ kind: 'delete', object })) },
);

/** Whether two Services state one address or node port: who has it then depends on who came first. */
export function isContested(services: readonly Service[]): boolean {
  const claims = new Set<string>();
  return services.some(({ spec, status }) => {
    const ports = spec?.ports?.map(({ nodePort, protocol }) => `${nodePort} ${protocol}`) ?? [];
    const ingress = status?.loadBalancer?.ingress?.map(({ ip = '' }) => ip) ?? [];
    const own = new Set([...ports, ...ingress, ...(spec?.externalIPs ?? []), ...(spec?.clusterIPs ?? [])]);
    return [...own].some((claim) => claims.size === claims.add(claim).size);
  });
}
