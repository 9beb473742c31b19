import assert from 'node:assert/strict';
import test from 'node:test';
import { addMember, labelsOf, type NodeMember, parseLabels, resizeMembers } from './members.ts';

const format = (members: readonly NodeMember[]): string =>
  members.map(({ name, number }) => `${number}=${name}`).join(' ');

test('members come and go, and keep their numbers', () => {
  const three = resizeMembers([], 3);
  assert.equal(format(three), '1=node-1 2=node-2 3=node-3');
  const gap = three.filter(({ number }) => number !== 2);
  const { members, added } = addMember(gap, { name: 'two', labels: { a: 'b' } });
  assert.deepEqual(added, { name: 'two', number: 2, labels: { a: 'b' } });
  assert.equal(format(members), '1=node-1 2=two 3=node-3');
  assert.equal(format(resizeMembers(members, 4)), '1=node-1 2=two 3=node-3 4=node-4');
  assert.equal(format(resizeMembers(members, 2)), '1=node-1 2=two');
  // Somebody has its name.
  assert.equal(format(addMember([{ name: 'node-1', number: 7, labels: {} }], {}).members), '1=node-2 7=node-1');
});

test('a name that is taken or no name, and one node too many, are refused', () => {
  const full = resizeMembers([], 100);
  assert.throws(() => addMember(full, {}), { code: 'ECONFIG', message: 'Cannot add a node: there are 100 already' });
  assert.throws(() => addMember([], { name: 'A' }), { code: 'EUSAGE', message: 'Cannot name a node "A"' });
  assert.throws(() => addMember(full.slice(1), { name: 'node-2' }), { message: /there is one already/ });
});

test('zones go around, and what a node says itself counts more', () => {
  const defaults = { nodeLabels: { disk: 'hdd' }, zones: ['a', 'b'] };
  const labels = (number: number, own: NodeMember['labels'] = {}): string =>
    Object.entries(labelsOf({ name: '', number, labels: own }, defaults))
      .map(([key, value]) => `${key}=${value}`)
      .join(' ');
  assert.equal(labels(1), 'disk=hdd topology.kubernetes.io/zone=a');
  assert.equal(labels(3, { disk: 'ssd' }), 'disk=ssd topology.kubernetes.io/zone=a');
  assert.equal(labels(2), 'disk=hdd topology.kubernetes.io/zone=b');
});

test('parseLabels() reads what kubectl label takes', () => {
  assert.deepEqual(parseLabels('labels', 'a=b,example.com/c=,'), { a: 'b', 'example.com/c': '' });
  for (const text of ['a', '=b', '!=x', 'a=b c']) assert.throws(() => parseLabels('labels', text), { code: 'EUSAGE' });
});
