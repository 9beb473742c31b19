import type { AnswerCase, AnswerRequest } from './answer-case.ts';

const VALIDATING = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations';
const MUTATING = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';
const RULE = { operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] };
/** Nobody listens there. */
const NOBODY = { url: 'https://127.0.0.1:1/ask' };
const LEAST = {
  name: 'one.hook.test',
  clientConfig: NOBODY,
  sideEffects: 'None',
  admissionReviewVersions: ['v1'],
  rules: [RULE],
  // Others are not asked about.
  objectSelector: { matchLabels: { hook: 'yes' } },
};

function configuration(...webhooks: readonly object[]): AnswerRequest {
  const all = webhooks.map((webhook) => ({ ...LEAST, ...webhook }));
  return { method: 'POST', path: VALIDATING, body: { metadata: { name: 'hooks' }, webhooks: all } };
}

function mutatingConfiguration(webhook: object): AnswerRequest {
  return {
    method: 'POST',
    path: MUTATING,
    body: { metadata: { name: 'hooks' }, webhooks: [{ ...LEAST, ...webhook }] },
  };
}

const service = (fields: object): object => ({
  clientConfig: { service: { name: 's', namespace: 'default', ...fields } },
});

/** What a configuration may not say. */
const REFUSED: Readonly<Record<string, object>> = {
  'a name of two parts': { name: 'hook.test' },
  'a name that is none': { name: 'A.b.c' },
  'no name': { name: '' },
  'no side effects': { sideEffects: undefined },
  'some side effects': { sideEffects: 'Some' },
  'no versions': { admissionReviewVersions: [] },
  'strange versions': { admissionReviewVersions: ['v2', 'v2', 'X'] },
  'neither URL nor Service': { clientConfig: {} },
  'both URL and Service': { clientConfig: { ...NOBODY, service: { name: 's', namespace: 'default' } } },
  'a URL without TLS': { clientConfig: { url: 'http://u:p@a.test/x?y=1#z' } },
  'a URL without a host': { clientConfig: { url: 'https:///x' } },
  'a Service without a name': service({ name: '' }),
  'a Service at no port': service({ port: 0 }),
  'a path that is none': service({ path: 'a//b' }),
  'a long time': { timeoutSeconds: 31 },
  'strange policies': { failurePolicy: 'Maybe', matchPolicy: 'Maybe' },
  'an empty rule': { rules: [{}] },
  'a rule of everything and more': {
    rules: [
      {
        operations: ['*', 'CREATE', 'X'],
        apiGroups: ['*', ''],
        apiVersions: ['*', ''],
        resources: ['*', 'pods'],
        scope: 'X',
      },
    ],
  },
  'subresources twice': { rules: [{ ...RULE, resources: ['pods/*', 'pods/status', '*/scale', 'a/scale', '*/*', ''] }] },
  'a selector that is none': { objectSelector: { matchLabels: { 'a b': 'c' } } },
  'conditions that are wrong': {
    matchConditions: [
      { name: 'a', expression: '1 +' },
      { name: 'a', expression: '1' },
      { name: 'not a name', expression: '' },
    ],
  },
};

const ASKED: AnswerRequest = {
  method: 'POST',
  path: '/api/v1/namespaces/default/configmaps',
  body: { metadata: { name: 'm', labels: { hook: 'yes' } } },
};

/** What becomes of an object that somebody has to be asked about who is not there. */
const CALLED: readonly (readonly [string, AnswerRequest])[] = [
  ['nobody listens', configuration({})],
  ['nobody listens, which does not matter', configuration({ failurePolicy: 'Ignore' })],
  ['nobody listens, mutating', mutatingConfiguration({})],
  ['no Service', configuration(service({}))],
  ['no Service, at a port and a path', configuration(service({ port: 8443, path: '/a/b' }))],
  ['another operation', configuration({ rules: [{ ...RULE, operations: ['UPDATE'] }] })],
  ['another scope', configuration({ rules: [{ ...RULE, scope: 'Cluster' }] })],
  ['a subresource', configuration({ rules: [{ ...RULE, resources: ['configmaps/status'] }] })],
  [
    'everything',
    configuration({ rules: [{ operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*'] }] }),
  ],
  ['other namespaces', configuration({ namespaceSelector: { matchLabels: { other: 'yes' } } })],
  [
    'this namespace',
    configuration({ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'default' } } }),
  ],
  [
    'a condition that is false beside one that fails',
    configuration({
      matchConditions: [
        { name: 'fails', expression: 'object.data.x == "y"' },
        { name: 'false', expression: 'request.operation == "DELETE"' },
      ],
    }),
  ],
  [
    'a condition that fails',
    configuration({ matchConditions: [{ name: 'fails', expression: 'object.data.x == "y"' }] }),
  ],
  [
    'a condition that fails, which does not matter',
    configuration({
      failurePolicy: 'Ignore',
      matchConditions: [{ name: 'fails', expression: 'object.data.x == "y"' }],
    }),
  ],
  [
    'conditions that are true',
    configuration({
      matchConditions: [
        { name: 'new', expression: 'oldObject == null && object.metadata.labels.hook == "yes"' },
        { name: 'name', expression: 'request.name == "m" && request.namespace == "default" && !request.dryRun' },
        { name: 'kind', expression: 'request.kind.kind == "ConfigMap" && request.resource.resource == "configmaps"' },
      ],
    }),
  ],
];

export const webhookCases: readonly AnswerCase[] = [
  { name: 'webhook: the least, validating', ask: configuration({}) },
  { name: 'webhook: the least, mutating', ask: mutatingConfiguration({}) },
  { name: 'webhook: with a Service', ask: configuration(service({})) },
  { name: 'webhook: two of one name', ask: configuration({}, {}) },
  { name: 'webhook: strange reinvocation', ask: mutatingConfiguration({ reinvocationPolicy: 'Always' }) },
  ...Object.entries(REFUSED).map(([name, webhook]) => ({ name: `webhook: ${name}`, ask: configuration(webhook) })),
  ...CALLED.map(([name, given]) => ({ name: `webhook called: ${name}`, given: [given], ask: ASKED })),
];
