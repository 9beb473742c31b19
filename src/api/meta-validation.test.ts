import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fieldErrorText } from './field-error.ts';
import type { LooseMeta } from './kind.ts';
import { validateMeta, validateMetaUpdate } from './meta-validation.ts';
import { subdomainName } from './names.ts';

const OWNER = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'a', uid: 'u', controller: true };

const creates: readonly (readonly [string, LooseMeta, boolean, readonly string[]])[] = [
  ['a plain object', { name: 'web', namespace: 'default', labels: { app: 'web' } }, true, []],
  [
    'nothing',
    {},
    true,
    ['metadata.name: Required value: name or generateName is required', 'metadata.namespace: Required value'],
  ],
  [
    'a namespace on a cluster-wide kind',
    { name: 'web', namespace: 'default' },
    false,
    ['metadata.namespace: Forbidden: not allowed on this type'],
  ],
  [
    'owners that are not told enough, and two controllers',
    { name: 'a', ownerReferences: [{ apiVersion: '', kind: '', name: '', uid: '' }, OWNER, { ...OWNER, name: 'b' }] },
    false,
    [
      'metadata.ownerReferences.apiVersion: Invalid value: "": version must not be empty',
      'metadata.ownerReferences.kind: Invalid value: "": must not be empty',
      'metadata.ownerReferences.name: Invalid value: "": must not be empty',
      'metadata.ownerReferences.uid: Invalid value: "": must not be empty',
      `metadata.ownerReferences: Invalid value: [{"apiVersion":"","kind":"","name":"","uid":""},${JSON.stringify(OWNER)},${JSON.stringify({ ...OWNER, name: 'b' })}]: Only one reference can have Controller set to true. Found "true" in references for a and b`,
    ],
  ],
  [
    'both finalizers of deletion',
    { name: 'a', finalizers: ['orphan', 'foregroundDeletion'] },
    false,
    [
      'metadata.finalizers: Invalid value: ["orphan","foregroundDeletion"]: finalizer orphan and foregroundDeletion cannot be both set',
    ],
  ],
  [
    'annotations beyond 256 KiB',
    { name: 'a', annotations: { a: 'x'.repeat(262144) } },
    false,
    ['metadata.annotations: Too long: may not be more than 262144 bytes'],
  ],
];

for (const [name, meta, namespaced, errors] of creates) {
  test(`validateMeta() of ${name}`, () => {
    assert.deepEqual(validateMeta(meta, namespaced, subdomainName).map(fieldErrorText), errors);
  });
}

const OLD: LooseMeta = {
  name: 'a',
  namespace: 'd',
  uid: 'u',
  resourceVersion: '5',
  generation: 2,
  creationTimestamp: 't',
};

const updates: readonly (readonly [string, LooseMeta, LooseMeta, readonly string[]])[] = [
  ['nothing', OLD, OLD, []],
  [
    'what never changes',
    { ...OLD, name: 'b', uid: 'v', generation: 1 },
    OLD,
    [
      'metadata.generation: Invalid value: 1: must not be decremented',
      'metadata.name: Invalid value: "b": field is immutable',
      'metadata.uid: Invalid value: "v": field is immutable',
    ],
  ],
  [
    'the finalizers of a dying object',
    { ...OLD, deletionTimestamp: 't', finalizers: ['c/d', 'a/b'] },
    { ...OLD, deletionTimestamp: 't', finalizers: ['a/b'] },
    [
      'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"c/d"}',
    ],
  ],
];

for (const [name, meta, old, errors] of updates) {
  test(`validateMetaUpdate() of ${name}`, () => {
    assert.deepEqual(validateMetaUpdate(meta, old).map(fieldErrorText), errors);
  });
}
