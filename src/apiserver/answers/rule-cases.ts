import type { AnswerCase, AnswerRequest } from './answer-case.ts';
import { definition, thing } from './expression-cases.ts';

/** A definition of `widgets`, whose `spec` is described by `spec` alone. */
function widgets(spec: object, more: object = {}): AnswerRequest {
  const request = definition([], 'widgets');
  const body = request.body as { spec: { versions: { schema: object; name: string }[] } };
  const [version] = body.spec.versions;
  const schema = { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', ...spec } } } };
  return { ...request, body: { ...body, spec: { ...body.spec, versions: [{ ...version, schema, ...more }] } } };
}

function widget(spec: object): AnswerRequest {
  return thing(spec, 'widgets');
}

const WIDGET = '/apis/example.com/v1/namespaces/default/widgets/one';

function change(spec: object, path: string = WIDGET): AnswerRequest {
  return { method: 'PATCH', path, body: { spec }, contentType: 'application/merge-patch+json' };
}

function dryDefinition(spec: object): AnswerRequest {
  const request = widgets(spec);
  return { ...request, path: `${request.path}?dryRun=All` };
}

const N = { n: { type: 'integer' } };

function ruled(rule: object, properties: object = N): object {
  return { properties, 'x-kubernetes-validations': [rule] };
}

interface Rule {
  readonly rule: string;
  readonly message?: string;
  readonly messageExpression?: string;
  readonly reason?: string;
  readonly fieldPath?: string;
  readonly optionalOldSelf?: boolean;
}

function said(name: string, rule: Omit<Rule, 'rule'>, spec: object = { n: 3 }): AnswerCase {
  return {
    name: `rule: ${name}`,
    given: [widgets(ruled({ rule: 'self.n < 3', ...rule }))],
    ask: widget(spec),
  };
}

const messages: readonly AnswerCase[] = [
  said('without a message', {}),
  said('with a message', { message: ' n must be small ' }),
  said('with an expression for its message', { messageExpression: '"n is %d".format([self.n])' }),
  said('with an expression that gives nothing', { message: 'plain', messageExpression: '""' }),
  said('with an expression that gives two lines', { message: 'plain', messageExpression: '"a\\nb"' }),
  said('with an expression that fails', { message: 'plain', messageExpression: 'string(1 / (self.n - 3))' }),
  said('that forbids', { reason: 'FieldValueForbidden', message: 'no' }),
  said('that requires', { reason: 'FieldValueRequired', message: 'no' }),
  said('about a duplicate', { reason: 'FieldValueDuplicate', message: 'no' }),
  said('about an invalid value', { reason: 'FieldValueInvalid', message: 'no' }),
  said('that names a field', { fieldPath: '.n' }),
  said('that names a field in quotes', { fieldPath: "['n']" }),
  said('that holds', {}, { n: 2 }),
  said('that fails', {}, {}),
  {
    name: 'rule: several of them',
    given: [
      widgets({
        properties: N,
        'x-kubernetes-validations': [{ rule: 'self.n > 5' }, { rule: 'self.n > 1' }, { rule: 'self.n == 0' }],
      }),
    ],
    ask: widget({ n: 3 }),
  },
];

const CELL = { type: 'object', properties: N, 'x-kubernetes-validations': [{ rule: 'self.n < 3' }] };

const places: readonly AnswerCase[] = [
  {
    name: 'rule: of an item of a list',
    given: [widgets({ properties: { list: { type: 'array', maxItems: 9, items: CELL } } })],
    ask: widget({ list: [{ n: 1 }, { n: 3 }] }),
  },
  {
    name: 'rule: of a value of a map',
    given: [widgets({ properties: { map: { type: 'object', maxProperties: 9, additionalProperties: CELL } } })],
    ask: widget({ map: { 'a.b': { n: 3 } } }),
  },
  {
    name: 'rule: of a number',
    given: [
      widgets({ properties: { n: { type: 'integer', 'x-kubernetes-validations': [{ rule: 'self % 2 == 0' }] } } }),
    ],
    ask: widget({ n: 3 }),
  },
  {
    name: 'rule: of a text',
    given: [
      widgets({
        properties: { s: { type: 'string', maxLength: 9, 'x-kubernetes-validations': [{ rule: "self == 'x'" }] } },
      }),
    ],
    ask: widget({ s: 'y' }),
  },
  {
    name: 'rule: of a null that may be one',
    given: [
      widgets({
        properties: {
          s: { type: 'string', maxLength: 9, nullable: true, 'x-kubernetes-validations': [{ rule: "self == 'x'" }] },
        },
      }),
    ],
    ask: widget({ s: null }),
  },
  {
    name: 'rule: of an object with a value of a wrong type',
    given: [widgets(ruled({ rule: 'self.n < 3' }))],
    ask: widget({ n: 'x' }),
  },
  {
    name: 'rule: of an object with a value out of range',
    given: [widgets(ruled({ rule: 'self.n < 3' }, { n: { type: 'integer', maximum: 1 } }))],
    ask: widget({ n: 7 }),
  },
  {
    name: 'rule: of a default',
    given: [widgets(ruled({ rule: 'self.n < 3' }, { n: { type: 'integer', default: 7 } }))],
    ask: widget({}),
  },
];

const STATIC: Rule = { rule: 'self.n == oldSelf.n', message: 'n stays' };
const KEYED = {
  type: 'array',
  maxItems: 9,
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': ['k'],
  items: {
    type: 'object',
    required: ['k'],
    properties: { k: { type: 'string', maxLength: 9 }, v: { type: 'integer' } },
    'x-kubernetes-validations': [{ rule: 'self.v >= oldSelf.v' }],
  },
};

const changes: readonly AnswerCase[] = [
  { name: 'transition rule on create', given: [widgets(ruled(STATIC))], ask: widget({ n: 1 }) },
  { name: 'transition rule broken', given: [widgets(ruled(STATIC)), widget({ n: 1 })], ask: change({ n: 2 }) },
  { name: 'transition rule kept', given: [widgets(ruled(STATIC)), widget({ n: 1 })], ask: change({ n: 1, x: 2 }) },
  {
    name: 'transition rule without an old value',
    given: [widgets({ properties: { o: ruledObject(STATIC) } }), widget({})],
    ask: change({ o: { n: 2 } }),
  },
  {
    name: 'transition rule in a keyed list',
    given: [
      widgets({ properties: { list: KEYED } }),
      widget({
        list: [
          { k: 'a', v: 2 },
          { k: 'b', v: 2 },
        ],
      }),
    ],
    ask: change({
      list: [
        { k: 'b', v: 1 },
        { k: 'a', v: 3 },
        { k: 'c', v: 0 },
      ],
    }),
  },
  {
    name: 'optional old value on create',
    given: [widgets(ruled({ rule: 'oldSelf.hasValue() || self.n == 0', optionalOldSelf: true }))],
    ask: widget({ n: 1 }),
  },
  {
    name: 'optional old value on update',
    given: [
      widgets(ruled({ rule: 'oldSelf.optMap(o, o.n < self.n).orValue(true)', optionalOldSelf: true })),
      widget({ n: 3 }),
    ],
    ask: change({ n: 2 }),
  },
];

function ruledObject(rule: Rule): object {
  return { type: 'object', ...ruled(rule) };
}

const FIELDS: readonly (readonly [string, Rule])[] = [
  ['nothing to say', { rule: ' ' }],
  ['an empty message', { rule: 'true', message: ' ' }],
  ['a message of two lines', { rule: 'true', message: 'a\nb' }],
  ['two lines and no message', { rule: 'true &&\ntrue' }],
  ['two lines and a message', { rule: 'self.n == 1 ||\nself.missing', message: 'x' }],
  ['an empty message expression', { rule: 'true', messageExpression: ' ' }],
  ['a message expression that is no text', { rule: 'true', messageExpression: 'self.n' }],
  ['a message expression that is wrong', { rule: 'true', messageExpression: 'self.missing' }],
  ['an unknown reason', { rule: 'true', reason: 'Nope' }],
  ['an unknown path', { rule: 'true', fieldPath: '.missing' }],
  ['a path that is none', { rule: 'true', fieldPath: 'n' }],
  ['an optional old value that it does not read', { rule: 'true', optionalOldSelf: true }],
];

const definitions: readonly AnswerCase[] = FIELDS.map(([name, rule]) => ({
  name: `definition: rule with ${name}`,
  ask: dryDefinition(ruled(rule)),
}));

const lost: readonly AnswerCase[] = [
  {
    name: 'definition: transition rule in a plain list',
    ask: dryDefinition({
      properties: { list: { type: 'array', maxItems: 9, items: { type: 'object', ...ruled(STATIC) } } },
    }),
  },
  {
    name: 'definition: transition rule in a keyed list',
    ask: dryDefinition({ properties: { list: KEYED } }),
  },
  {
    name: 'definition: rule of a value that says too little',
    ask: dryDefinition({
      properties: {
        x: { 'x-kubernetes-preserve-unknown-fields': true, 'x-kubernetes-validations': [{ rule: 'true' }] },
      },
    }),
  },
  {
    name: 'definition: rule and a schema that is wrong',
    ask: dryDefinition({ properties: { list: { type: 'array' } }, 'x-kubernetes-validations': [{ rule: 'nope' }] }),
  },
];

const LOOSE = {
  properties: { n: { type: 'integer' }, s: { type: 'string' }, l: { type: 'array', items: { type: 'string' } } },
};
const TIGHT = {
  properties: {
    n: { type: 'integer', maximum: 5 },
    s: { type: 'string', maxLength: 3, 'x-kubernetes-validations': [{ rule: "self != 'y'" }] },
    l: { type: 'array', maxItems: 1, items: { type: 'string' } },
  },
  'x-kubernetes-validations': [{ rule: 'self.n != 7', message: 'not seven' }],
};

function tightened(): AnswerRequest {
  const { body } = widgets(TIGHT) as { readonly body: { readonly spec: unknown } };
  const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.example.com';
  return { method: 'PATCH', path, body: { spec: body.spec }, contentType: 'application/merge-patch+json' };
}

function ratcheted(name: string, before: object, after: object): AnswerCase {
  return { name: `ratcheting: ${name}`, given: [widgets(LOOSE), widget(before), tightened()], ask: change(after) };
}

/** A definition that becomes stricter does not stand in the way of changes of something else. */
const ratcheting: readonly AnswerCase[] = [
  ratcheted('something else changes', { n: 9, s: 'x' }, { s: 'z' }),
  ratcheted('the value changes to another wrong one', { n: 9, s: 'x' }, { n: 8 }),
  ratcheted('a list that is too long stays', { l: ['a', 'b'], n: 1 }, { n: 2 }),
  ratcheted('a list that is too long changes', { l: ['a', 'b'], n: 1 }, { l: ['a', 'c'] }),
];

/** What other engines have and Go has not. */
const patterns: readonly AnswerCase[] = [
  '^(?=a)',
  '(?<!a)b',
  '(a)\\1',
  '(',
  '[z-a]',
  'a**',
  '\\pX',
  '[a',
  'a{2,1}',
  '\\q',
  '|*',
].map((pattern) => ({
  name: `pattern: ${pattern}`,
  ask: widgets({ properties: { s: { type: 'string', pattern } } }),
}));

export const ruleCases: readonly AnswerCase[] = [
  ...messages,
  ...places,
  ...changes,
  ...definitions,
  ...lost,
  ...ratcheting,
  ...patterns,
];
