import { change, end, job, make, pass, podStatus, remove, removePod, together } from './manifests.ts';
import type { Act, Scene } from './scene.ts';

const J = 'Job';
const indexed = (completions: number, parallelism: number): object => ({
  completionMode: 'Indexed',
  completions,
  parallelism,
});
const succeeds = (pod: string): Act => podStatus(pod, ended('Succeeded', 0), 'succeeds');
const fails = (pod: string, code: number = 1): Act => podStatus(pod, ended('Failed', code), `fails with ${code}`);

function ended(phase: string, exitCode: number, more: object = {}): (time: string) => object {
  return (time) => {
    const state = { terminated: { exitCode, startedAt: time, finishedAt: time } };
    const container = { name: 'c', image: 'i', imageID: '', ready: false, restartCount: 0, state };
    const conditions = [{ type: 'Ready', status: 'False', lastTransitionTime: time }];
    return { phase, conditions, containerStatuses: [container], ...more };
  };
}

/** So that no minute begins while somebody looks. */
const EARLY: Act = ['a minute begins', (stage) => stage.pass(62 - (stage.now % 60_000) / 1000)];

export const jobScenes: readonly Scene[] = [
  {
    name: 'a Job succeeds',
    acts: [make(J, job('once', {}, { play: 'succeed' })), remove(J, 'once', { propagationPolicy: 'Background' })],
  },
  {
    name: 'a Job of three, two at a time',
    acts: [make(J, job('once', { completions: 3, parallelism: 2 })), succeeds('once'), together(end('once'), pass(12))],
  },
  {
    name: 'a Job fails too often',
    acts: [together(make(J, job('once', { backoffLimit: 1 }, { play: 'fail' })), pass(15))],
  },
  {
    name: 'a Job of one try',
    acts: [make(J, job('once', { backoffLimit: 0, parallelism: 2, completions: 2 })), fails('once')],
  },
  {
    name: 'a Job by index',
    acts: [make(J, job('once', indexed(3, 2))), succeeds('once-1'), succeeds('once-0'), succeeds('once-2')],
  },
  {
    name: 'a Job with a limit for each index',
    acts: [
      make(J, job('once', { ...indexed(2, 2), backoffLimitPerIndex: 1, maxFailedIndexes: 1 })),
      together(fails('once-0'), pass(12)),
      fails('once-0'),
      succeeds('once-1'),
    ],
  },
  {
    name: 'a Job with too many failed indexes',
    acts: [make(J, job('once', { ...indexed(3, 3), backoffLimitPerIndex: 0, maxFailedIndexes: 0 })), fails('once-2')],
  },
  {
    name: 'a Job whose failures are judged',
    acts: [
      make(
        J,
        job('once', {
          ...indexed(3, 3),
          backoffLimitPerIndex: 2,
          podFailurePolicy: {
            rules: [
              { action: 'FailIndex', onExitCodes: { operator: 'In', values: [7] } },
              { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
              { action: 'FailJob', onExitCodes: { containerName: 'c', operator: 'In', values: [42] } },
            ],
          },
        }),
      ),
      fails('once-0', 7),
      together(
        podStatus(
          'once-1',
          ended('Failed', 9, { conditions: [{ type: 'DisruptionTarget', status: 'True' }] }),
          'is pushed out',
        ),
        pass(12),
      ),
      fails('once-2', 42),
    ],
  },
  {
    name: 'a Job that succeeds with some of its indexes',
    acts: [
      make(
        J,
        job('once', { ...indexed(4, 4), successPolicy: { rules: [{ succeededIndexes: '0-2', succeededCount: 2 }] } }),
      ),
      succeeds('once-3'),
      succeeds('once-2'),
      succeeds('once-0'),
    ],
  },
  {
    name: 'a Job is suspended and resumed',
    acts: [
      make(J, job('once', { suspend: true, activeDeadlineSeconds: 100 })),
      change(J, 'once', { spec: { suspend: false } }),
      change(J, 'once', { spec: { suspend: true } }),
      change(J, 'once', { spec: { suspend: false } }),
      succeeds('once'),
    ],
  },
  { name: 'a Job takes too long', acts: [make(J, job('once', { activeDeadlineSeconds: 20 })), pass(21)] },
  {
    name: 'a Job goes after its end',
    acts: [make(J, job('once', { ttlSecondsAfterFinished: 6 }, { play: 'succeed' })), pass(8)],
  },
  {
    name: 'a Job has more and fewer Pods',
    acts: [
      make(J, job('once', { parallelism: 1, completions: 5 })),
      change(J, 'once', { spec: { parallelism: 3 } }),
      change(J, 'once', { spec: { parallelism: 0 } }),
    ],
  },
  {
    name: 'a Job of which one has to succeed',
    acts: [make(J, job('once', { parallelism: 2 })), succeeds('once'), together(end('once'), pass(12))],
  },
  {
    name: 'a Job waits for its Pods to end',
    acts: [
      make(J, job('once', { podReplacementPolicy: 'Failed' }, { annotations: { linger: 'yes' } })),
      removePod('once'),
      together(end('once'), pass(12)),
    ],
  },
  {
    name: 'a Job replaces Pods that are on their way out',
    acts: [make(J, job('once', {}, { annotations: { linger: 'yes' } })), together(removePod('once'), pass(14))],
  },
  { name: 'a Job of somebody else', acts: [make(J, job('once', { managedBy: 'example.com/jobs' }))] },
  {
    name: 'a Job whose containers restart',
    acts: [
      make(J, job('once', { backoffLimit: 1 }, { spec: { restartPolicy: 'OnFailure' } })),
      podStatus(
        'once',
        {
          containerStatuses: [
            { name: 'c', image: 'i', imageID: '', ready: true, restartCount: 1, state: { running: {} } },
          ],
        },
        'restarts',
      ),
    ],
  },
  {
    name: 'a CronJob that may run side by side',
    acts: [
      EARLY,
      make('CronJob', {
        metadata: { name: 'tick' },
        spec: {
          schedule: '* * * * *',
          jobTemplate: {
            metadata: { labels: { a: 'b' } },
            spec: { template: (job('x', {})['spec'] as { template: object }).template },
          },
        },
      }),
      pass(60),
      change('CronJob', 'tick', { spec: { suspend: true } }),
      succeeds('tick'),
    ],
  },
  {
    name: 'a CronJob that may not',
    acts: [
      EARLY,
      make('CronJob', {
        metadata: { name: 'tick' },
        spec: {
          schedule: '* * * * *',
          concurrencyPolicy: 'Forbid',
          jobTemplate: { spec: { template: (job('x', {})['spec'] as { template: object }).template } },
        },
      }),
      pass(120),
      change('CronJob', 'tick', { spec: { suspend: true } }),
      succeeds('tick'),
    ],
  },
];
