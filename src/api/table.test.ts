import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeObject } from './object.ts';
import { KindRegistry } from './registry.ts';
import { renderTable } from './table.ts';

const NOW = Date.UTC(2026, 0, 1, 0, 3);
const metadata = { name: 'default', uid: 'u', resourceVersion: '7', creationTimestamp: '2026-01-01T00:00:00Z' };
const object = { apiVersion: 'v1', kind: 'Namespace', metadata, status: { phase: 'Active' } } as KubeObject;
const kind = new KindRegistry().byPlural('', 'v1', 'namespaces');
assert.ok(kind !== undefined);

test('renderTable() is what kubectl asks for', () => {
  const table = renderTable(kind, [object], NOW, { metadata: { resourceVersion: '9' } });
  assert.deepEqual(table, {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: { resourceVersion: '9' },
    columnDefinitions: kind.columns,
    rows: [
      {
        cells: ['default', 'Active', '3m'],
        object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata },
      },
    ],
  });
});

test('renderTable() leaves out the columns and the objects, or holds them whole', () => {
  assert.deepEqual(renderTable(kind, [object], NOW, { includeObject: 'None', noHeaders: true, version: 'v1beta1' }), {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1beta1',
    metadata: {},
    columnDefinitions: null,
    rows: [{ cells: ['default', 'Active', '3m'] }],
  });
  assert.equal(renderTable(kind, [object], NOW, { includeObject: 'Object' }).rows[0]?.object, object);
});
