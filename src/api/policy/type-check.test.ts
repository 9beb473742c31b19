import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CustomResourceDefinition, ValidatingAdmissionPolicySpec } from '../generated/types.ts';
import { customKind } from '../custom/custom-kind.ts';
import { KindRegistry } from '../registry.ts';
import { typeWarnings } from './type-check.ts';

const registry = new KindRegistry();
const version = {
  name: 'v1',
  served: true,
  storage: true,
  schema: {
    openAPIV3Schema: {
      type: 'object',
      properties: { spec: { type: 'object', properties: { replicas: { type: 'integer' } } } },
    },
  },
};
registry.add(
  customKind(
    {
      metadata: { name: 'tabs.a.test' },
      spec: { group: 'a.test', names: { plural: 'tabs', kind: 'Tab' }, scope: 'Namespaced', versions: [version] },
    } as unknown as CustomResourceDefinition,
    version,
  ),
);

const about = (group: string, ...resources: readonly string[]) => ({
  resourceRules: [{ apiGroups: [group], apiVersions: ['v1'], operations: ['*'], resources }],
});

const cases: readonly (readonly [string, ValidatingAdmissionPolicySpec, readonly string[]])[] = [
  [
    'right',
    { matchConstraints: about('apps', 'deployments'), validations: [{ expression: 'object.spec.replicas > 1' }] },
    [],
  ],
  [
    'of other types',
    {
      matchConstraints: about('apps', 'deployments'),
      validations: [{ expression: "object.spec.replicas > '1'", messageExpression: "'got ' + object.spec.replicas" }],
    },
    [
      "spec.validations[0].expression: apps/v1, Kind=Deployment: compilation failed: ERROR: <input>:1:22: found no matching overload for '_>_' applied to '(int, string)'\n | object.spec.replicas > '1'\n | .....................^\n",
      "spec.validations[0].messageExpression: apps/v1, Kind=Deployment: compilation failed: ERROR: <input>:1:8: found no matching overload for '_+_' applied to '(string, int)'\n | 'got ' + object.spec.replicas\n | .......^\n",
    ],
  ],
  [
    'of a custom kind',
    {
      matchConstraints: about('a.test', 'tabs'),
      validations: [
        { expression: "object.spec.replicas > '1' || object.metadata.name == 'a'" },
        { expression: 'object.spec.retries < 10' },
      ],
    },
    [
      "spec.validations[0].expression: a.test/v1, Kind=Tab: compilation failed: ERROR: <input>:1:22: found no matching overload for '_>_' applied to '(int, string)'\n | object.spec.replicas > '1' || object.metadata.name == 'a'\n | .....................^\n",
      "spec.validations[1].expression: a.test/v1, Kind=Tab: compilation failed: ERROR: <input>:1:12: undefined field 'retries'\n | object.spec.retries < 10\n | ...........^\n",
    ],
  ],
  [
    'of two kinds, one of which has it',
    {
      matchConstraints: about('apps', 'deployments', 'statefulsets'),
      validations: [{ expression: "object.spec.serviceName == 'a'" }],
    },
    [
      "spec.validations[0].expression: apps/v1, Kind=Deployment: compilation failed: ERROR: <input>:1:12: undefined field 'serviceName'\n | object.spec.serviceName == 'a'\n | ...........^\n",
    ],
  ],
  [
    'by a variable and a param',
    {
      matchConstraints: about('apps', 'deployments'),
      paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
      variables: [{ name: 'n', expression: 'object.spec.replicas' }],
      validations: [{ expression: 'variables.n < int(params.data.n) && params.foo' }],
    },
    [
      "spec.validations[0].expression: apps/v1, Kind=Deployment: compilation failed: ERROR: <input>:1:43: undefined field 'foo'\n | variables.n < int(params.data.n) && params.foo\n | ..........................................^\n",
    ],
  ],
  [
    'of amounts and of definitions, which hold themselves',
    {
      matchConstraints: about('apiextensions.k8s.io', 'customresourcedefinitions'),
      validations: [{ expression: 'object.spec.versions.all(v, v.schema.openAPIV3Schema.not.not.minLength > 0)' }],
    },
    [],
  ],
  ['of whatever there is', { matchConstraints: about('*', '*'), validations: [{ expression: 'object.foo' }] }, []],
];

for (const [name, spec, expected] of cases) {
  test(`typeWarnings() of expressions that are ${name}`, () => {
    const warnings = typeWarnings(spec, registry).map(({ fieldRef, warning }) => `${fieldRef}: ${warning}`);
    assert.deepEqual(warnings, expected);
  });
}
