import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod } from '#api/generated/types.ts';
import { nodePage } from './node-page.ts';

test('/runningpods has the containers that run, and no Pod without one', () => {
  const pod = (name: string, ...states: readonly string[]): Pod =>
    ({
      metadata: { name, namespace: 'ns', uid: `uid-${name}`, labels: { a: 'b' } },
      spec: { containers: states.map((_, i) => ({ name: `c${i}`, image: 'host' })) },
      status: { containerStatuses: states.map((state, i) => ({ name: `c${i}`, state: { [state]: {} } })) },
    }) as unknown as Pod;
  const pods = (): readonly Pod[] => [pod('a', 'running', 'terminated'), pod('b', 'waiting')];
  const page = nodePage('/runningpods/', { nodeName: 'n', summary: () => undefined, pods });
  assert.deepEqual(JSON.parse(page?.body ?? ''), {
    kind: 'PodList',
    apiVersion: 'v1',
    metadata: {},
    items: [
      {
        metadata: { name: 'a', namespace: 'ns', uid: 'uid-a' },
        spec: { containers: [{ name: 'c0', image: 'host', resources: {} }] },
        status: {},
      },
    ],
  });
  assert.equal(
    nodePage('/runningpods/', { nodeName: 'n', summary: () => undefined, pods: () => undefined }),
    undefined,
  );
});
