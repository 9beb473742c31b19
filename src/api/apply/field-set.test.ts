import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import {
  difference,
  equalSets,
  type FieldSet,
  type FieldSetBuilder,
  insert,
  intersection,
  pathsOf,
  sharedSet,
  union,
} from './field-set.ts';

function setOfPaths(paths: readonly string[]): FieldSet {
  const set: FieldSetBuilder = {};
  for (const path of paths) insert(set, path.split(' '));
  return set;
}

function paths(set: FieldSet): string[] {
  return [...pathsOf(set)].map((path) => path.join(' ')).sort();
}

test('insert() tells a field from what lies below it', () => {
  assert.equal(JSON.stringify(setOfPaths(['f:a f:b'])), '{"f:a":{"f:b":{}}}');
  assert.equal(JSON.stringify(setOfPaths(['f:a', 'f:a f:b'])), '{"f:a":{".":{},"f:b":{}}}');
  assert.equal(JSON.stringify(setOfPaths(['f:a f:b', 'f:a'])), '{"f:a":{"f:b":{},".":{}}}');
});

test('sharedSet() puts elements in order and gives equal sets as one', () => {
  const set = sharedSet(setOfPaths(['v:1', 'k:{}', 'f:b', 'f:a f:c', 'f:a']));
  assert.equal(JSON.stringify(set), '{"f:a":{".":{},"f:c":{}},"f:b":{},"k:{}":{},"v:1":{}}');
  assert.equal(sharedSet(setOfPaths(['v:1', 'k:{}', 'f:b', 'f:a f:c', 'f:a'])), set);
});

const element = fc.constantFrom('f:a', 'f:b', 'k:{"n":1}', 'v:1');
const pathList = fc.array(
  fc.array(element, { minLength: 1, maxLength: 3 }).map((path) => path.join(' ')),
  { maxLength: 12 },
);

test('sets of fields are sets', () => {
  const property = fc.property(pathList, pathList, (left, right) => {
    const a = setOfPaths(left);
    const b = setOfPaths(right);
    const inA = new Set(left);
    const inB = new Set(right);
    assert.deepEqual(paths(a), [...inA].sort());
    assert.deepEqual(paths(union(a, b)), [...inA.union(inB)].sort());
    assert.deepEqual(paths(difference(a, b)), [...inA.difference(inB)].sort());
    assert.deepEqual(paths(intersection(a, b)), [...inA.intersection(inB)].sort());
    assert.equal(equalSets(a, b), inA.symmetricDifference(inB).size === 0);
    assert.deepEqual(paths(a), [...inA].sort(), 'neither is changed');
  });
  fc.assert(property, { numRuns: 500 });
});
