import type { AnswerCase, AnswerRequest } from './answer-case.ts';
import {
  apply,
  CONTAINER,
  create,
  type KindName,
  KINDS,
  LABELS,
  patch,
  read,
  replace,
  SELECTOR,
  TEMPLATE,
} from './requests.ts';

const WORK = { selector: SELECTOR, template: TEMPLATE };
const DEPLOYMENT = create('deployment', { spec: WORK });

function scale(type: 'GET' | 'PATCH' | 'PUT', body?: object): AnswerRequest {
  const path = `${KINDS.deployment.path}/x/scale`;
  if (type === 'PATCH') return { method: type, path, body, contentType: 'application/merge-patch+json' };
  return { method: type, path, ...(body === undefined ? {} : { body }) };
}

const applies: readonly AnswerCase[] = [
  { name: 'apply: new', ask: apply('configMap', 'me', { data: { a: '1' } }), managed: true },
  { name: 'apply: new workload', ask: apply('deployment', 'me', { spec: WORK }), managed: true },
  {
    name: 'apply: again',
    given: [apply('configMap', 'me', { data: { a: '1' } })],
    ask: apply('configMap', 'me', { data: { a: '1' } }),
    managed: true,
  },
  {
    name: 'apply: less',
    given: [apply('configMap', 'me', { data: { a: '1', b: '2' } })],
    ask: apply('configMap', 'me', { data: { b: '2' } }),
    managed: true,
  },
  {
    name: 'apply: beside another',
    given: [apply('configMap', 'me', { data: { a: '1' } })],
    ask: apply('configMap', 'you', { data: { b: '2' } }),
    managed: true,
  },
  {
    name: 'apply: the same as another',
    given: [apply('configMap', 'me', { data: { a: '1' } })],
    ask: apply('configMap', 'you', { data: { a: '1' } }),
    managed: true,
  },
  {
    name: 'apply: against another',
    given: [apply('configMap', 'me', { data: { a: '1' } })],
    ask: apply('configMap', 'you', { data: { a: '2' } }),
  },
  {
    name: 'apply: against another, by force',
    given: [apply('configMap', 'me', { data: { a: '1' } })],
    ask: apply('configMap', 'you', { data: { a: '2' } }, '&force=true'),
    managed: true,
  },
  {
    name: 'apply: against an update',
    given: [create('configMap', { data: { a: '1' } })],
    ask: apply('configMap', 'me', { data: { a: '2' } }),
  },
  {
    name: 'apply: against two',
    given: [create('deployment', { spec: { ...WORK, replicas: 3 } })],
    ask: apply('deployment', 'me', { spec: { ...WORK, replicas: 5, paused: true } }),
  },
  { name: 'apply: without a manager', ask: { ...apply('configMap', 'me', {}), path: `${KINDS.configMap.path}/x` } },
  {
    name: 'apply: with managed fields',
    ask: apply('configMap', 'me', { metadata: { managedFields: [{ manager: 'a' }] } }),
  },
  { name: 'apply: another name', ask: apply('configMap', 'me', { metadata: { name: 'y' } }) },
  {
    name: 'apply: with a version',
    ask: apply('configMap', 'me', { metadata: { resourceVersion: '1' }, data: { a: '1' } }),
  },
  { name: 'apply: an unknown field', ask: apply('configMap', 'me', { foo: 1 }) },
  { name: 'apply: the same port twice', ask: apply('pod', 'me', { spec: { containers: [CONTAINER, CONTAINER] } }) },
  { name: 'apply: no kind', ask: { ...apply('configMap', 'me', {}), body: { metadata: { name: 'x' } } } },
  { name: 'apply: no YAML', ask: { ...apply('configMap', 'me', {}), body: 'a: b: c' } },
  { name: 'apply: for nothing', ask: apply('configMap', 'me', { data: { a: '1' } }, '&dryRun=All'), managed: true },
  {
    name: 'apply: then update',
    given: [apply('configMap', 'me', { data: { a: '1', b: '2' } })],
    ask: replace('configMap', { data: { a: '9', b: '2' } }),
    managed: true,
  },
  {
    name: 'apply: a container more',
    given: [DEPLOYMENT],
    ask: apply('deployment', 'me', {
      spec: { ...WORK, template: { ...TEMPLATE, spec: { containers: [{ name: 'd', image: 'i' }] } } },
    }),
    managed: true,
  },
  {
    name: 'apply: environment of another',
    given: [DEPLOYMENT],
    ask: apply('deployment', 'me', {
      spec: { template: { spec: { containers: [{ name: 'c', env: [{ name: 'A', value: 'b' }] }] } } },
    }),
    managed: true,
  },
];

const patches: readonly AnswerCase[] = [
  {
    name: 'json patch: add',
    given: [create('configMap')],
    ask: patch('configMap', 'json', [{ op: 'add', path: '/data', value: { a: '1' } }]),
    managed: true,
  },
  {
    name: 'json patch: test that fails',
    given: [create('configMap')],
    ask: patch('configMap', 'json', [{ op: 'test', path: '/data/a', value: '2' }]),
  },
  {
    name: 'json patch: remove of nothing',
    given: [create('configMap')],
    ask: patch('configMap', 'json', [{ op: 'remove', path: '/data/a' }]),
  },
  {
    name: 'json patch: unknown operation',
    given: [create('configMap')],
    ask: patch('configMap', 'json', [{ op: 'sing', path: '/data' }]),
  },
  { name: 'json patch: no list', given: [create('configMap')], ask: patch('configMap', 'json', { op: 'add' }) },
  {
    name: 'json patch: name',
    given: [create('configMap')],
    ask: patch('configMap', 'json', [{ op: 'replace', path: '/metadata/name', value: 'y' }]),
  },
  { name: 'json patch: of nothing', ask: patch('configMap', 'json', []) },
  {
    name: 'merge patch: null',
    given: [create('configMap', { data: { a: '1', b: '2' } })],
    ask: patch('configMap', 'merge', { data: { a: null } }),
    managed: true,
  },
  { name: 'merge patch: no JSON', given: [create('configMap')], ask: patch('configMap', 'merge', '{') },
  { name: 'merge patch: a list', given: [create('configMap')], ask: patch('configMap', 'merge', []) },
  { name: 'merge patch: wrong type', given: [create('configMap')], ask: patch('configMap', 'merge', { data: ['a'] }) },
  { name: 'merge patch: unknown field', given: [create('configMap')], ask: patch('configMap', 'merge', { foo: 1 }) },
  {
    name: 'merge patch: unknown field, strictly',
    given: [create('configMap')],
    ask: { ...patch('configMap', 'merge', { foo: 1 }), path: `${KINDS.configMap.path}/x?fieldValidation=Strict` },
  },
  {
    name: 'merge patch: old version',
    given: [create('configMap')],
    ask: patch('configMap', 'merge', { metadata: { resourceVersion: '1' }, data: { a: '1' } }),
  },
  {
    name: 'merge patch: uid',
    given: [create('configMap')],
    ask: patch('configMap', 'merge', { metadata: { uid: 'abc' } }),
  },
  {
    name: 'merge patch: a label that is none',
    given: [create('configMap')],
    ask: patch('configMap', 'merge', { metadata: { labels: { a: '!' } } }),
  },
  {
    name: 'json patch: wrong type',
    given: [create('configMap')],
    ask: patch('configMap', 'json', [{ op: 'add', path: '/data', value: 'a' }]),
  },
  {
    name: 'strategic patch: wrong type',
    given: [create('configMap')],
    ask: patch('configMap', 'strategic-merge', { data: ['a'] }),
  },
  {
    name: 'strategic patch: a container more',
    given: [DEPLOYMENT],
    ask: patch('deployment', 'strategic-merge', {
      spec: { template: { spec: { containers: [{ name: 'd', image: 'i' }] } } },
    }),
  },
  {
    name: 'strategic patch: a container less',
    given: [DEPLOYMENT],
    ask: patch('deployment', 'strategic-merge', {
      spec: {
        template: {
          spec: {
            containers: [
              { name: 'd', image: 'i' },
              { name: 'c', $patch: 'delete' },
            ],
          },
        },
      },
    }),
  },
  {
    name: 'strategic patch: other containers',
    given: [DEPLOYMENT],
    ask: patch('deployment', 'strategic-merge', {
      spec: { template: { spec: { containers: [{ $patch: 'replace' }, { name: 'd', image: 'i' }] } } },
    }),
  },
  {
    name: 'strategic patch: another strategy',
    given: [DEPLOYMENT],
    ask: patch('deployment', 'strategic-merge', { spec: { strategy: { $retainKeys: ['type'], type: 'Recreate' } } }),
  },
  {
    name: 'strategic patch: another strategy without saying so',
    given: [DEPLOYMENT],
    ask: patch('deployment', 'strategic-merge', { spec: { strategy: { type: 'Recreate' } } }),
  },
  {
    name: 'strategic patch: unknown directive',
    given: [DEPLOYMENT],
    ask: patch('deployment', 'strategic-merge', { spec: { $patch: 'sing' } }),
  },
  {
    name: 'strategic patch: container without a name',
    given: [DEPLOYMENT],
    ask: patch('deployment', 'strategic-merge', { spec: { template: { spec: { containers: [{ image: 'i' }] } } } }),
  },
];

const NEGATIVE = { replicas: -1, readyReplicas: -2, observedGeneration: -3 };
const COUNTED: readonly (readonly [KindName, spec: object, status: object])[] = [
  ['replicaSet', WORK, NEGATIVE],
  ['replicationController', { selector: LABELS, template: TEMPLATE }, NEGATIVE],
  ['statefulSet', WORK, NEGATIVE],
  ['daemonSet', WORK, { numberReady: -1, numberUnavailable: -2 }],
  ['budget', { selector: SELECTOR }, { expectedPods: -1 }],
  [
    'autoscaler',
    { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' }, maxReplicas: 3 },
    { currentReplicas: -1, desiredReplicas: -2 },
  ],
];

const parts: readonly AnswerCase[] = [
  { name: 'scale: read', given: [DEPLOYMENT], ask: scale('GET') },
  { name: 'scale: patch', given: [DEPLOYMENT], ask: scale('PATCH', { spec: { replicas: 4 } }) },
  { name: 'scale: negative', given: [DEPLOYMENT], ask: scale('PATCH', { spec: { replicas: -4 } }) },
  {
    name: 'scale: then read',
    given: [DEPLOYMENT, scale('PATCH', { spec: { replicas: 4 } })],
    ask: read('deployment'),
    managed: true,
  },
  {
    name: 'status: patch',
    given: [DEPLOYMENT],
    ask: patch('deployment', 'merge', { status: { replicas: 2, readyReplicas: 1 }, spec: { replicas: 9 } }, '/status'),
    managed: true,
  },
  {
    name: 'status: negative',
    given: [DEPLOYMENT],
    ask: patch('deployment', 'merge', { status: { replicas: -2 } }, '/status'),
  },
  ...COUNTED.map(([kind, spec, status]) => ({
    name: `status: negative of ${kind}`,
    given: [create(kind, { spec })],
    ask: patch(kind, 'merge', { status }, '/status'),
  })),
  {
    name: 'status: more ready than there are',
    given: [create('statefulSet', { spec: WORK })],
    ask: patch('statefulSet', 'merge', { status: { replicas: 1, readyReplicas: 2, availableReplicas: 3 } }, '/status'),
  },
  {
    name: 'status: fewer collisions',
    given: [DEPLOYMENT, patch('deployment', 'merge', { status: { collisionCount: 2 } }, '/status')],
    ask: patch('deployment', 'merge', { status: { collisionCount: null } }, '/status'),
  },
  { name: 'status: by the way', given: [DEPLOYMENT], ask: patch('deployment', 'merge', { status: { replicas: 2 } }) },
];

export const writeCases: readonly AnswerCase[] = [...applies, ...patches, ...parts];
