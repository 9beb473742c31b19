import assert from 'node:assert/strict';
import test from 'node:test';
import { DEFAULT_CONFIG } from './config.ts';
import { planAddition } from './node-addition.ts';

test('a node more has the next number, name and part of the Pods', () => {
  const { config, plan } = planAddition({ ...DEFAULT_CONFIG, nodes: 2 }, { labels: { disk: 'ssd' } });
  assert.equal(config.nodes, 3);
  assert.deepEqual([plan.name, plan.podCidrs, plan.labels['disk']], ['node-3', ['10.244.2.0/24'], 'ssd']);
});

test('a node for which the range of Pods has no part is refused, as a failure and not as a wrong command line', () => {
  assert.throws(() => planAddition({ ...DEFAULT_CONFIG, nodes: 2, podCidr: '10.9.0.0/23' }, {}), {
    code: 'ENODE',
    message: 'Cannot add node "node-3": Cannot use --pod-cidr 10.9.0.0/23: each of the 3 nodes takes a /24 of it',
    hint: 'remove a node first, or start another cluster with a larger --pod-cidr',
  });
});
