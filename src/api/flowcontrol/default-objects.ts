import type * as t from '../generated/types.ts';

/** The levels and schemas that every cluster has, as data. The server writes them at start. */

type Level = t.PriorityLevelConfigurationSpec;

const EXEMPT = 'exempt';
const CATCH_ALL = 'catch-all';

interface Share {
  readonly shares: number;
  readonly lendable: number;
  readonly queues: number;
  readonly hand: number;
}

function queueing({ shares, lendable, queues, hand }: Share): Level {
  return {
    type: 'Limited',
    limited: {
      nominalConcurrencyShares: shares,
      lendablePercent: lendable,
      limitResponse: { type: 'Queue', queuing: { queues, handSize: hand, queueLengthLimit: 50 } },
    },
  };
}

/** Nobody may change these, but for how much the exempt one lends. */
export const MANDATORY_LEVELS: Readonly<Record<string, Level>> = {
  [EXEMPT]: { type: 'Exempt', exempt: { nominalConcurrencyShares: 0, lendablePercent: 0 } },
  [CATCH_ALL]: {
    type: 'Limited',
    limited: { nominalConcurrencyShares: 5, lendablePercent: 0, limitResponse: { type: 'Reject' } },
  },
};

export const SUGGESTED_LEVELS: Readonly<Record<string, Level>> = {
  system: queueing({ shares: 30, lendable: 33, queues: 64, hand: 6 }),
  'node-high': queueing({ shares: 40, lendable: 25, queues: 64, hand: 6 }),
  'leader-election': queueing({ shares: 10, lendable: 0, queues: 16, hand: 4 }),
  'workload-high': queueing({ shares: 40, lendable: 50, queues: 128, hand: 6 }),
  'workload-low': queueing({ shares: 100, lendable: 90, queues: 128, hand: 6 }),
  'global-default': queueing({ shares: 20, lendable: 50, queues: 128, hand: 6 }),
};

const groups = (...names: readonly string[]): t.FlowcontrolSubject[] =>
  names.map((name) => ({ kind: 'Group', group: { name } }));
const users = (...names: readonly string[]): t.FlowcontrolSubject[] =>
  names.map((name) => ({ kind: 'User', user: { name } }));

const EVERYBODY = groups('system:unauthenticated', 'system:authenticated');
const NODES = groups('system:nodes');
const SYSTEM_ACCOUNTS: readonly t.FlowcontrolSubject[] = [
  { kind: 'ServiceAccount', serviceAccount: { name: '*', namespace: 'kube-system' } },
];

const EVERYTHING: Omit<t.PolicyRulesWithSubjects, 'subjects'> = {
  resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], clusterScope: true, namespaces: ['*'] }],
  nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
};

const leases = (...verbs: readonly string[]): t.ResourcePolicyRule => ({
  verbs,
  apiGroups: ['coordination.k8s.io'],
  resources: ['leases'],
  namespaces: ['*'],
});

const ofNodes: t.ResourcePolicyRule = {
  verbs: ['*'],
  apiGroups: [''],
  resources: ['nodes', 'nodes/status'],
  clusterScope: true,
  namespaces: ['*'],
};

function schema(
  level: string,
  matchingPrecedence: number,
  by: 'ByUser' | 'ByNamespace' | undefined,
  rule: t.PolicyRulesWithSubjects,
): t.FlowSchemaSpec {
  return {
    priorityLevelConfiguration: { name: level },
    matchingPrecedence,
    ...(by === undefined ? {} : { distinguisherMethod: { type: by } }),
    rules: [rule],
  };
}

export const MANDATORY_SCHEMAS: Readonly<Record<string, t.FlowSchemaSpec>> = {
  [EXEMPT]: schema(EXEMPT, 1, undefined, { subjects: groups('system:masters'), ...EVERYTHING }),
  [CATCH_ALL]: schema(CATCH_ALL, 10_000, 'ByUser', { subjects: EVERYBODY, ...EVERYTHING }),
};

export const SUGGESTED_SCHEMAS: Readonly<Record<string, t.FlowSchemaSpec>> = {
  probes: schema(EXEMPT, 2, undefined, {
    subjects: EVERYBODY,
    nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/healthz', '/readyz', '/livez'] }],
  }),
  'system-leader-election': schema('leader-election', 100, 'ByUser', {
    subjects: [...users('system:kube-controller-manager', 'system:kube-scheduler'), ...SYSTEM_ACCOUNTS],
    resourceRules: [leases('get', 'create', 'update')],
  }),
  'system-node-high': schema('node-high', 400, 'ByUser', { subjects: NODES, resourceRules: [ofNodes, leases('*')] }),
  'system-nodes': schema('system', 500, 'ByUser', { subjects: NODES, ...EVERYTHING }),
  'kube-controller-manager': schema('workload-high', 800, 'ByNamespace', {
    subjects: users('system:kube-controller-manager'),
    ...EVERYTHING,
  }),
  'kube-scheduler': schema('workload-high', 800, 'ByNamespace', {
    subjects: users('system:kube-scheduler'),
    ...EVERYTHING,
  }),
  'kube-system-service-accounts': schema('workload-high', 900, 'ByNamespace', {
    subjects: SYSTEM_ACCOUNTS,
    ...EVERYTHING,
  }),
  'service-accounts': schema('workload-low', 9000, 'ByUser', {
    subjects: groups('system:serviceaccounts'),
    ...EVERYTHING,
  }),
  'global-default': schema('global-default', 9900, 'ByUser', { subjects: EVERYBODY, ...EVERYTHING }),
};
