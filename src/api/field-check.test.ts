import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkFields, type FieldValidation } from './field-check.ts';

interface Case {
  readonly name: string;
  readonly model: string;
  readonly value: unknown;
  readonly mode?: FieldValidation;
  readonly text: string;
}

function text(model: string, value: unknown, mode: FieldValidation): string {
  const result = checkFields(model, value, mode);
  if (result.kind === 'wrong') return result.message;
  return [JSON.stringify(result.value), ...result.warnings].join(' | ');
}

const cases: readonly Case[] = [
  {
    name: 'keeps what is right',
    model: 'Service',
    value: {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'a' },
      spec: { ports: [{ port: 80, targetPort: 'http' }] },
    },
    text: '{"apiVersion":"v1","kind":"Service","metadata":{"name":"a"},"spec":{"ports":[{"port":80,"targetPort":"http"}]}}',
  },
  {
    name: 'refuses unknown fields in strict mode',
    model: 'Service',
    value: { spec: { foo: 1, ports: [{ port: 80 }, { port: 81, bar: {} }] } },
    text: 'strict decoding error: unknown field "spec.foo", unknown field "spec.ports[1].bar"',
  },
  {
    name: 'drops unknown fields with a warning',
    model: 'Service',
    mode: 'Warn',
    value: { spec: { foo: 1 }, bar: 2 },
    text: '{"spec":{}} | unknown field "spec.foo" | unknown field "bar"',
  },
  {
    name: 'drops unknown fields silently',
    model: 'Service',
    mode: 'Ignore',
    value: { spec: { foo: 1 } },
    text: '{"spec":{}}',
  },
  {
    name: 'names the innermost struct and the path without indices',
    model: 'Service',
    value: { spec: { ports: [{ port: 'http' }] } },
    text: 'json: cannot unmarshal string into Go struct field ServicePort.spec.ports.port of type int32',
  },
  {
    name: 'prefers a wrong type to an unknown field, and the first of them',
    model: 'Service',
    value: { spec: { foo: 1, selector: ['a'], type: 5 } },
    text: 'json: cannot unmarshal array into Go struct field ServiceSpec.spec.selector of type map[string]string',
  },
  {
    name: 'knows the named types',
    model: 'Service',
    value: { spec: { ports: [{ protocol: 6 }] } },
    text: 'json: cannot unmarshal number into Go struct field ServicePort.spec.ports.protocol of type v1.Protocol',
  },
  {
    name: 'names a struct',
    model: 'Service',
    value: { spec: 'x' },
    text: 'json: cannot unmarshal string into Go struct field Service.spec of type v1.ServiceSpec',
  },
  {
    name: 'names the whole',
    model: 'Service',
    value: [],
    text: 'json: cannot unmarshal array into Go value of type v1.Service',
  },
  {
    name: 'names values of maps',
    model: 'ConfigMap',
    value: { data: { a: 1 } },
    text: 'json: cannot unmarshal number into Go struct field ConfigMap.data of type string',
  },
  {
    name: 'refuses fractions and what does not fit',
    model: 'Deployment',
    value: { spec: { replicas: 1.5 } },
    text: 'json: cannot unmarshal number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32',
  },
  {
    name: 'takes numbers for amounts and makes them canonical',
    model: 'Pod',
    value: { spec: { containers: [{ name: 'a', resources: { limits: { cpu: 2, memory: '1024Mi' } } }] } },
    text: '{"spec":{"containers":[{"name":"a","resources":{"limits":{"cpu":"2","memory":"1Gi"}}}]}}',
  },
  {
    name: 'refuses amounts without sense',
    model: 'Pod',
    value: { spec: { containers: [{ name: 'a', resources: { limits: { cpu: 'much' } } }] } },
    text: "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
  },
  {
    name: 'refuses what is neither number nor text',
    model: 'Service',
    value: { spec: { ports: [{ targetPort: true }] } },
    text: 'json: cannot unmarshal bool into Go value of type int32',
  },
  {
    name: 'refuses what is not base64',
    model: 'Secret',
    value: { data: { a: 'YQ=' } },
    text: 'illegal base64 data at input byte 3',
  },
  {
    name: 'brings times to seconds in UTC',
    model: 'Service',
    value: { metadata: { creationTimestamp: '2026-01-01T01:00:00.5+01:00' } },
    text: '{"metadata":{"creationTimestamp":"2026-01-01T00:00:00Z"}}',
  },
  {
    name: 'refuses other times',
    model: 'Service',
    value: { metadata: { creationTimestamp: 'now' } },
    text: 'parsing time "now" as "2006-01-02T15:04:05Z07:00": cannot parse "now" as "2006"',
  },
  {
    name: 'drops nulls and empty optional values, and keeps what empty means something for',
    model: 'Pod',
    value: {
      metadata: { creationTimestamp: null, labels: {} },
      spec: { hostNetwork: false, nodeName: '', containers: [{ name: '', env: [{ name: 'A', value: '' }], args: [] }] },
      status: {},
    },
    text: '{"metadata":{},"spec":{"containers":[{"name":"","env":[{"name":"A","value":""}]}]},"status":{}}',
  },
  {
    name: 'keeps zeros that were set on purpose',
    model: 'Deployment',
    value: { spec: { replicas: 0, template: { spec: { automountServiceAccountToken: false } } } },
    text: '{"spec":{"replicas":0,"template":{"spec":{"automountServiceAccountToken":false}}}}',
  },
];

for (const { name, model, value, mode, text: expected } of cases) {
  test(`checkFields() ${name}`, () => {
    const before = JSON.stringify(value);
    assert.equal(text(model, value, mode ?? 'Strict'), expected);
    assert.equal(JSON.stringify(value), before);
  });
}

test('checkFields() returns the value itself when nothing is to change', () => {
  const value = { spec: { ports: [{ port: 80 }] } };
  const result = checkFields('Service', value, 'Strict');
  assert.equal(result.kind === 'ok' && result.value, value);
});

test('checkFields() counts duplicate fields among the strict problems', () => {
  assert.deepEqual(checkFields('Service', { foo: 1 }, 'Strict', ['duplicate field "spec"']), {
    kind: 'wrong',
    message: 'strict decoding error: duplicate field "spec", unknown field "foo"',
  });
});
