import { ageColumn, column, nameColumn, wideColumn } from '../columns.ts';
import { defineKind } from '../define-kind.ts';
import type * as t from '../generated/types.ts';
import type { KindDefinition } from '../kind.ts';
import { validatePodChange } from '../pod/change.ts';
import { podDefaults } from '../pod/defaults.ts';
import { withOwnLabelKeys } from '../pod/own-label-keys.ts';
import { podRow } from '../pod/print.ts';
import { qosClassOf } from '../pod/qos.ts';
import { validateNewPod, validatePodSpec } from '../pod/validation.ts';
import { pods } from '../resource.ts';

const STREAM = ['create', 'get'];

/** An agent has to stop the processes first, unless there is none or they have ended. */
function graceSeconds(pod: t.Pod, requested: number | undefined): number {
  const phase = pod.status?.phase;
  if ((pod.spec.nodeName ?? '') === '' || phase === 'Succeeded' || phase === 'Failed') return 0;
  const seconds = requested ?? pod.spec.terminationGracePeriodSeconds ?? 30;
  return seconds < 0 ? 1 : seconds;
}

/** Whoever waits for a gate to open sees that from the first moment on. */
function gatedCondition({ metadata, spec }: t.Pod): Partial<t.PodStatus> {
  if ((spec.schedulingGates ?? []).length === 0) return {};
  const condition: t.PodCondition = {
    type: 'PodScheduled',
    status: 'False',
    lastTransitionTime: metadata.creationTimestamp,
    reason: 'SchedulingGated',
    message: 'Scheduling is blocked due to non-empty scheduling gates',
  };
  return { conditions: [condition] };
}

export const pod: KindDefinition<t.Pod> = defineKind(pods, {
  shortNames: ['po'],
  categories: ['all'],
  subresources: {
    status: true,
    others: [
      { name: 'attach', kind: 'PodAttachOptions', verbs: STREAM },
      { name: 'binding', kind: 'Binding', verbs: ['create'] },
      { name: 'ephemeralcontainers', kind: 'Pod', verbs: ['get', 'patch', 'update'] },
      { name: 'eviction', kind: 'Eviction', group: 'policy', version: 'v1', verbs: ['create'] },
      { name: 'exec', kind: 'PodExecOptions', verbs: STREAM },
      { name: 'log', kind: 'Pod', verbs: ['get'] },
      { name: 'portforward', kind: 'PodPortForwardOptions', verbs: STREAM },
      { name: 'proxy', kind: 'PodProxyOptions', verbs: ['create', 'delete', 'get', 'patch', 'update'] },
      { name: 'resize', kind: 'Pod', verbs: ['get', 'patch', 'update'] },
    ],
  },
  deletion: { kind: 'graceful', graceSeconds },
  generation: true,
  initialStatus: (pod) => ({ phase: 'Pending', qosClass: qosClassOf(pod.spec), ...gatedCondition(pod) }),
  columns: [
    nameColumn,
    column('Ready', 'string', 'Containers that are ready, out of all.'),
    column('Status', 'string', 'What the states of the containers add up to.'),
    column('Restarts', 'string', 'How often containers were started again, and when last.'),
    ageColumn,
    wideColumn('IP', 'string', 'Address of the Pod.'),
    wideColumn('Node', 'string', 'Node that the Pod runs on.'),
    wideColumn('Nominated Node', 'string', 'Node that is being cleared for the Pod.'),
    wideColumn('Readiness Gates', 'string', 'Readiness gates that are open, out of all.'),
  ],
  row: podRow,
  fields: {
    'spec.nodeName': ({ spec }) => spec.nodeName ?? '',
    'spec.restartPolicy': ({ spec }) => spec.restartPolicy ?? '',
    'spec.schedulerName': ({ spec }) => spec.schedulerName ?? '',
    'spec.serviceAccountName': ({ spec }) => spec.serviceAccountName ?? '',
    'spec.hostNetwork': ({ spec }) => String(spec.hostNetwork === true),
    'status.phase': ({ status }) => status?.phase ?? '',
    'status.podIP': ({ status }) => status?.podIPs?.[0]?.ip ?? status?.podIP ?? '',
    'status.podIPs': ({ status }) => status?.podIPs?.[0]?.ip ?? status?.podIP ?? '',
    'status.nominatedNodeName': ({ status }) => status?.nominatedNodeName ?? '',
  },
  defaults: podDefaults,
  prepareCreate: withOwnLabelKeys,
  validate: ({ spec }, old) => (old === undefined ? validateNewPod(spec) : validatePodSpec(spec, 'spec')),
  validateChange: validatePodChange,
});
