import type { AnswerCase, AnswerRequest } from './answer-case.ts';
import { create, KINDS, patch, read, remove, TABLE } from './requests.ts';

const MAPS = { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: ['configmaps'] };
const MATCH = { resourceRules: [MAPS] };
const RULE = { expression: 'object.data.a == "b"' };
const OF_MAPS = { apiVersion: 'v1', kind: 'ConfigMap' };

const policy = (spec: object): AnswerRequest =>
  create('policy', { metadata: { name: 'p.test' }, spec: { matchConstraints: MATCH, validations: [RULE], ...spec } });
const binding = (spec: object = {}, name: string = 'b.test'): AnswerRequest =>
  create('policyBinding', {
    metadata: { name },
    spec: { policyName: 'p.test', validationActions: ['Deny'], ...spec },
  });

const made = (what: string, spec: object): AnswerCase => ({ name: `policy: ${what}`, ask: policy(spec) });
const rule = (what: string, validation: object, spec: object = {}): AnswerCase =>
  made(what, { validations: [{ ...RULE, ...validation }], ...spec });
const bound = (what: string, spec: object): AnswerCase => ({ name: `policy binding: ${what}`, ask: binding(spec) });

/** A map that a policy is asked about. */
const map = (fields: object = {}): AnswerRequest => create('configMap', { data: { a: 'c' }, ...fields });
const asked = (
  what: string,
  spec: object,
  {
    bindings = [binding()],
    given = [],
    ask = map(),
  }: { bindings?: readonly AnswerRequest[]; given?: readonly AnswerRequest[]; ask?: AnswerRequest } = {},
): AnswerCase => ({ name: `policy in force: ${what}`, given: [policy(spec), ...bindings, ...given], ask });
const evaluated = (what: string, expression: string, more: object = {}): AnswerCase =>
  asked(what, { validations: [{ expression, ...more }] });

const named = (name: string, data: object = {}): AnswerRequest =>
  create('configMap', { metadata: { name, labels: { is: 'param' } }, data });
const BY_PARAMS = {
  paramKind: OF_MAPS,
  validations: [
    { expression: 'params != null && object.data.a == params.data.a', messageExpression: '"not " + params.data.a' },
  ],
  matchConditions: [{ name: 'not-params', expression: '!has(object.metadata.labels)' }],
};
const paramRef = (ref: object): readonly AnswerRequest[] => [
  binding({ paramRef: { parameterNotFoundAction: 'Deny', ...ref } }),
];

const definitions: readonly AnswerCase[] = [
  made('least', {}),
  made('full', {
    failurePolicy: 'Ignore',
    paramKind: OF_MAPS,
    matchConstraints: {
      ...MATCH,
      excludeResourceRules: [{ ...MAPS, resourceNames: ['y'], operations: ['DELETE'] }],
      matchPolicy: 'Exact',
      namespaceSelector: { matchLabels: { a: 'b' } },
      objectSelector: { matchExpressions: [{ key: 'a', operator: 'Exists' }] },
    },
    matchConditions: [{ name: 'c', expression: 'request.operation == "CREATE" && params != null' }],
    variables: [
      { name: 'keys', expression: 'object.data.map(k, k)' },
      { name: 'few', expression: 'size(variables.keys) < 5' },
    ],
    validations: [
      {
        expression: 'variables.few',
        messageExpression: '"too many: " + string(size(variables.keys))',
        reason: 'Forbidden',
      },
      { expression: 'object.data.a == params.data.a', message: 'no' },
    ],
    auditAnnotations: [{ key: 'k', valueExpression: '"v"' }],
  }),
  { name: 'policy: of nothing', ask: create('policy', { spec: {} }) },
  made('about nothing', { matchConstraints: { resourceRules: [] } }),
  made('of no rules', { validations: [] }),
  made('of other words', { failurePolicy: 'Maybe', matchConstraints: { ...MATCH, matchPolicy: 'Some' } }),
  made('by params of nothing', { paramKind: {} }),
  made('by params of no kind', { paramKind: { apiVersion: 'A/v/1', kind: '1' } }),
  made('by params of no version', { paramKind: { apiVersion: 'A.b/', kind: 'K' } }),
  made('for names that are none', {
    matchConstraints: { resourceRules: [{ ...MAPS, resourceNames: ['a/b', 'c', 'c'], operations: ['EAT'] }] },
  }),
  made('with selectors that are none', {
    matchConstraints: { ...MATCH, namespaceSelector: { matchExpressions: [{ key: 'a', operator: 'Eats' }] } },
  }),
  made('with conditions that are none', {
    matchConditions: [
      { name: '', expression: '' },
      { name: 'a b', expression: 'object ==' },
      { name: 'c', expression: '1' },
    ],
  }),
  made('a condition that may be anything', { matchConditions: [{ name: 'c', expression: 'object.a' }] }),
  made('a condition of params', { matchConditions: [{ name: 'c', expression: 'params == null' }] }),
  made('variables that are none', {
    variables: [
      { name: '', expression: '' },
      { name: 'a-b', expression: 'true' },
      { name: 'in', expression: 'object ==' },
      { name: 'early', expression: 'variables.late' },
      { name: 'late', expression: 'true' },
    ],
  }),
  made('a variable of another type', {
    variables: [{ name: 'v', expression: 'size(object.data)' }],
    validations: [{ expression: 'variables.v == "a"' }],
  }),
  rule('no rule', { expression: ' ' }),
  rule('a rule that may be anything', { expression: 'object.data' }),
  rule('a rule of a number', { expression: '1 + 1' }),
  rule('a rule that is none', { expression: 'object.data.a ==' }),
  rule('of what there is not', { expression: 'params.a || request.foo || namespaceObject.foo || variables.a' }),
  rule('of another type', { expression: 'request.operation == 1' }),
  rule('of a time', { expression: 'namespaceObject.metadata.creationTimestamp < timestamp("2000-01-01T00:00:00Z")' }),
  rule('of messages that are none', { message: ' ', messageExpression: ' ', reason: 'Bored' }),
  rule('of a message of lines', { message: 'a\nb' }),
  rule('of a message that is a number', { messageExpression: '1' }),
  rule('of a message of something', { messageExpression: 'object.data.a' }),
  made('annotations that are none', {
    auditAnnotations: [
      { key: 'a b', valueExpression: '' },
      { key: 'c', valueExpression: '1' },
      { key: 'c', valueExpression: 'object ==' },
    ],
  }),
  { name: 'policy: as a table', given: [policy({ paramKind: OF_MAPS })], ask: { ...read('policy', '/p.test', TABLE) } },
  bound('least', {}),
  bound('full', {
    validationActions: ['Warn', 'Audit'],
    paramRef: { name: 'x', namespace: 'default', parameterNotFoundAction: 'Allow' },
    matchResources: { resourceRules: [MAPS], namespaceSelector: { matchLabels: { a: 'b' } } },
  }),
  { name: 'policy binding: of nothing', ask: create('policyBinding', { spec: {} }) },
  bound('of no name', { policyName: 'A b' }),
  bound('of other actions', { validationActions: ['Deny', 'Warn', 'Warn', 'Cry'] }),
  bound('of params by nothing', { paramRef: {} }),
  bound('of params by both', {
    paramRef: { name: 'a/b', selector: { matchLabels: { 'a b': 'c' } }, parameterNotFoundAction: 'Cry' },
  }),
  {
    name: 'policy binding: as a table',
    given: [binding({ paramRef: { name: 'x', parameterNotFoundAction: 'Deny' } })],
    ask: read('policyBinding', '/b.test', TABLE),
  },
];

const inForce: readonly AnswerCase[] = [
  asked('denies', {}),
  asked('allows', {}, { ask: map({ data: { a: 'b' } }) }),
  asked('without a binding', {}, { bindings: [] }),
  asked('warns', {}, { bindings: [binding({ validationActions: ['Warn'] })] }),
  asked('only notes', {}, { bindings: [binding({ validationActions: ['Audit'] })] }),
  asked('denies twice', { validations: [RULE, { expression: 'false', message: 'never' }] }),
  evaluated('says what is written', 'false', { message: ' because ' }),
  evaluated('says what it finds', 'false', { messageExpression: '"found " + object.data.a', message: 'no' }),
  evaluated('has nothing to say', 'false', { messageExpression: 'object.data.z', message: 'no' }),
  evaluated('says lines', 'false', { messageExpression: '"a\\nb"' }),
  evaluated('forbids', 'false', { reason: 'Forbidden' }),
  evaluated('finds it too large', 'false', { reason: 'RequestEntityTooLarge' }),
  evaluated('fails', 'object.data.z == "a"'),
  evaluated(
    'sees the request',
    'request.name + request.namespace + request.operation + request.userInfo.username == ""',
    {
      messageExpression:
        'request.name + " " + request.namespace + " " + request.operation + " " + request.userInfo.username + " " + request.resource.resource + " " + request.kind.kind + " " + request.options.kind',
    },
  ),
  evaluated('sees the namespace', 'false', {
    messageExpression:
      'namespaceObject.metadata.name + " " + namespaceObject.status.phase + " " + namespaceObject.metadata.labels["kubernetes.io/metadata.name"]',
  }),
  evaluated('misses what a request has not', 'request.subResource == ""'),
  evaluated(
    'takes too long',
    '[1,2,3,4,5,6,7,8,9,10].all(a, [1,2,3,4,5,6,7,8,9,10].all(b, [1,2,3,4,5,6,7,8,9,10].all(c, [1,2,3,4,5,6,7,8,9,10].all(d, [1,2,3,4,5,6,7,8,9,10].all(e, [1,2,3,4,5,6,7,8,9,10].all(f, a > 0))))))',
  ),
  asked('fails, which is ignored', { failurePolicy: 'Ignore', validations: [{ expression: 'object.data.z == "a"' }] }),
  asked('by variables', {
    variables: [
      { name: 'value', expression: 'object.data.a' },
      { name: 'is', expression: 'variables.value == "b"' },
    ],
    validations: [{ expression: 'variables.is', messageExpression: '"value is " + variables.value' }],
  }),
  asked('by a variable that fails', {
    variables: [{ name: 'value', expression: 'object.data.z' }],
    validations: [{ expression: 'variables.value == "b"' }],
  }),
  asked('on a condition', { matchConditions: [{ name: 'c', expression: 'object.metadata.name == "y"' }] }),
  asked('on a condition that fails', { matchConditions: [{ name: 'c', expression: 'object.data.z == "y"' }] }),
  asked('on a condition that fails, which is ignored', {
    failurePolicy: 'Ignore',
    matchConditions: [{ name: 'c', expression: 'object.data.z == "y"' }],
  }),
  asked('but not for this', { matchConstraints: { ...MATCH, excludeResourceRules: [MAPS] } }),
  asked('but not for this name', {
    matchConstraints: { resourceRules: [{ ...MAPS, resourceNames: ['y'] }] },
  }),
  asked('for labels of the object', { matchConstraints: { ...MATCH, objectSelector: { matchLabels: { a: 'b' } } } }),
  asked(
    'bound for other kinds',
    {},
    {
      bindings: [binding({ matchResources: { resourceRules: [{ ...MAPS, resources: ['secrets'] }] } })],
    },
  ),
  asked(
    'bound for other namespaces',
    {},
    {
      bindings: [binding({ matchResources: { namespaceSelector: { matchLabels: { a: 'b' } } } })],
    },
  ),
  asked('bound for all', {}, { bindings: [binding({ matchResources: {} })] }),
  asked('by a param', BY_PARAMS, { given: [named('q', { a: 'd' })], bindings: paramRef({ name: 'q' }) }),
  asked('by a param that fits', BY_PARAMS, { given: [named('q', { a: 'c' })], bindings: paramRef({ name: 'q' }) }),
  asked('by params', BY_PARAMS, {
    given: [named('q', { a: 'c' }), named('r', { a: 'e' })],
    bindings: paramRef({ selector: { matchLabels: { is: 'param' } } }),
  }),
  asked('by a param that there is not', BY_PARAMS, { bindings: paramRef({ name: 'q' }) }),
  asked('by a param that there need not be', BY_PARAMS, {
    bindings: paramRef({ name: 'q', parameterNotFoundAction: 'Allow' }),
  }),
  asked('by no param', BY_PARAMS),
  asked(
    'by params of what there is not',
    { ...BY_PARAMS, paramKind: { apiVersion: 'a.test/v1', kind: 'Nothing' } },
    {
      bindings: paramRef({ name: 'q' }),
    },
  ),
  asked(
    'on a change',
    { validations: [{ expression: 'oldObject == null || object.data == oldObject.data' }] },
    {
      given: [map()],
      ask: patch('configMap', 'merge', { data: { b: 'c' } }),
    },
  ),
  asked(
    'on a deletion',
    {
      matchConstraints: { resourceRules: [{ ...MAPS, operations: ['DELETE'] }] },
      validations: [{ expression: 'object != null', messageExpression: '"keep " + oldObject.metadata.name' }],
    },
    { given: [map()], ask: remove('configMap') },
  ),
  asked(
    'on a connection',
    {
      matchConstraints: { resourceRules: [{ ...MAPS, resources: ['pods/exec'], operations: ['CONNECT'] }] },
      validations: [
        {
          expression: 'object == null',
          messageExpression:
            'object.container + " " + string(object.stdin) + " " + object.command.join() + " " + request.operation + " " + request.kind.kind + " " + request.resource.resource + "/" + request.subResource + " " + request.name',
        },
      ],
    },
    {
      ask: { method: 'POST', path: `${KINDS.pod.path}/x/exec?container=c&stdin=true&command=ls` },
    },
  ),
  asked(
    'of itself',
    {
      matchConstraints: {
        resourceRules: [{ ...MAPS, apiGroups: ['admissionregistration.k8s.io'], resources: ['*'] }],
      },
      validations: [{ expression: 'false' }],
    },
    { ask: { method: 'DELETE', path: `${KINDS.policyBinding.path}/b.test` } },
  ),
];

export const policyCases: readonly AnswerCase[] = [...definitions, ...inForce];
