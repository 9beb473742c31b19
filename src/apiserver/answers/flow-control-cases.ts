import type { AnswerCase } from './answer-case.ts';
import { create, patch, read, TABLE } from './requests.ts';

const USER = { kind: 'User', user: { name: 'ann' } };
const GROUP = { kind: 'Group', group: { name: 'dev' } };
const ACCOUNT = { kind: 'ServiceAccount', serviceAccount: { name: '*', namespace: 'default' } };
const ALL = { verbs: ['*'], apiGroups: ['*'], resources: ['*'], namespaces: ['*'] };
const PATHS = { verbs: ['get'], nonResourceURLs: ['/healthz', '/x/*'] };
const LEVEL = { priorityLevelConfiguration: { name: 'global-default' } };

const schema = (what: string, spec: object): AnswerCase => ({
  name: `flowSchema: ${what}`,
  ask: create('flowSchema', { spec }),
});
const rule = (what: string, rules: object): AnswerCase =>
  schema(what, { ...LEVEL, rules: [{ subjects: [USER], resourceRules: [ALL], ...rules }] });
const resources = (what: string, fields: object): AnswerCase => rule(what, { resourceRules: [{ ...ALL, ...fields }] });
const paths = (what: string, fields: object): AnswerCase =>
  rule(what, { resourceRules: [], nonResourceRules: [{ ...PATHS, ...fields }] });

const level = (what: string, spec: object, name: string = 'x'): AnswerCase => ({
  name: `priorityLevel: ${what}`,
  ask: create('priorityLevel', { metadata: { name }, spec }),
});
const QUEUE = { limitResponse: { type: 'Queue', queuing: {} } };
const queue = (what: string, queuing: object): AnswerCase =>
  level(what, { type: 'Limited', limited: { limitResponse: { type: 'Queue', queuing } } });

export const flowControlCases: readonly AnswerCase[] = [
  schema('least', LEVEL),
  schema('full', {
    ...LEVEL,
    matchingPrecedence: 5000,
    distinguisherMethod: { type: 'ByUser' },
    rules: [
      {
        subjects: [USER, GROUP, ACCOUNT],
        resourceRules: [ALL, { ...ALL, namespaces: [], clusterScope: true }],
        nonResourceRules: [PATHS],
      },
    ],
  }),
  schema('of nothing', {}),
  schema('far too late', { ...LEVEL, matchingPrecedence: 10_001 }),
  schema('far too early', { ...LEVEL, matchingPrecedence: -1 }),
  schema('before everybody', { ...LEVEL, matchingPrecedence: 1 }),
  schema('no method', { ...LEVEL, distinguisherMethod: { type: 'ByMoon' } }),
  schema('no name of a level', { priorityLevelConfiguration: { name: 'A b' } }),
  rule('of nobody', { subjects: [] }),
  rule('about nothing', { resourceRules: [] }),
  rule('of a moon', { subjects: [{ kind: 'Moon' }] }),
  rule('of nobody in particular', { subjects: [{ kind: 'User' }, { kind: 'Group' }, { kind: 'ServiceAccount' }] }),
  rule('of one too many', {
    subjects: [
      { ...USER, group: { name: 'g' } },
      { ...GROUP, user: { name: 'u' } },
    ],
  }),
  rule('of an account that is none', {
    subjects: [{ kind: 'ServiceAccount', serviceAccount: { name: 'A', namespace: '' } }],
  }),
  rule('of no name', { subjects: [{ kind: 'User', user: { name: '' } }] }),
  resources('of no verbs', { verbs: [] }),
  resources('of all verbs and one', { verbs: ['*', 'get'] }),
  resources('of other verbs', { verbs: ['eat'] }),
  resources('of nothing at all', { apiGroups: [], resources: [], namespaces: [] }),
  resources('of everything and more', { apiGroups: ['*', ''], resources: ['*', 'a'], namespaces: ['*', 'b'] }),
  resources('of no namespace', { namespaces: ['A'] }),
  paths('paths', {}),
  paths('no paths', { nonResourceURLs: [] }),
  paths('all paths and one', { nonResourceURLs: ['*', '/a'] }),
  paths('paths that are none', { nonResourceURLs: ['/', 'a', '/a b', '/a//b', '/*/a', '/a*'] }),
  {
    name: 'flowSchema: that changes',
    given: [create('flowSchema', { spec: LEVEL })],
    ask: patch('flowSchema', 'merge', { spec: { matchingPrecedence: 7 } }),
  },
  {
    name: 'flowSchema: status twice the same',
    given: [create('flowSchema', { spec: LEVEL })],
    ask: patch(
      'flowSchema',
      'merge',
      { status: { conditions: [{ type: 'Dangling' }, { type: 'Dangling' }, {}] } },
      '/status',
    ),
  },

  level('exempt', { type: 'Exempt' }),
  level('least', { type: 'Limited', limited: { limitResponse: { type: 'Reject' } } }),
  level('with queues', { type: 'Limited', limited: QUEUE }),
  level('full', {
    type: 'Limited',
    limited: {
      nominalConcurrencyShares: 0,
      lendablePercent: 50,
      borrowingLimitPercent: 10,
      limitResponse: { type: 'Queue', queuing: { queues: 8, handSize: 4, queueLengthLimit: 5 } },
    },
  }),
  level('of nothing', {}),
  level('limited by nothing', { type: 'Limited' }),
  level('limited somehow', { type: 'Limited', limited: {} }),
  level('of both', { type: 'Limited', limited: QUEUE, exempt: {} }),
  level('out of range', {
    type: 'Limited',
    limited: { ...QUEUE, nominalConcurrencyShares: -1, lendablePercent: 101, borrowingLimitPercent: -1 },
  }),
  level('queues of nobody', { type: 'Limited', limited: { limitResponse: { type: 'Reject', queuing: {} } } }),
  level('no queues', { type: 'Limited', limited: { limitResponse: { type: 'Queue' } } }),
  queue('less than no queues', { queues: -1, handSize: -1, queueLengthLimit: -1 }),
  queue('a hand too large', { queues: 4, handSize: 5 }),
  queue('a hand that no hash deals', { queues: 1000, handSize: 9 }),
  queue('too many queues', { queues: 10_000_001, handSize: 1 }),
  {
    name: 'priorityLevel: as a table',
    given: [create('priorityLevel', { spec: { type: 'Limited', limited: QUEUE } })],
    ask: read('priorityLevel', '/x', TABLE),
  },
  {
    name: 'priorityLevel: then exempt',
    given: [create('priorityLevel', { spec: { type: 'Limited', limited: QUEUE } })],
    ask: patch('priorityLevel', 'merge', { spec: { type: 'Exempt' } }),
  },
];
