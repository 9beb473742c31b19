import assert from 'node:assert/strict';
import test from 'node:test';
import type { KubeObject, ManagedFieldsEntry } from '../object.ts';
import type { JsonObject } from '../patch/json-value.ts';
import { applyConfiguration } from './apply.ts';
import { applyConflict } from './conflict.ts';
import { modelType } from './model-type.ts';

interface Manager {
  readonly name: string;
  readonly operation?: 'Apply' | 'Update';
  readonly fields: object;
}

function entry({ name, operation = 'Apply', fields }: Manager): ManagedFieldsEntry {
  return {
    manager: name,
    operation,
    apiVersion: 'v1',
    time: '2026-01-01T00:00:00Z',
    fieldsType: 'FieldsV1',
    fieldsV1: fields,
  };
}

function live(spec: object, managers: readonly Manager[], metadata: object = {}): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 's', resourceVersion: '1', ...metadata, managedFields: managers.map(entry) },
    spec,
  } as unknown as KubeObject;
}

function config(spec: object | undefined, metadata: object = {}): JsonObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 's', ...metadata },
    ...(spec === undefined ? {} : { spec }),
  };
}

/** The spec and labels afterwards, then who owns what. */
function run(object: KubeObject, applied: JsonObject, manager: string = 'me', force: boolean = false): string {
  const result = applyConfiguration(object, applied, {
    type: modelType('Service'),
    writer: { manager, operation: 'Apply', apiVersion: 'v1', time: '2026-02-02T00:00:00Z' },
    force,
    counts: (member) => member !== 'status',
  });
  if (result.kind === 'wrong') return result.problems.join('\n');
  if (result.kind === 'conflicts') return applyConflict(result.conflicts).message ?? '';
  if (result.object === (object as unknown)) return 'unchanged';
  const { metadata, spec } = result.object as unknown as KubeObject & { spec: unknown };
  const owners = (metadata.managedFields ?? []).map(
    (owner) => `${owner.manager ?? ''} ${owner.time?.slice(0, 10) ?? ''} ${JSON.stringify(owner.fieldsV1)}`,
  );
  const labels = metadata.labels === undefined ? '' : `${JSON.stringify(metadata.labels)} `;
  return [`${labels}${JSON.stringify(spec)}`, ...owners].join('\n');
}

const TCP = { name: 't', port: 53, protocol: 'TCP' };
const UDP = { name: 'u', port: 53, protocol: 'UDP' };
const TCP_KEY = 'k:{"port":53,"protocol":"TCP"}';
const UDP_KEY = 'k:{"port":53,"protocol":"UDP"}';
const item = { '.': {}, 'f:name': {}, 'f:port': {}, 'f:protocol': {} };
const ofType = { 'f:spec': { 'f:type': {} } };

const cases: readonly { name: string; actual: () => string; expected: readonly string[] }[] = [
  {
    name: 'what it states is its own, what others own stays',
    actual: () =>
      run(
        live({ type: 'ClusterIP' }, [{ name: 'other', operation: 'Update', fields: ofType }]),
        config({ ports: [TCP] }),
      ),
    expected: [
      '{"type":"ClusterIP","ports":[{"name":"t","port":53,"protocol":"TCP"}]}',
      `me 2026-02-02 ${JSON.stringify({ 'f:spec': { 'f:ports': { [TCP_KEY]: item } } })}`,
      'other 2026-01-01 {"f:spec":{"f:type":{}}}',
    ],
  },
  {
    name: 'an item is known by all its keys',
    actual: () =>
      run(live({ ports: [TCP] }, [{ name: 'x', fields: {} }]), config({ ports: [UDP, { name: 't', port: 53 }] })),
    expected: [
      '{"ports":[{"name":"u","port":53,"protocol":"UDP"},{"name":"t","port":53,"protocol":"TCP"}]}',
      'x 2026-01-01 {}',
      `me 2026-02-02 ${JSON.stringify({ 'f:spec': { 'f:ports': { [TCP_KEY]: { '.': {}, 'f:name': {}, 'f:port': {} }, [UDP_KEY]: item } } })}`,
    ],
  },
  {
    name: 'the same once more changes nothing, not even the time',
    actual: () => run(live({ type: 'NodePort' }, [{ name: 'me', fields: ofType }]), config({ type: 'NodePort' })),
    expected: ['unchanged'],
  },
  {
    name: 'what it states no longer goes',
    actual: () =>
      run(
        live({ type: 'NodePort', ports: [TCP, UDP] }, [
          { name: 'me', fields: { 'f:spec': { 'f:type': {}, 'f:ports': { [TCP_KEY]: item, [UDP_KEY]: item } } } },
        ]),
        config({ ports: [TCP] }),
      ),
    expected: [
      '{"ports":[{"name":"t","port":53,"protocol":"TCP"}]}',
      `me 2026-02-02 ${JSON.stringify({ 'f:spec': { 'f:ports': { [TCP_KEY]: item } } })}`,
    ],
  },
  {
    name: 'what it states no longer stays where somebody else owns it',
    actual: () =>
      run(
        live({ type: 'NodePort' }, [
          { name: 'me', fields: ofType },
          { name: 'other', operation: 'Update', fields: ofType },
        ]),
        config(undefined),
      ),
    expected: ['{"type":"NodePort"}', 'other 2026-01-01 {"f:spec":{"f:type":{}}}'],
  },
  {
    name: 'the last of its fields takes the emptied object with it',
    actual: () =>
      run(
        live({}, [{ name: 'me', fields: { 'f:metadata': { 'f:labels': { 'f:a': {} } } } }], { labels: { a: '1' } }),
        config(undefined),
      ),
    expected: ['{}'],
  },
  {
    name: 'one conflict',
    actual: () =>
      run(
        live({ type: 'NodePort' }, [{ name: 'o', operation: 'Update', fields: ofType }]),
        config({ type: 'ClusterIP' }),
      ),
    expected: ['Apply failed with 1 conflict: conflict with "o" using v1: .spec.type'],
  },
  {
    name: 'several conflicts, by manager',
    actual: () =>
      run(
        live({ type: 'NodePort', ports: [TCP] }, [
          { name: 'z', operation: 'Update', fields: ofType },
          { name: 'b', fields: { 'f:spec': { 'f:ports': { [TCP_KEY]: item } } } },
        ]),
        config({ type: 'ClusterIP', ports: [{ ...TCP, name: 'n' }] }),
      ),
    expected: [
      'Apply failed with 2 conflicts: conflicts with "b":',
      '- .spec.ports[port=53,protocol="TCP"].name',
      'conflicts with "z" using v1:',
      '- .spec.type',
    ],
  },
  {
    name: 'the same value is owned together',
    actual: () => run(live({ type: 'NodePort' }, [{ name: 'o', fields: ofType }]), config({ type: 'NodePort' })),
    expected: [
      '{"type":"NodePort"}',
      'o 2026-01-01 {"f:spec":{"f:type":{}}}',
      'me 2026-02-02 {"f:spec":{"f:type":{}}}',
    ],
  },
  {
    name: 'force takes the field from its owner',
    actual: () =>
      run(live({ type: 'NodePort' }, [{ name: 'o', fields: ofType }]), config({ type: 'ClusterIP' }), 'me', true),
    expected: ['{"type":"ClusterIP"}', 'me 2026-02-02 {"f:spec":{"f:type":{}}}'],
  },
  {
    name: 'an atomic map is one field',
    actual: () =>
      run(
        live({ selector: { a: 'b' } }, [{ name: 'o', fields: { 'f:spec': { 'f:selector': {} } } }]),
        config({ selector: { a: 'b', c: 'd' } }),
      ),
    expected: ['Apply failed with 1 conflict: conflict with "o": .spec.selector'],
  },
  {
    name: 'an object from before there were managers has one that stands for all',
    actual: () => run(live({ type: 'NodePort' }, []), config({ type: 'ClusterIP' })),
    expected: ['Apply failed with 1 conflict: conflict with "before-first-apply" using v1: .spec.type'],
  },
  {
    name: 'kubectl takes over what client-side apply set',
    actual: () => {
      const text = JSON.stringify(config({ type: 'NodePort' }));
      const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': text };
      const object = live({ type: 'NodePort' }, [{ name: 'csa', operation: 'Update', fields: ofType }], {
        annotations,
      });
      return run(object, config({ type: 'ClusterIP' }), 'kubectl');
    },
    expected: ['{"type":"ClusterIP"}', 'kubectl 2026-02-02 {"f:spec":{"f:type":{}}}'],
  },
  {
    name: 'what does not fit the type is refused',
    actual: () =>
      run(
        live({}, []),
        config({ foo: 1, ports: [{ port: '80' }, { name: 'x' }, TCP, TCP], type: 1, externalIPs: 'x', selector: [] }),
      ),
    expected: [
      '.spec.foo: field not declared in schema',
      '.spec.ports[port="80",protocol="TCP"].port: expected numeric (int or float), got string',
      '.spec.ports: element 1: associative list with keys has an element that omits key field "port" (and doesn\'t have default value)',
      '.spec.ports: duplicate entries for key [port=53,protocol="TCP"]',
      '.spec.type: expected string, got &value.valueUnstructured{Value:1}',
      '.spec.externalIPs: expected list, got "x"',
      '.spec.selector: expected map, got []',
    ],
  },
];

for (const { name, actual, expected } of cases) {
  test(`applyConfiguration(): ${name}`, () => assert.equal(actual(), expected.join('\n')));
}
