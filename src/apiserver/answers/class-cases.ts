import type { AnswerCase } from './answer-case.ts';
import { CONTAINER, create, type KindName, KINDS, patch, read, replace, TABLE } from './requests.ts';

const HANDLER = { handler: 'runc' };
const TAINTED = { key: 'a', operator: 'Exists', effect: 'NoSchedule' };
const CLASS = {
  ...HANDLER,
  overhead: { podFixed: { cpu: '250m', memory: '64Mi' } },
  scheduling: {
    nodeSelector: { kind: 'fast' },
    tolerations: [TAINTED, { key: 'node.kubernetes.io/not-ready', operator: 'Exists' }],
  },
};

const refused = (kind: KindName, what: string, fields: object): AnswerCase => ({
  name: `${kind}: ${what}`,
  ask: create(kind, fields),
});

const pod = (spec: object = {}): ReturnType<typeof create> =>
  create('pod', { spec: { containers: [CONTAINER], runtimeClassName: 'x', ...spec } });
const podOf = (what: string, fields: object, spec: object = {}): AnswerCase => ({
  name: `runtimeClass: pod ${what}`,
  given: [create('runtimeClass', fields)],
  ask: pod(spec),
});

/** Classes that Pods and volumes name. */
export const classCases: readonly AnswerCase[] = [
  { name: 'runtimeClass: least', ask: create('runtimeClass', HANDLER) },
  { name: 'runtimeClass: full', ask: create('runtimeClass', CLASS) },
  {
    name: 'runtimeClass: as a table',
    given: [create('runtimeClass', CLASS)],
    ask: read('runtimeClass', '/x', TABLE),
  },
  refused('runtimeClass', 'of nothing', {}),
  refused('runtimeClass', 'no handler', { handler: 'A.b' }),
  refused('runtimeClass', 'less than no overhead', { ...HANDLER, overhead: { podFixed: { cpu: '-1' } } }),
  refused('runtimeClass', 'an overhead of nobody', { ...HANDLER, overhead: { podFixed: { 'what ever': '1' } } }),
  refused('runtimeClass', 'no labels', { ...HANDLER, scheduling: { nodeSelector: { 'a b': 'c' } } }),
  refused('runtimeClass', 'a toleration of nothing', { ...HANDLER, scheduling: { tolerations: [{ effect: 'No' }] } }),
  {
    name: 'toleration of nothing',
    ask: create('pod', { spec: { containers: [CONTAINER], tolerations: [{ effect: 'No' }, {}] } }),
  },
  ...['Strict', 'Warn', 'Ignore'].map((mode): AnswerCase => ({
    name: `apply: a key of YAML twice, ${mode}`,
    ask: {
      method: 'PATCH',
      path: `${KINDS.configMap.path}/x?fieldManager=me&fieldValidation=${mode}`,
      body: 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\ndata:\n  a: b\n  a: c\n',
      contentType: 'application/apply-patch+yaml',
    },
  })),
  { name: 'lease: put without a version', given: [create('lease')], ask: replace('lease', {}) },
  refused('runtimeClass', 'a toleration twice', { ...HANDLER, scheduling: { tolerations: [TAINTED, TAINTED] } }),
  { name: 'runtimeClass: made by a put', ask: replace('runtimeClass', HANDLER) },
  {
    name: 'runtimeClass: another handler',
    given: [create('runtimeClass', HANDLER)],
    ask: patch('runtimeClass', 'merge', { handler: 'other' }),
  },
  {
    name: 'runtimeClass: put without a version',
    given: [create('runtimeClass', HANDLER)],
    ask: replace('runtimeClass', HANDLER),
  },
  podOf('of it', CLASS),
  podOf('of one that says nothing', HANDLER),
  podOf('with its own of each', CLASS, {
    nodeSelector: { disk: 'ssd' },
    tolerations: [{ key: 'a', operator: 'Equal', value: 'b', effect: 'NoSchedule' }],
  }),
  podOf('with the same overhead', CLASS, { overhead: { cpu: '0.25', memory: '64Mi' } }),
  podOf('with another overhead', CLASS, { overhead: { cpu: '1' } }),
  podOf('with an overhead of its own', HANDLER, { overhead: { cpu: '1' } }),
  podOf('that wants another node', CLASS, { nodeSelector: { kind: 'slow' } }),
  { name: 'runtimeClass: pod of none', ask: pod() },

  {
    name: 'volumeAttributesClass: full',
    ask: create('volumeAttributesClass', { driverName: 'a.test', parameters: { a: 'b' } }),
  },
  {
    name: 'volumeAttributesClass: as a table',
    given: [create('volumeAttributesClass', { driverName: 'a.test', parameters: { a: 'b' } })],
    ask: read('volumeAttributesClass', '/x', TABLE),
  },
  refused('volumeAttributesClass', 'of nothing', {}),
  refused('volumeAttributesClass', 'no name', { driverName: 'a b', parameters: { '': 'b' } }),
  {
    name: 'volumeAttributesClass: another driver',
    given: [create('volumeAttributesClass', { driverName: 'a.test', parameters: { a: 'b' } })],
    ask: patch('volumeAttributesClass', 'merge', { driverName: 'b.test', parameters: { c: 'd' } }),
  },
];
