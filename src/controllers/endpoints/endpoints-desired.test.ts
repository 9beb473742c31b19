import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { EndpointSubset, Pod, Service } from '#api/generated/types.ts';
import { DesiredSubsets, truncateSubsets } from './endpoints-desired.ts';

function service(spec: object = {}): Service {
  const ports = [{ name: 'http', port: 80, protocol: 'TCP', targetPort: 8080 }];
  return {
    metadata: { namespace: 'd', name: 's' },
    spec: { clusterIP: '10.96.0.9', ports, ...spec },
  } as unknown as Service;
}

function pod(
  name: string,
  ips: readonly string[],
  more: { ready?: boolean; deleted?: boolean; ports?: object[] } = {},
): Pod {
  const { ready = true, deleted = false, ports = [] } = more;
  return {
    metadata: { namespace: 'd', name, uid: `uid-${name}`, ...(deleted ? { deletionTimestamp: 'T' } : {}) },
    spec: { nodeName: 'n1', containers: [{ name: 'c', ports }] },
    status: {
      phase: 'Running',
      podIPs: ips.map((ip) => ({ ip })),
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
    },
  } as unknown as Pod;
}

function desiredSubsets(service: Service, pods: readonly Pod[]): readonly EndpointSubset[] {
  return new DesiredSubsets(service, pods).get().subsets;
}

function format(subsets: readonly EndpointSubset[]): string[] {
  return subsets.map(({ addresses = [], notReadyAddresses = [], ports = [] }) =>
    [
      ...addresses.map(({ ip }) => ip),
      ...notReadyAddresses.map(({ ip }) => `${ip}!`),
      ...ports.map(({ name = '', port, protocol }) => `${name}:${port}/${protocol}`),
    ].join(' '),
  );
}

test('the subsets hold whole addresses and ports', () => {
  assert.deepEqual(desiredSubsets(service(), [pod('a', ['10.0.0.1'])]), [
    {
      addresses: [
        { ip: '10.0.0.1', nodeName: 'n1', targetRef: { kind: 'Pod', namespace: 'd', name: 'a', uid: 'uid-a' } },
      ],
      ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    },
  ]);
});

const two = {
  ports: [
    { name: 'a', port: 1, targetPort: 'web' },
    { name: 'b', port: 2, targetPort: 'admin' },
  ],
};
const web = { name: 'web', containerPort: 80 };
const admin = { name: 'admin', containerPort: 81 };

const cases: readonly { name: string; spec?: object; pods: readonly Pod[]; subsets: readonly string[] }[] = [
  {
    name: 'addresses sorted, the ready and the others apart',
    pods: [pod('b', ['10.0.0.2']), pod('a', ['10.0.0.1']), pod('c', ['10.0.0.3'], { ready: false })],
    subsets: ['10.0.0.1 10.0.0.2 10.0.0.3! http:8080/TCP'],
  },
  { name: 'no Pods that terminate', pods: [pod('a', ['10.0.0.1'], { deleted: true })], subsets: [] },
  {
    name: 'Pods that terminate where not-ready addresses are published',
    spec: { publishNotReadyAddresses: true },
    pods: [pod('a', ['10.0.0.1'], { deleted: true, ready: false })],
    subsets: ['10.0.0.1 http:8080/TCP'],
  },
  {
    name: 'a subset for the ports that the same Pods have',
    spec: two,
    pods: [
      pod('a', ['10.0.0.1'], { ports: [web, admin] }),
      pod('b', ['10.0.0.2'], { ports: [web] }),
      pod('c', ['10.0.0.3'], { ports: [admin, web] }),
      pod('d', ['10.0.0.4']),
    ],
    subsets: ['10.0.0.1 10.0.0.2 10.0.0.3 a:80/TCP', '10.0.0.1 10.0.0.3 b:81/TCP'],
  },
  {
    name: 'the first family of the Service only',
    spec: { ipFamilies: ['IPv6', 'IPv4'] },
    pods: [pod('a', ['10.0.0.1', 'fd00::1'])],
    subsets: ['fd00::1 http:8080/TCP'],
  },
  {
    name: 'addresses without ports for a headless Service without any',
    spec: { clusterIP: 'None', ports: [] },
    pods: [pod('a', ['10.0.0.1'])],
    subsets: ['10.0.0.1'],
  },
  {
    name: 'a port without a name',
    spec: { ports: [{ port: 80 }] },
    pods: [pod('a', ['10.0.0.1'])],
    subsets: ['10.0.0.1 :80/TCP'],
  },
];

for (const c of cases) {
  test(`the subsets have ${c.name}`, () => {
    assert.deepEqual(format(desiredSubsets(service(c.spec), c.pods)), c.subsets);
  });
}

/** `3+2 4+0`: two subsets by their number of ready and other addresses. */
function sized(text: string): EndpointSubset[] {
  const list = (count: number): { ip: string }[] => Array.from({ length: count }, (_, i) => ({ ip: `ip${i}` }));
  return text.split(' ').map((word) => {
    const [ready = 0, others = 0] = word.split('+').map(Number);
    return { addresses: list(ready), notReadyAddresses: list(others), ports: [] };
  });
}

const truncations = [
  { from: '3+2 4+1', to: undefined },
  { from: '4+4 3+3', to: '4+2 3+1' },
  { from: '10+3 5+2', to: '7+0 3+0' },
  { from: '20+0', to: '10+0' },
];

for (const { from, to } of truncations) {
  test(`truncateSubsets() takes ${from} of at most 10 to ${to ?? 'itself'}`, () => {
    const sizes = truncateSubsets(sized(from), 10)?.map(
      ({ addresses = [], notReadyAddresses = [] }) => `${addresses.length}+${notReadyAddresses.length}`,
    );
    assert.equal(sizes?.join(' '), to);
  });
}

test('the subsets of Pods that change one at a time are what they are of all at once', () => {
  const state = fc.record({
    ready: fc.boolean(),
    deleted: fc.boolean(),
    ip: fc.nat(5),
    port: fc.constantFrom(8080, 9090),
  });
  fc.assert(
    fc.property(
      fc.array(state, { minLength: 1, maxLength: 8 }),
      fc.array(fc.tuple(fc.nat(7), fc.option(state)), { maxLength: 20 }),
      (initial, changes) => {
        const made = (i: number, { ready, deleted, ip, port }: (typeof initial)[number]): Pod =>
          pod(`p${i}`, [`10.0.0.${ip}`], { ready, deleted, ports: [{ name: 'http', containerPort: port }] });
        const named = service({ ports: [{ name: 'http', port: 80, protocol: 'TCP', targetPort: 'http' }] });
        const list = initial.map((one, i): Pod | undefined => made(i, one));
        const followed = new DesiredSubsets(
          named,
          list.filter((one) => one !== undefined),
        );
        for (const [at, change] of changes) {
          const i = at % list.length;
          list[i] = change === null ? undefined : made(i, change);
          const before = followed.get();
          const text = JSON.stringify(before);
          followed.set(`d/p${i}`, list[i]);
          assert.deepEqual(
            followed.get().subsets,
            desiredSubsets(
              named,
              list.filter((one) => one !== undefined),
            ),
          );
          assert.equal(JSON.stringify(before), text, 'what was given stays as it was');
        }
      },
    ),
  );
});
