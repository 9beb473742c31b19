import type { AnswerCase, AnswerRequest } from './answer-case.ts';
import { create, KINDS, LABELS, PARTIAL, patch, read, remove, replace, TABLE } from './requests.ts';

const MAPS = KINDS.configMap.path;
const MAP = { data: { a: 'b' } };

function get(path: string, accept?: string): AnswerRequest {
  return { method: 'GET', path, ...(accept === undefined ? {} : { accept }) };
}

function post(path: string, body: unknown, contentType?: string): AnswerRequest {
  return { method: 'POST', path, body, ...(contentType === undefined ? {} : { contentType }) };
}

function map(fields: object): object {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x' }, ...fields };
}

const reads: readonly AnswerCase[] = [
  { name: 'get of nothing', ask: read('configMap') },
  { name: 'get of nothing in another group', ask: read('deployment') },
  {
    name: 'get of a custom definition that is not there',
    ask: get('/apis/apiextensions.k8s.io/v1/customresourcedefinitions/x'),
  },
  { name: 'get', given: [create('configMap', MAP)], ask: read('configMap') },
  { name: 'get with metadata only', given: [create('configMap', MAP)], ask: read('configMap', '/x', PARTIAL) },
  {
    name: 'get as a table without objects',
    given: [create('configMap', MAP)],
    ask: read('configMap', '/x?includeObject=None', TABLE),
  },
  {
    name: 'get as a table with objects',
    given: [create('configMap', MAP)],
    ask: read('configMap', '/x?includeObject=Object', TABLE),
  },
  {
    name: 'get as a table with something',
    given: [create('configMap', MAP)],
    ask: read('configMap', '/x?includeObject=Some', TABLE),
  },
  {
    name: 'get as a table of another version',
    given: [create('configMap', MAP)],
    ask: read('configMap', '/x', 'application/json;as=Table;v=v2;g=meta.k8s.io'),
  },
  {
    name: 'review as a table',
    ask: {
      method: 'POST',
      path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
      body: { spec: { nonResourceAttributes: { path: '/', verb: 'get' } } },
      accept: TABLE,
    },
  },
  { name: 'get of what cannot be had', given: [create('configMap', MAP)], ask: read('configMap', '/x', 'text/html') },
  {
    name: 'get of what may be JSON',
    given: [create('configMap', MAP)],
    ask: read('configMap', '/x', 'text/html, */*'),
  },
  { name: 'get of an unknown resource', ask: get('/api/v1/namespaces/default/nothings') },
  { name: 'get of an unknown group', ask: get('/apis/nothing.test/v1/things') },
  { name: 'get of an unknown version', ask: get('/apis/apps/v9/deployments') },
  { name: 'get of an unknown subresource', ask: read('configMap', '/x/status') },
  { name: 'get of an unknown path', ask: get('/nothing') },
  { name: 'get of too long a path', ask: get('/api/v1/namespaces/default/configmaps/x/y/z') },
  { name: 'get of a namespace that is not there', ask: get('/api/v1/namespaces/nothing/configmaps/x') },
  { name: 'get of scale of what has none', ask: read('configMap', '/x/scale') },
];

const lists: readonly AnswerCase[] = [
  ['all', ''],
  ['by label', '?labelSelector=app=x'],
  ['by a label that none has', '?labelSelector=app=y'],
  ['by a set', '?labelSelector=app%20in%20(x,y),!z'],
  ['by a selector that is none', '?labelSelector=a==b==c'],
  ['by a selector with a bad key', '?labelSelector=-a=b'],
  ['by a selector with a bad value', '?labelSelector=a=-b'],
  ['by a set without end', '?labelSelector=a%20in%20(b'],
  ['by name', '?fieldSelector=metadata.name=x'],
  ['by not its name', '?fieldSelector=metadata.name!=x'],
  ['by an unknown field', '?fieldSelector=data.a=b'],
  ['by a field selector that is none', '?fieldSelector=x'],
  ['with a bad limit', '?limit=x'],
  ['with a negative limit', '?limit=-1'],
  ['with a bad token', '?limit=1&continue=x'],
  ['with a token that is JSON', `?limit=1&continue=${Buffer.from('{}').toString('base64url')}`],
  [
    'with a token of another version',
    `?limit=1&continue=${Buffer.from('{"v":"x","rv":1,"start":"a"}').toString('base64url')}`,
  ],
  ['with a bad resourceVersion', '?resourceVersion=x'],
  ['with a match and no version', '?resourceVersionMatch=Exact'],
  ['with an unknown match', '?resourceVersion=1&resourceVersionMatch=Some'],
  ['with an exact match of 0', '?resourceVersion=0&resourceVersionMatch=Exact'],
  ['with a match and a token', '?resourceVersion=1&resourceVersionMatch=Exact&continue=x'],
  ['of the future', '?resourceVersion=99999999&resourceVersionMatch=Exact'],
  ['with initial events', '?sendInitialEvents=true'],
  ['with a bad timeout', '?timeoutSeconds=x'],
  ['that watches with a bad resourceVersion', '?watch=true&resourceVersion=x'],
  ['that watches with a match', '?watch=true&resourceVersionMatch=NotOlderThan'],
  ['that watches with initial events and no match', '?watch=true&sendInitialEvents=true'],
  [
    'that watches with initial events and another match',
    '?watch=true&sendInitialEvents=true&resourceVersionMatch=Exact',
  ],
  ['that watches by a selector that is none', '?watch=true&labelSelector=a==b==c'],
  ['that watches an unknown field', '?watch=true&fieldSelector=data.a=b'],
].map(([name = '', query = '']) => ({
  name: `list ${name}`,
  given: [create('secret', { metadata: { labels: LABELS }, stringData: { a: 'b' } })],
  ask: get(`${KINDS.secret.path}${query}`),
}));

const creates: readonly AnswerCase[] = [
  { name: 'create twice', given: [create('configMap')], ask: create('configMap') },
  { name: 'create without a name', ask: post(MAPS, { apiVersion: 'v1', kind: 'ConfigMap' }) },
  { name: 'create with a bad name', ask: create('configMap', { metadata: { name: 'A_b' } }) },
  { name: 'create with too long a name', ask: create('configMap', { metadata: { name: 'a'.repeat(254) } }) },
  {
    name: 'create with a bad generateName',
    ask: post(MAPS, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'A_' } }),
  },
  { name: 'create in another namespace', ask: create('configMap', { metadata: { namespace: 'other' } }) },
  { name: 'create in a namespace that is not there', ask: post('/api/v1/namespaces/nothing/configmaps', map(MAP)) },
  { name: 'create with a resourceVersion', ask: create('configMap', { metadata: { resourceVersion: '1' } }) },
  {
    name: 'create with a uid',
    ask: create('configMap', { metadata: { uid: 'abc', generation: 5, creationTimestamp: '2020-01-01T00:00:00Z' } }),
  },
  { name: 'create of another kind', ask: post(MAPS, { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'x' } }) },
  {
    name: 'create of another version',
    ask: post(MAPS, { apiVersion: 'v2', kind: 'ConfigMap', metadata: { name: 'x' } }),
  },
  { name: 'create of no kind', ask: post(MAPS, { metadata: { name: 'x' } }) },
  { name: 'create of a kind without version', ask: post(MAPS, { kind: 'ConfigMap', metadata: { name: 'x' } }) },
  { name: 'create for nothing', ask: create('configMap', MAP, '?dryRun=All') },
  { name: 'create for some', ask: create('configMap', MAP, '?dryRun=Some') },
  { name: 'create with labels that are none', ask: create('configMap', { metadata: { labels: { 'a b': 'c d' } } }) },
  {
    name: 'create with annotations that are none',
    ask: create('configMap', { metadata: { annotations: { 'a b': 'c' } } }),
  },
  {
    name: 'create with an owner that is none',
    ask: create('configMap', { metadata: { ownerReferences: [{ kind: 'Pod' }] } }),
  },
  {
    name: 'create with finalizers that are none',
    ask: create('configMap', { metadata: { finalizers: ['x', 'a b'] } }),
  },
  {
    name: 'create with a deletionTimestamp',
    ask: create('configMap', { metadata: { deletionTimestamp: '2020-01-01T00:00:00Z' } }),
  },
  {
    name: 'create with a field manager that is none',
    ask: create('configMap', MAP, `?fieldManager=${'a'.repeat(129)}`),
  },
  { name: 'create with an unprintable field manager', ask: create('configMap', MAP, '?fieldManager=a%00b') },
  { name: 'create with an unknown validation', ask: create('configMap', MAP, '?fieldValidation=Some') },
  { name: 'create at an object', ask: post(`${MAPS}/x`, map(MAP)) },
  { name: 'create of a list', ask: post(MAPS, { apiVersion: 'v1', kind: 'ConfigMapList', items: [] }) },
];

const updates: readonly AnswerCase[] = [
  { name: 'update of nothing', ask: replace('configMap', MAP) },
  { name: 'update', given: [create('configMap')], ask: replace('configMap', MAP) },
  {
    name: 'update without a name',
    given: [create('configMap')],
    ask: { method: 'PUT', path: `${MAPS}/x`, body: { apiVersion: 'v1', kind: 'ConfigMap' } },
  },
  {
    name: 'update with another name',
    given: [create('configMap')],
    ask: replace('configMap', { metadata: { name: 'y' } }),
  },
  {
    name: 'update with another namespace',
    given: [create('configMap')],
    ask: replace('configMap', { metadata: { namespace: 'y' } }),
  },
  {
    name: 'update with another uid',
    given: [create('configMap')],
    ask: replace('configMap', { metadata: { uid: 'y' } }),
  },
  {
    name: 'update with an old version',
    given: [create('configMap')],
    ask: replace('configMap', { metadata: { resourceVersion: '1' } }),
  },
  {
    name: 'update with a version that is none',
    given: [create('configMap')],
    ask: replace('configMap', { metadata: { resourceVersion: 'x' } }),
  },
  {
    name: 'update for nothing',
    given: [create('configMap')],
    ask: { ...replace('configMap', MAP), path: `${MAPS}/x?dryRun=All` },
  },
  {
    name: 'update of an immutable one',
    given: [create('configMap', { ...MAP, immutable: true })],
    ask: replace('configMap', { data: {}, immutable: true }),
  },
  {
    name: 'update that makes it mutable again',
    given: [create('configMap', { ...MAP, immutable: true })],
    ask: replace('configMap', MAP),
  },
  { name: 'update of a list', ask: { method: 'PUT', path: MAPS, body: map(MAP) } },
  { name: 'update of a lease that is not there', ask: replace('lease', {}) },
];

const deletes: readonly AnswerCase[] = [
  { name: 'delete of nothing', ask: remove('configMap') },
  { name: 'delete', given: [create('configMap', MAP)], ask: remove('configMap') },
  {
    name: 'delete of a Pod',
    given: [create('pod', { spec: { containers: [{ name: 'c', image: 'i' }] } })],
    ask: remove('pod'),
  },
  {
    name: 'delete of a Pod in time',
    given: [create('pod', { spec: { nodeName: 'n', containers: [{ name: 'c', image: 'i' }] } })],
    ask: remove('pod', { gracePeriodSeconds: 5 }),
  },
  {
    name: 'delete with a finalizer',
    given: [create('configMap', { metadata: { finalizers: ['a.test/b'] } })],
    ask: remove('configMap'),
  },
  {
    name: 'delete in the foreground',
    given: [create('configMap', MAP)],
    ask: remove('configMap', { propagationPolicy: 'Foreground' }),
  },
  {
    name: 'delete of an orphan maker',
    given: [create('configMap', MAP)],
    ask: remove('configMap', { propagationPolicy: 'Orphan' }),
  },
  {
    name: 'delete somehow',
    given: [create('configMap', MAP)],
    ask: remove('configMap', { propagationPolicy: 'Somehow' }),
  },
  {
    name: 'delete with two policies',
    given: [create('configMap', MAP)],
    ask: remove('configMap', { propagationPolicy: 'Orphan', orphanDependents: true }),
  },
  {
    name: 'delete with a negative grace',
    given: [create('configMap', MAP)],
    ask: remove('configMap', { gracePeriodSeconds: -1 }),
  },
  {
    name: 'delete of another uid',
    given: [create('configMap', MAP)],
    ask: remove('configMap', { preconditions: { uid: 'abc' } }),
  },
  {
    name: 'delete of another version',
    given: [create('configMap', MAP)],
    ask: remove('configMap', { preconditions: { resourceVersion: '1' } }),
  },
  { name: 'delete for nothing', given: [create('configMap', MAP)], ask: remove('configMap', undefined, '?dryRun=All') },
  {
    name: 'delete with a bad query',
    given: [create('configMap', MAP)],
    ask: remove('configMap', undefined, '?gracePeriodSeconds=x'),
  },
  {
    name: 'delete with another kind',
    given: [create('configMap', MAP)],
    ask: remove('configMap', { apiVersion: 'v1', kind: 'Pod' }),
  },
  { name: 'delete with malformed options', given: [create('configMap', MAP)], ask: remove('configMap', '{') },
  {
    name: 'delete of many',
    given: [create('configMap', MAP)],
    ask: { method: 'DELETE', path: `${MAPS}?fieldSelector=metadata.name=x` },
  },
  { name: 'delete of many by a bad selector', ask: { method: 'DELETE', path: `${MAPS}?labelSelector=a==b==c` } },
  { name: 'delete of a default namespace', ask: { method: 'DELETE', path: '/api/v1/namespaces/default?dryRun=All' } },
];

const methods: readonly AnswerCase[] = [
  { name: 'method: POST to an object', ask: { method: 'POST', path: `${KINDS.secret.path}/x`, body: {} } },
  {
    name: 'method: PATCH of a list',
    ask: { method: 'PATCH', path: MAPS, body: {}, contentType: 'application/merge-patch+json' },
  },
  {
    name: 'method: PATCH with no type',
    given: [create('configMap')],
    ask: { ...patch('configMap', 'merge', {}), contentType: 'application/json' },
  },
  {
    name: 'method: DELETE of a review',
    ask: { method: 'DELETE', path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews/x' },
  },
  { name: 'method: GET of a review', ask: get('/apis/authorization.k8s.io/v1/selfsubjectaccessreviews') },
];

export const verbCases: readonly AnswerCase[] = [...reads, ...lists, ...creates, ...updates, ...deletes, ...methods];
