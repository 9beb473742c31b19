import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { EndpointSlice, Pod, Service } from '#api/generated/types.ts';
import { patchEndpointSlices } from './endpoint-slice-patch.ts';
import { planEndpointSlices } from './endpoint-slice-plan.ts';

const service = {
  metadata: { namespace: 'd', name: 's', uid: 'uid-s' },
  spec: {
    clusterIP: '10.96.0.9',
    ipFamilies: ['IPv4', 'IPv6'],
    selector: { app: 'web' },
    ports: [{ name: 'http', port: 80, protocol: 'TCP', targetPort: 'http' }],
  },
} as unknown as Service;

interface State {
  readonly ready: boolean;
  readonly deleted: boolean;
  readonly ip: number;
  readonly port: number;
  readonly phase: string;
}

function pod(i: number, { ready, deleted, ip, port, phase }: State): Pod {
  return {
    metadata: { namespace: 'd', name: `p${i}`, uid: `uid-${i}`, ...(deleted ? { deletionTimestamp: 'T' } : {}) },
    spec: { nodeName: 'n1', containers: [{ name: 'c', ports: [{ name: 'http', containerPort: port }] }] },
    status: {
      phase,
      podIPs: [{ ip: `10.0.${i}.${ip}` }, { ip: `fd00::${i}:${ip}` }],
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
    },
  } as unknown as Pod;
}

const zoneOf = (): { zone: string } => ({ zone: 'z1' });

const plain: State = { ready: true, deleted: false, ip: 1, port: 8080, phase: 'Running' };

/** What the server would have stored. */
function stored(pods: readonly Pod[]): EndpointSlice[] {
  return planEndpointSlices({ service, pods, slices: [], zoneOf }).create.map(
    (slice, i) => ({ ...slice, metadata: { ...slice.metadata, name: `s-${i}`, uid: `slice-${i}` } }) as EndpointSlice,
  );
}

test('a Pod that becomes ready is a write of its slices, whatever the others do', () => {
  const before = [0, 1, 2].map((i) => pod(i, { ...plain, ready: i !== 1 }));
  const patch = patchEndpointSlices({ service, slices: stored(before), zoneOf }, [pod(1, plain)]);
  assert.deepEqual(
    patch?.update.map(({ addressType, endpoints = [] }) => [
      addressType,
      ...endpoints.map(({ conditions }) => conditions?.ready),
    ]),
    [
      ['IPv4', true, true, true],
      ['IPv6', true, true, true],
    ],
  );
});

test('a Pod that comes is nothing without an address, and with one a write of slices that have room', () => {
  const writes = (before: readonly Pod[], pods: readonly Pod[]): string[] | undefined => {
    const patch = patchEndpointSlices({ service, slices: stored(before), zoneOf }, pods);
    return (
      patch && [
        ...patch.update.map(({ metadata, endpoints = [] }) => `${metadata.name} ${endpoints.length}`),
        ...patch.create.map(({ addressType, endpoints = [] }) => `new ${addressType} ${endpoints.length}`),
      ]
    );
  };
  const [most = [], all = []] = [99, 100].map((count) => Array.from({ length: count }, (_, i) => pod(i, plain)));
  assert.deepEqual(writes(most, [pod(200, { ...plain, phase: 'Failed' })]), []);
  assert.deepEqual(writes(most, [pod(200, plain)]), ['s-0 100', 's-1 100']);
  assert.deepEqual(writes(most, [pod(5, { ...plain, ready: false }), pod(200, plain)]), ['s-0 100', 's-1 100']);
  assert.deepEqual(writes(all, [pod(200, plain)]), ['new IPv4 1', 'new IPv6 1']);
  assert.equal(writes(most, [pod(200, plain), pod(201, plain)]), undefined);
  assert.equal(writes(most, [pod(200, { ...plain, port: 9090 })]), undefined);
});

test('an endpoint that goes or moves takes a look at all', () => {
  const before = [0, 1].map((i) => pod(i, plain));
  const slices = stored(before);
  const moved: readonly Pod[] = [
    pod(1, { ...plain, ip: 2 }),
    pod(1, { ...plain, port: 9090 }),
    pod(1, { ...plain, phase: 'Succeeded' }),
  ];
  for (const one of moved) assert.equal(patchEndpointSlices({ service, slices, zoneOf }, [one]), undefined);
});

test('whenever a patch can be told, it is the plan', () => {
  const state = fc.record({
    ready: fc.boolean(),
    deleted: fc.boolean(),
    ip: fc.constantFrom(1, 1, 1, 2),
    port: fc.constantFrom(8080, 8080, 8080, 9090),
    phase: fc.constantFrom('Running', 'Running', 'Running', 'Failed'),
  });
  fc.assert(
    fc.property(
      fc.array(state, { minLength: 1, maxLength: 6 }),
      fc.uniqueArray(fc.tuple(fc.nat(7), state), { maxLength: 3, selector: ([i]) => i }),
      (initial, changes) => {
        const before = initial.map((one, i) => pod(i, one));
        const slices = stored(before);
        const changed = changes.map(([i, one]) => pod(i, one));
        const isSamePod = (a: Pod, b: Pod): boolean => a.metadata.uid === b.metadata.uid;
        const after = [
          ...before.map((one) => changed.find((other) => isSamePod(one, other)) ?? one),
          ...changed.filter((one) => !before.some((other) => isSamePod(one, other))),
        ];
        const patch = patchEndpointSlices({ service, slices, zoneOf }, changed);
        if (patch === undefined) return;
        const plan = planEndpointSlices({ service: { ...service }, pods: after, slices, zoneOf });
        const byName = (list: readonly EndpointSlice[]): EndpointSlice[] =>
          [...list].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
        assert.deepEqual([plan.create, plan.delete], [[], []]);
        assert.deepEqual(byName(patch.update), byName(plan.update));
      },
    ),
  );
});
