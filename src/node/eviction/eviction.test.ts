import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod } from '#api/generated/types.ts';
import { type DiskState, diskShortage, formatBytes, KUBELET_DISK_POLICY } from './disk-threshold.ts';
import { evictionMessage, isCritical, type PodDiskUse, rankForEviction } from './eviction.ts';

const MI = 2 ** 20;
const disk = (availableMi: number, freeInodes: number = 1000): DiskState => ({
  bytes: 1000 * MI,
  availableBytes: availableMi * MI,
  inodes: 1000,
  freeInodes,
});

const states: readonly { name: string; state: DiskState; shortage: string }[] = [
  { name: 'half full', state: disk(500), shortage: 'none' },
  { name: 'just at its threshold', state: disk(150), shortage: 'none' },
  { name: 'below it', state: disk(149), shortage: 'ephemeral-storage 150Mi 149Mi' },
  { name: 'with few inodes left', state: disk(500, 49), shortage: 'inodes 50 49' },
  { name: 'that counts no inodes', state: { ...disk(500), inodes: 0, freeInodes: 0 }, shortage: 'none' },
];
for (const { name, state, shortage } of states) {
  test(`diskShortage() of a disk ${name}`, () => {
    const found = diskShortage(state, KUBELET_DISK_POLICY);
    assert.equal(found === undefined ? 'none' : `${found.resource} ${found.threshold} ${found.available}`, shortage);
  });
}

interface Given {
  readonly priority?: number;
  readonly request?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly inodes?: number;
}

function use(name: string, mi: number, { priority, request, annotations, inodes = 1 }: Given = {}): PodDiskUse {
  const requests = request === undefined ? {} : { 'ephemeral-storage': request };
  const pod = {
    metadata: { name, annotations },
    spec: { priority, containers: [{ name: 'c', resources: { requests } }], initContainers: [{ name: 'i' }] },
  } as unknown as Pod;
  const containers = [
    { name: 'c', bytes: mi * MI },
    { name: 'i', bytes: 0 },
  ];
  return { pod, bytes: mi * MI, inodes, containers };
}

const namesOf = (ranked: readonly PodDiskUse[]): readonly string[] => ranked.map(({ pod }) => pod.metadata.name);

test('rankForEviction() takes who is beyond what he asked for, who matters less, who uses most; nobody critical', () => {
  const pods = [
    use('modest', 10, { request: '20Mi' }),
    use('large', 90),
    use('small', 5),
    use('important', 500, { priority: 100 }),
    use('critical', 500, { priority: 2_000_000_000 }),
    use('static', 500, { annotations: { 'kubernetes.io/config.mirror': 'x' } }),
    use('granted', 100, { request: '50Mi' }),
  ];
  const ranked = rankForEviction(pods, 'ephemeral-storage');
  assert.deepEqual(namesOf(ranked), ['large', 'granted', 'small', 'important', 'modest']);
  assert.equal(isCritical(use('x', 0, { priority: 2_000_001_000 }).pod), true);
});

test('rankForEviction() goes by the number of files where that is what there is too little of', () => {
  const pods = [use('large', 90, { inodes: 10 }), use('scattered', 10, { request: '20Mi', inodes: 5000 })];
  assert.deepEqual(namesOf(rankForEviction(pods, 'inodes')), ['scattered', 'large']);
});

test('rankForEviction() counts what init containers asked for, too', () => {
  const { pod, ...used } = use('prepared', 10);
  const [init = { name: 'i' }] = pod.spec.initContainers ?? [];
  const initContainers = [{ ...init, resources: { requests: { 'ephemeral-storage': '20Mi' } } }];
  const prepared = { ...used, pod: { ...pod, spec: { ...pod.spec, initContainers } } };
  assert.deepEqual(namesOf(rankForEviction([prepared, use('small', 1)], 'ephemeral-storage')), ['small', 'prepared']);
});

test('evictionMessage() names threshold, what there is, and containers beyond what they asked for', () => {
  const shortage = { resource: 'ephemeral-storage', threshold: '150Mi', available: '149Mi' } as const;
  const low = 'The node was low on resource: ephemeral-storage. Threshold quantity: 150Mi, available: 149Mi. ';
  assert.equal(
    evictionMessage(shortage, use('p', 3, { request: '2Mi' })),
    `${low}Container c was using 3Mi, request is 2Mi, has larger consumption of ephemeral-storage. `,
  );
  assert.equal(evictionMessage(shortage, use('p', 3, { request: '4Mi' })), low);
  assert.equal(
    evictionMessage({ resource: 'inodes', threshold: formatBytes(50), available: formatBytes(49) }, use('p', 3)),
    'The node was low on resource: inodes. Threshold quantity: 50, available: 49. ',
  );
});
