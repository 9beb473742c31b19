import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkFields } from '../field-check.ts';
import { fieldErrorText } from '../field-error.ts';
import type { KindDefinition } from '../kind.ts';
import type { KubeObject } from '../object.ts';
import { builtInKinds } from './built-in.ts';

const TEMPLATE = { metadata: { labels: { app: 'web' } } };
const SELECTOR = { matchLabels: { app: 'web' } };

function kindOf(name: string): KindDefinition {
  const kind = builtInKinds.find((kind) => kind.resource.kind === name);
  assert.ok(kind !== undefined);
  return kind;
}

function stored(kind: KindDefinition, body: object): KubeObject {
  const { metadata, ...rest } = body as { metadata?: object };
  const namespace = kind.resource.namespaced ? { namespace: 'default' } : {};
  const meta = { name: 'web', ...namespace, uid: 'u', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' };
  const checked = checkFields(kind.model, { ...rest, metadata: { ...meta, ...metadata } }, 'Strict');
  assert.equal(checked.kind, 'ok', JSON.stringify(checked));
  return kind.prepareCreate(kind.defaults((checked.kind === 'ok' ? checked.value : {}) as KubeObject));
}

const creates: readonly (readonly [string, object, readonly string[]])[] = [
  [
    'StatefulSet',
    {
      spec: {
        selector: SELECTOR,
        template: {
          ...TEMPLATE,
          spec: {
            containers: [
              {
                name: 'c',
                image: 'i',
                volumeMounts: [
                  { name: 'data', mountPath: '/data' },
                  { name: 'x', mountPath: '/x' },
                ],
              },
            ],
          },
        },
        volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: {} }],
      },
    },
    ['spec.template.spec.containers[0].volumeMounts[1].name: Not found: "x"'],
  ],
  [
    'PersistentVolumeClaim',
    { spec: { accessModes: ['ReadWriteOncePod', 'ReadWriteMany', 'All'], resources: { requests: { storage: '0' } } } },
    [
      'spec.accessModes: Unsupported value: "All": supported values: "ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"',
      'spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes',
      'spec.resources[storage]: Invalid value: "0": must be greater than zero',
    ],
  ],
  [
    'PersistentVolume',
    { spec: { accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' }, local: { path: '/a' }, nfs: {} } },
    [
      'spec.nfs: Forbidden: may not specify more than 1 volume type',
      'spec.nodeAffinity: Required value: Local volume requires node affinity',
    ],
  ],
  [
    'PersistentVolume',
    { spec: { accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' } } },
    ['spec: Required value: must specify a volume type'],
  ],
];

for (const [name, body, errors] of creates) {
  test(`${name} ${JSON.stringify(body).slice(0, 60)} has ${errors.length} errors`, () => {
    const kind = kindOf(name);
    assert.deepEqual(kind.validateCreate(stored(kind, body)).map(fieldErrorText), errors);
  });
}
