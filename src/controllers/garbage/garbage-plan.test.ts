import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OwnerReference } from '#api/object.ts';
import { pods } from '#api/resource.ts';
import { FOREGROUND, type GraphNode, ORPHAN } from './garbage-graph.ts';
import { type GarbageAction, type OwnerState, planGarbage } from './garbage-plan.ts';

function node(uid: string, more: Partial<GraphNode> = {}): GraphNode {
  return { uid, resource: pods, namespace: 'd', name: uid, owners: [], finalizers: [], terminating: false, ...more };
}

function owner(uid: string, blockOwnerDeletion: boolean = true): OwnerReference {
  return { apiVersion: 'v1', kind: 'K', name: uid, uid, blockOwnerDeletion };
}

const self = { owners: [owner('o')] };
const two = { owners: [owner('o'), owner('p')] };
const dying = { terminating: true, finalizers: [FOREGROUND] };

const cases: readonly {
  name: string;
  node: GraphNode;
  states?: readonly OwnerState[];
  dependents?: readonly GraphNode[];
  action: GarbageAction;
}[] = [
  { name: 'without owners', node: node('x'), action: { kind: 'none' } },
  { name: 'with its owner', node: node('x', self), states: ['solid'], action: { kind: 'none' } },
  {
    name: 'without its owner',
    node: node('x', self),
    states: ['absent'],
    action: { kind: 'delete', policy: 'Background' },
  },
  {
    name: 'with one of two owners',
    node: node('x', two),
    states: ['absent', 'solid'],
    action: { kind: 'drop-owners', uids: ['o'] },
  },
  {
    name: 'whose owner waits for it',
    node: node('x', self),
    states: ['waiting'],
    action: { kind: 'delete', policy: 'Background' },
  },
  {
    name: 'whose owner waits for it, with dependents of its own',
    node: node('x', self),
    states: ['waiting'],
    dependents: [node('y', { owners: [owner('x')] })],
    action: { kind: 'delete', policy: 'Foreground' },
  },
  {
    name: 'whose owner waits for it, in a ring',
    node: node('x', self),
    states: ['waiting'],
    dependents: [node('y', { ...dying, owners: [owner('x')] })],
    action: { kind: 'unblock-and-delete' },
  },
  {
    name: 'that was to orphan its own',
    node: node('x', { ...self, finalizers: [ORPHAN] }),
    states: ['absent'],
    action: { kind: 'delete', policy: 'Orphan' },
  },
  {
    name: 'being deleted in the background',
    node: node('x', { ...self, terminating: true }),
    action: { kind: 'none' },
  },
  {
    name: 'being deleted with orphans',
    node: node('x', { terminating: true, finalizers: [ORPHAN] }),
    action: { kind: 'orphan-dependents' },
  },
  {
    name: 'being deleted in the foreground, alone',
    node: node('x', dying),
    action: { kind: 'remove-finalizer', finalizer: FOREGROUND },
  },
  {
    name: 'being deleted in the foreground, with a dependent that blocks',
    node: node('x', dying),
    dependents: [node('y', { owners: [owner('x')] })],
    action: { kind: 'none' },
  },
  {
    name: 'being deleted in the foreground, with a dependent that does not block',
    node: node('x', dying),
    dependents: [node('y', { owners: [owner('x', false)] })],
    action: { kind: 'remove-finalizer', finalizer: FOREGROUND },
  },
  {
    name: 'in a circle with one that waits for it',
    node: node('x', { ...dying, owners: [owner('y')] }),
    dependents: [node('y', { ...dying, owners: [owner('x')] })],
    action: { kind: 'remove-finalizer', finalizer: FOREGROUND },
  },
];

for (const c of cases) {
  test(`planGarbage() for an object ${c.name}: ${c.action.kind}`, () => {
    assert.deepEqual(planGarbage(c.node, c.states ?? [], c.dependents ?? []), c.action);
  });
}
