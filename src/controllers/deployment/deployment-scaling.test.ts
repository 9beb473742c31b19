import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Deployment, ReplicaSet } from '#api/generated/types.ts';
import {
  DESIRED_REPLICAS,
  MAX_REPLICAS,
  maxSurge,
  maxUnavailable,
  newSetReplicas,
  type Resize,
  scaleProportionally,
  shrinkOldSets,
} from './deployment-scaling.ts';

function deployment(replicas: number, surge: number | string, unavailable: number | string): Deployment {
  const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: surge, maxUnavailable: unavailable } };
  return { metadata: {}, spec: { replicas, strategy } } as unknown as Deployment;
}

let age = 0;

/** `5/3`: five wanted, three available; younger than those made before. */
function set(text: string, annotations: Record<string, string> = {}): ReplicaSet {
  const [replicas, available] = text.split('/').map(Number);
  const creationTimestamp = String(1000 + age++);
  const metadata = { name: `set-${creationTimestamp}`, creationTimestamp, annotations };
  return { metadata, spec: { replicas }, status: { availableReplicas: available } } as unknown as ReplicaSet;
}

const bounds = [
  { replicas: 10, surge: '25%', unavailable: '25%', is: [3, 2] },
  { replicas: 1, surge: '25%', unavailable: '25%', is: [1, 0] },
  { replicas: 10, surge: 0, unavailable: 0, is: [0, 1] },
  { replicas: 10, surge: 0, unavailable: '5%', is: [0, 1] },
  { replicas: 2, surge: 1, unavailable: 5, is: [1, 2] },
  { replicas: 0, surge: 1, unavailable: 1, is: [1, 0] },
];

for (const { replicas, surge, unavailable, is } of bounds) {
  test(`${replicas} replicas with surge ${surge} and unavailable ${unavailable} may vary by +${is[0]} -${is[1]}`, () => {
    const found = deployment(replicas, surge, unavailable);
    assert.deepEqual([maxSurge(found), maxUnavailable(found)], is);
  });
}

const growth = [
  { replicas: 10, surge: 3, others: 10, current: 0, next: 3 },
  { replicas: 10, surge: 3, others: 5, current: 5, next: 8 },
  { replicas: 10, surge: 3, others: 0, current: 8, next: 10 },
  { replicas: 10, surge: 3, others: 12, current: 2, next: 2 },
  { replicas: 2, surge: 0, others: 0, current: 5, next: 5 },
];

for (const { replicas, surge, others, current, next } of growth) {
  test(`of ${replicas} + ${surge}, beside ${others} others, a new set of ${current} grows to ${next}`, () => {
    assert.equal(newSetReplicas(deployment(replicas, surge, 0), [set(`${others}/0`)], current), next);
  });
}

function sizes(resizes: readonly Resize[], sets: readonly ReplicaSet[]): number[] {
  return sets.map((found) => resizes.find((resize) => resize.set === found)?.replicas ?? found.spec.replicas ?? 1);
}

const shrinking = [
  { name: 'nothing while too few are available', replicas: 10, unavailable: 2, newSet: '3/0', old: ['8/8'], is: [8] },
  { name: 'what is above the least available', replicas: 10, unavailable: 2, newSet: '3/0', old: ['10/10'], is: [8] },
  { name: 'as many as the new set has available', replicas: 10, unavailable: 2, newSet: '5/5', old: ['8/8'], is: [3] },
  {
    name: 'unavailable ones first, then what is above the least available, of the oldest set',
    replicas: 10,
    unavailable: 2,
    newSet: '0/0',
    old: ['6/2', '7/7'],
    is: [1, 7],
  },
  {
    name: 'no more than the set has, whose status counts one that it has given up',
    replicas: 5,
    unavailable: 1,
    newSet: '3/2',
    old: ['4/5'],
    is: [2],
  },
  {
    name: 'everything once the new set is complete',
    replicas: 4,
    unavailable: 1,
    newSet: '4/4',
    old: ['1/1', '2/0'],
    is: [0, 0],
  },
  { name: 'nothing where there is nothing', replicas: 4, unavailable: 1, newSet: '4/4', old: ['0/0'], is: [0] },
];

for (const c of shrinking) {
  test(`shrinkOldSets() takes ${c.name}`, () => {
    const old = c.old.map((text) => set(text));
    assert.deepEqual(sizes(shrinkOldSets(deployment(c.replicas, 3, c.unavailable), set(c.newSet), old), old), c.is);
  });
}

const proportional = [
  { name: 'the only active set to all', replicas: 8, newSet: '5/5', old: ['0/0'], before: 5, is: [0, 8] },
  {
    name: 'shares of a growth in the middle of a rollout',
    replicas: 20,
    newSet: '5/5',
    old: ['8/8'],
    before: 10,
    is: [14, 9],
  },
  { name: 'shares of a reduction', replicas: 5, newSet: '5/5', old: ['8/8'], before: 10, is: [5, 3] },
  { name: 'all to none', replicas: 0, newSet: '5/5', old: ['8/8'], before: 10, is: [0, 0] },
];

for (const c of proportional) {
  test(`scaleProportionally() gives ${c.name}`, () => {
    const annotations = { [DESIRED_REPLICAS]: String(c.before), [MAX_REPLICAS]: String(c.before + 3) };
    const old = c.old.map((text) => set(text, annotations));
    const newSet = set(c.newSet, annotations);
    const resizes = scaleProportionally(deployment(c.replicas, 3, 2), newSet, old);
    assert.deepEqual(sizes(resizes, [...old, newSet]), c.is);
  });
}

test('scaleProportionally() empties old sets that appear beside a complete new one', () => {
  const annotations = { [DESIRED_REPLICAS]: '3', [MAX_REPLICAS]: '4' };
  const old = [set('2/2', annotations)];
  const newSet = set('3/3', annotations);
  assert.deepEqual(sizes(scaleProportionally(deployment(3, 1, 0), newSet, old), [...old, newSet]), [0, 3]);
});
