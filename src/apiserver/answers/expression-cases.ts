import type { AnswerCase, AnswerRequest } from './answer-case.ts';
import { EXPRESSIONS, REFUSED } from './expressions.ts';

const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

/** Every type that a rule can meet. */
const FIELDS = {
  n: { type: 'integer' },
  d: { type: 'number' },
  s: { type: 'string', maxLength: 50 },
  b: { type: 'boolean' },
  t: { type: 'string', format: 'date-time' },
  day: { type: 'string', format: 'date' },
  u: { type: 'string', format: 'duration' },
  raw: { type: 'string', format: 'byte', maxLength: 50 },
  port: { 'x-kubernetes-int-or-string': true },
  name: { 'x-kubernetes-int-or-string': true },
  list: { type: 'array', maxItems: 10, items: { type: 'integer' } },
  set: { type: 'array', maxItems: 10, 'x-kubernetes-list-type': 'set', items: { type: 'string', maxLength: 9 } },
  keyed: {
    type: 'array',
    maxItems: 10,
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['name'],
    items: {
      type: 'object',
      required: ['name'],
      properties: { name: { type: 'string', maxLength: 9 }, value: { type: 'integer' } },
    },
  },
  map: { type: 'object', maxProperties: 10, additionalProperties: { type: 'string', maxLength: 9 } },
  empty: { type: 'object', properties: { x: { type: 'string', maxLength: 9 } } },
  nothing: { type: 'string', nullable: true, maxLength: 9 },
  'with-dash': { type: 'string', maxLength: 9 },
  'with.dot': { type: 'string', maxLength: 9 },
  namespace: { type: 'string', maxLength: 9 },
  any: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
  pod: {
    type: 'object',
    'x-kubernetes-embedded-resource': true,
    properties: { spec: { type: 'object', properties: { host: { type: 'string', maxLength: 9 } } } },
  },
};

const VALUES = {
  n: 3,
  d: 2.5,
  s: 'héllo',
  b: true,
  t: '2026-03-04T05:06:07.089Z',
  day: '2026-03-04',
  u: '1h30m',
  raw: 'aGk=',
  port: 80,
  name: 'http',
  list: [3, 1, 2],
  set: ['a', 'b'],
  keyed: [
    { name: 'a', value: 1 },
    { name: 'b', value: 2 },
  ],
  map: { a: 'x', b: 'y' },
  empty: {},
  'with-dash': 'dash',
  'with.dot': 'dot',
  namespace: 'ns',
  any: { a: 1 },
  pod: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec: { host: 'h' } },
};

/** A definition of `things` whose `spec` has rules; `plural` keeps cases apart that run one after the other. */
export function definition(rules: readonly object[], plural: string = 'things', spec: object = {}): AnswerRequest {
  const schema = {
    type: 'object',
    properties: { spec: { type: 'object', properties: FIELDS, 'x-kubernetes-validations': rules, ...spec } },
  };
  const kind = plural.replace(/s$/, '');
  const body = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.example.com` },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural, kind: `${kind.slice(0, 1).toUpperCase()}${kind.slice(1)}` },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema } }],
    },
  };
  return { method: 'POST', path: CRDS, body };
}

export function thing(spec: object, plural: string = 'things'): AnswerRequest {
  const kind = plural.replace(/s$/, '');
  const type = { apiVersion: 'example.com/v1', kind: `${kind.slice(0, 1).toUpperCase()}${kind.slice(1)}` };
  const path = `/apis/example.com/v1/namespaces/default/${plural}`;
  return { method: 'POST', path, body: { ...type, metadata: { name: 'one' }, spec } };
}

/** All of these about one object; the answer names those that are not true, and why. */
function evaluated(name: string, expressions: readonly string[]): AnswerCase {
  const plural = `${name.replaceAll(/[^a-z]/g, '')}s`;
  return {
    name: `expressions: ${name}`,
    given: [
      definition(
        expressions.map((rule) => ({ rule })),
        plural,
      ),
    ],
    ask: thing(VALUES, plural),
  };
}

/** What is said of one that cannot be compiled. */
function refused(rule: string): AnswerCase {
  const request = definition([{ rule }]);
  return { name: `refused: ${rule}`, ask: { ...request, path: `${request.path}?dryRun=All` } };
}

export const expressionCases: readonly AnswerCase[] = [
  ...Object.entries(EXPRESSIONS).map(([name, expressions]) => evaluated(name, expressions)),
  ...REFUSED.map(refused),
];
