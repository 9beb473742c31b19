import assert from 'node:assert/strict';
import test from 'node:test';
import type { Container, Pod } from '#api/generated/types.ts';
import { bodyOf, outcome, TestServer } from '../testing/test-server.ts';

const PODS = '/api/v1/namespaces/default/pods';

const amounts = (requests: object, limits?: object): Partial<Container> =>
  ({ resources: { requests, ...(limits === undefined ? {} : { limits }) } }) as Partial<Container>;

async function withPod(server: TestServer): Promise<void> {
  const container = { image: 'host', ...amounts({ cpu: '100m', memory: '64Mi' }, { memory: '128Mi' }) };
  await server.post(PODS, {
    metadata: { name: 'a' },
    spec: {
      nodeName: 'n1',
      initContainers: [
        { ...container, name: 'i' },
        { ...container, name: 's', restartPolicy: 'Always' },
      ],
      containers: [{ ...container, name: 'c' }],
    },
  });
}

test('a resize changes resources, and nothing else', async () => {
  await using server = await TestServer.start();
  await withPod(server);
  const answer = await server.patch(`${PODS}/a/resize`, 'strategic-merge', {
    metadata: { labels: { no: 'way' } },
    spec: {
      containers: [
        {
          name: 'c',
          image: 'other',
          ...amounts({ cpu: '200m' }, { memory: '256Mi' }),
        },
      ],
      initContainers: [{ name: 's', ...amounts({ memory: '32Mi' }) }],
    },
  });
  assert.equal(outcome(answer), '200');
  const { metadata, spec } = bodyOf<Pod>(await server.get(`${PODS}/a/resize`));
  assert.deepEqual([metadata.generation, metadata.labels], [2, undefined]);
  const [container] = spec.containers;
  assert.deepEqual(
    [container?.image, container?.resources, spec.initContainers?.[1]?.resources],
    [
      'host',
      { requests: { cpu: '200m', memory: '64Mi' }, limits: { memory: '256Mi' } },
      { requests: { cpu: '100m', memory: '32Mi' }, limits: { memory: '128Mi' } },
    ],
  );
});

const refusals: readonly (readonly [name: string, spec: object, text: string])[] = [
  [
    'a request that goes',
    { containers: [{ name: 'c', ...amounts({ cpu: null }) }] },
    'spec.containers[0].resources.requests: Forbidden: resource requests cannot be removed',
  ],
  [
    'a limit below its request',
    { containers: [{ name: 'c', ...amounts({}, { memory: '1Mi' }) }] },
    'spec.containers[0].resources.requests: Invalid value: "64Mi": must be less than or equal to memory limit of 1Mi',
  ],
  [
    'another class',
    {
      containers: [{ name: 'c', ...amounts({ cpu: '1', memory: '1Gi' }, { cpu: '1', memory: '1Gi' }) }],
      initContainers: [{ name: 's', ...amounts({ cpu: '1', memory: '1Gi' }, { cpu: '1', memory: '1Gi' }) }],
    },
    '',
  ],
  [
    'a resource that has to be taken at the start',
    { containers: [{ name: 'c', ...amounts({ 'ephemeral-storage': '1Gi' }) }] },
    'spec: Forbidden: only cpu and memory resources are mutable',
  ],
  [
    'an init container',
    { initContainers: [{ name: 'i', ...amounts({ cpu: '1' }) }] },
    'spec: Forbidden: resources for non-sidecar init containers are immutable',
  ],
  [
    'one more container',
    { containers: [{ name: 'd', image: 'host' }] },
    'spec.containers: Forbidden: containers may not be added or removed on resize',
  ],
];
for (const [name, spec, text] of refusals) {
  test(`a resize with ${name}: ${text || 'allowed, the init container decides'}`, async () => {
    await using server = await TestServer.start();
    await withPod(server);
    const answer = await server.patch(`${PODS}/a/resize`, 'strategic-merge', { spec });
    if (text === '') assert.equal(outcome(answer), '200');
    else assert.equal(outcome(answer), `422 Invalid: Pod "a" is invalid: ${text}`);
  });
}

test('a Pod is not resized into another class, nor on a node that cannot', async () => {
  await using server = await TestServer.start();
  await server.post(PODS, {
    metadata: { name: 'b' },
    spec: { nodeName: 'n1', containers: [{ name: 'c', image: 'host' }] },
  });
  const spec = { containers: [{ name: 'c', ...amounts({ cpu: '1' }) }] };
  const resize = async (): Promise<string> =>
    outcome(await server.patch(`${PODS}/b/resize`, 'strategic-merge', { spec }));
  const why = 'spec: Invalid value: "BestEffort": Pod QOS Class may not change as a result of resizing';
  assert.equal(await resize(), `422 Invalid: Pod "b" is invalid: ${why}`);
  const containerStatuses = [
    { name: 'c', state: { running: {} }, ready: true, restartCount: 0, image: '', imageID: '' },
  ];
  await server.patch(`${PODS}/b/status`, 'merge', { status: { containerStatuses } });
  assert.match(await resize(), /, spec: Forbidden: Pod running on node without support for resize\]$/);
});

test('quotas and ranges count what a resize asks for', async () => {
  await using server = await TestServer.start();
  await server.post('/api/v1/namespaces/default/limitranges', {
    metadata: { name: 'range' },
    spec: { limits: [{ type: 'Container', max: { cpu: '2' } }] },
  });
  await withPod(server);
  const resize = async (cpu: string): Promise<string> => {
    const spec = { containers: [{ name: 'c', resources: { requests: { cpu }, limits: { cpu } } }] };
    return outcome(await server.patch(`${PODS}/a/resize`, 'strategic-merge', { spec }));
  };
  assert.match(await resize('3'), /^403 Forbidden: .*maximum cpu usage per Container is 2, but limit is 3/);
  assert.equal(await resize('500m'), '200');
});
