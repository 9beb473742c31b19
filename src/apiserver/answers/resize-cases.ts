import type { AnswerCase } from './answer-case.ts';
import { CONTAINER, create, patch } from './requests.ts';

const requests = (amounts: object): object => ({ resources: { requests: amounts } });
const SOME = requests({ cpu: '1', memory: '1Gi' });

const pod = (metadata: object = {}): ReturnType<typeof create> =>
  create('pod', {
    metadata,
    spec: {
      nodeName: 'n',
      automountServiceAccountToken: false,
      initContainers: [
        { ...CONTAINER, ...SOME, name: 's', restartPolicy: 'Always' },
        { ...CONTAINER, name: 'i' },
      ],
      containers: [{ ...CONTAINER, ...SOME }],
    },
  });

const resized = (what: string, spec: object, given: ReturnType<typeof create> = pod()): AnswerCase => ({
  name: `resize: ${what}`,
  given: [given],
  ask: patch('pod', 'strategic-merge', { spec }, '/resize'),
});
const container = (fields: object): object => ({ containers: [{ name: 'c', ...fields }] });

export const resizeCases: readonly AnswerCase[] = [
  resized('another amount', container(requests({ cpu: '2' }))),
  resized('another policy', container({ resizePolicy: [{ resourceName: 'cpu', restartPolicy: 'RestartContainer' }] })),
  resized('all that is wrong', {
    ...container(requests({ cpu: null, 'ephemeral-storage': '1Gi' })),
    initContainers: [
      { name: 's', ...requests({ memory: null, 'ephemeral-storage': '1Gi' }) },
      { name: 'i', ...requests({ cpu: '1' }) },
    ],
  }),
  resized('one more', { containers: [{ ...CONTAINER, ...SOME, name: 'd' }] }),
  resized(
    'of a node of its own',
    container(requests({ cpu: '2' })),
    pod({ annotations: { 'kubernetes.io/config.mirror': 'x' } }),
  ),
];
