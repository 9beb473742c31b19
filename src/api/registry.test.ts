import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defineKind, eraseKind } from './define-kind.ts';
import { KindRegistry } from './registry.ts';
import { namespaces } from './resource.ts';

test('KindRegistry finds kinds by plural and by kind, and knows the groups', () => {
  const registry = new KindRegistry();
  assert.equal(registry.byPlural('apps', 'v1', 'deployments'), registry.byKind('apps', 'v1', 'Deployment'));
  assert.equal(registry.byPlural('apps', 'v2', 'deployments'), undefined);
  assert.deepEqual(
    registry.groups().map(({ group, versions }) => `${group}/${versions.join(',')}`),
    [
      '/v1',
      'apps/v1',
      'batch/v1',
      'autoscaling/v2,v1',
      'events.k8s.io/v1',
      'coordination.k8s.io/v1',
      'discovery.k8s.io/v1',
      'networking.k8s.io/v1',
      'policy/v1',
      'rbac.authorization.k8s.io/v1',
      'scheduling.k8s.io/v1',
      'apiextensions.k8s.io/v1',
      'admissionregistration.k8s.io/v1',
      'storage.k8s.io/v1',
      'node.k8s.io/v1',
      'flowcontrol.apiserver.k8s.io/v1',
      'certificates.k8s.io/v1',
      'apiregistration.k8s.io/v1',
    ],
  );
  assert.deepEqual(
    registry.inGroupVersion('apps', 'v1').map((kind) => kind.resource.plural),
    ['controllerrevisions', 'daemonsets', 'deployments', 'replicasets', 'statefulsets'],
  );
});

test('KindRegistry grows and shrinks', () => {
  const registry = new KindRegistry([]);
  const things = { ...namespaces, group: 'example.com', plural: 'things', kind: 'Thing' };
  const kind = eraseKind(defineKind(things, { model: 'Namespace' }));
  registry.add(kind);
  registry.add(kind);
  assert.equal(registry.byKind('example.com', 'v1', 'Thing'), kind);
  assert.deepEqual(registry.kinds, [kind]);
  assert.equal(registry.remove('example.com', 'v1', 'things'), true);
  assert.equal(registry.remove('example.com', 'v1', 'things'), false);
  assert.deepEqual(
    [registry.kinds, registry.byKind('example.com', 'v1', 'Thing'), registry.generation],
    [[], undefined, 4],
  );
});
