import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  duplicate,
  type FieldError,
  fieldErrorText,
  forbidden,
  internal,
  invalid,
  invalidStatus,
  notFound,
  required,
  tooLong,
  tooMany,
  unsupported,
} from './field-error.ts';

const cases: readonly (readonly [FieldError, string])[] = [
  [
    invalid('spec.ports[0].port', 0, 'must be between 1 and 65535, inclusive'),
    'spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive',
  ],
  [invalid('metadata.name', 'Web', 'no'), 'metadata.name: Invalid value: "Web": no'],
  [
    invalid('spec.clusterIPs[0]', ['None'], 'may not change once set'),
    'spec.clusterIPs[0]: Invalid value: ["None"]: may not change once set',
  ],
  [
    invalid('spec.selector', { matchLabels: { app: 'web' } }, 'field is immutable'),
    'spec.selector: Invalid value: {"matchLabels":{"app":"web"}}: field is immutable',
  ],
  [
    invalid('spec.loadBalancerClass', undefined, 'may not change once set'),
    'spec.loadBalancerClass: Invalid value: null: may not change once set',
  ],
  [required('spec.ports'), 'spec.ports: Required value'],
  [
    required('metadata.name', 'name or generateName is required'),
    'metadata.name: Required value: name or generateName is required',
  ],
  [duplicate('spec.ports[1].name', 'http'), 'spec.ports[1].name: Duplicate value: "http"'],
  [
    forbidden('spec.ports[0].nodePort', "may not be used when `type` is 'ClusterIP'"),
    "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'",
  ],
  [
    unsupported('spec.type', 'x', ['ClusterIP', 'NodePort']),
    'spec.type: Unsupported value: "x": supported values: "ClusterIP", "NodePort"',
  ],
  [
    notFound('spec.containers[0].volumeMounts[0].name', 'data'),
    'spec.containers[0].volumeMounts[0].name: Not found: "data"',
  ],
  [tooLong('metadata.annotations', 262144), 'metadata.annotations: Too long: may not be more than 262144 bytes'],
  [tooMany('endpoints', 1001, 1000), 'endpoints: Too many: 1001: must have at most 1000 items'],
  [internal('spec', 'no'), 'spec: Internal error: no'],
];

for (const [error, text] of cases)
  test(`fieldErrorText() of ${error.kind} at ${error.field}`, () => assert.equal(fieldErrorText(error), text));

test('invalidStatus() says one error plainly and several in brackets, each once', () => {
  const service = { group: '', kind: 'Service' };
  const deployment = { group: 'apps', kind: 'Deployment' };
  assert.deepEqual(invalidStatus(service, 'web', [required('spec.ports')]), {
    apiVersion: 'v1',
    kind: 'Status',
    metadata: {},
    status: 'Failure',
    message: 'Service "web" is invalid: spec.ports: Required value',
    reason: 'Invalid',
    details: {
      name: 'web',
      kind: 'Service',
      causes: [{ reason: 'FieldValueRequired', message: 'Required value', field: 'spec.ports' }],
    },
    code: 422,
  });
  const errors = [required('a'), required('b'), required('a')];
  assert.equal(
    invalidStatus(deployment, 'web', errors).message,
    'Deployment.apps "web" is invalid: [a: Required value, b: Required value]',
  );
});
