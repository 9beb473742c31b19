import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fieldErrorText } from '../field-error.ts';
import { failurePolicyDefaults, validatePolicies } from './job-policies.ts';

const template = { spec: { containers: [{ name: 'c', image: 'i' }] } };

function texts(spec: object): readonly string[] {
  return validatePolicies({ template, completions: 4, ...spec }).map(fieldErrorText);
}

const rule = (more: object): object => ({ podFailurePolicy: { rules: [more] }, podReplacementPolicy: 'Failed' });
const AT = 'spec.podFailurePolicy.rules[0]';

const cases: readonly { name: string; spec: object; errors: readonly string[] }[] = [
  { name: 'nothing of the kind', spec: {}, errors: [] },
  {
    name: 'a limit by index without indexes',
    spec: { backoffLimitPerIndex: 1, maxFailedIndexes: 2, successPolicy: { rules: [] } },
    errors: [
      'spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode',
      'spec.maxFailedIndexes: Invalid value: 2: requires indexed completion mode',
      'spec.successPolicy: Invalid value: {"Rules":[]}: requires indexed completion mode',
    ],
  },
  {
    name: 'more failed indexes than there are',
    spec: { completionMode: 'Indexed', maxFailedIndexes: 5 },
    errors: [
      'spec.backoffLimitPerIndex: Required value: when maxFailedIndexes is specified',
      'spec.maxFailedIndexes: Invalid value: 5: must be less than or equal to completions',
    ],
  },
  {
    name: 'rules that cannot be',
    spec: rule({ action: 'FailIndex', onExitCodes: { operator: 'In', containerName: 'x', values: [3, 0, 3] } }),
    errors: [
      `${AT}.action: Invalid value: "FailIndex": requires the backoffLimitPerIndex to be set`,
      `${AT}.onExitCodes.containerName: Invalid value: "x": must be one of the container or initContainer names in the pod template`,
      `${AT}.onExitCodes.values[1]: Invalid value: 0: must not be 0 for the In operator`,
      `${AT}.onExitCodes.values[2]: Duplicate value: 3`,
      `${AT}.onExitCodes.values: Invalid value: [3,0,3]: must be ordered`,
    ],
  },
  {
    name: 'a rule about nothing',
    spec: rule({ action: 'Count' }),
    errors: [`${AT}: Invalid value: specifying one of OnExitCodes and OnPodConditions is required`],
  },
  {
    name: 'a replacement that comes too early for a policy',
    spec: {
      ...rule({ action: 'Ignore', onPodConditions: [{ type: 'A' }] }),
      podReplacementPolicy: 'TerminatingOrFailed',
    },
    errors: ['spec.podReplacementPolicy: Unsupported value: "TerminatingOrFailed": supported values: "Failed"'],
  },
  {
    name: 'a success that cannot be reached',
    spec: { completionMode: 'Indexed', successPolicy: { rules: [{ succeededCount: 5 }, {}] } },
    errors: [
      'spec.successPolicy.rules[0].succeededCount: Invalid value: 5: must be less than or equal to 4 (the number of specified completions)',
      'spec.successPolicy.rules[1]: Required value: at least one of succeededCount or succeededIndexes must be specified',
    ],
  },
];
for (const { name, spec, errors } of cases) {
  test(`validatePolicies() of ${name}`, () => assert.deepEqual(texts(spec), errors));
}

test('failurePolicyDefaults() takes a condition without a status for one that is there', () => {
  const policy = { rules: [{ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget' }] }] };
  assert.deepEqual(failurePolicyDefaults(policy), {
    podFailurePolicy: {
      rules: [{ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] }],
    },
  });
});
