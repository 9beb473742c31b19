import type { Container, Job, Pod } from '#api/generated/types.ts';
import type { NewObject } from '#api/object.ts';
import { podFromTemplate } from '../pod-template.ts';
import { isPodFinished, isTerminating, podCondition } from '../pod-state.ts';

/** Keeps a Pod in the store until its end has been counted. */
export const TRACKING = 'batch.kubernetes.io/job-tracking';
const INDEX = 'batch.kubernetes.io/job-completion-index';

export function isIndexed({ spec }: Job): boolean {
  return spec.completionMode === 'Indexed';
}

export function isTracked({ metadata }: Pod): boolean {
  return metadata.finalizers?.includes(TRACKING) === true;
}

/** -1 for a Pod without one. */
export function completionIndex({ metadata }: Pod): number {
  const text = metadata.annotations?.[INDEX] ?? metadata.labels?.[INDEX] ?? '';
  return /^\d+$/.test(text) ? Number(text) : -1;
}

/** `annotations` are those of an index that counts its failures. */
export function jobPod(
  job: Job,
  index: number | undefined,
  annotations: Readonly<Record<string, string>> = {},
): NewObject<Pod> {
  const { metadata, spec } = podFromTemplate(job, job.spec.template);
  const tracked = { ...metadata, finalizers: [...(metadata.finalizers ?? []), TRACKING] };
  if (index === undefined) return { metadata: tracked, spec: { containers: [], ...spec } };
  const { name } = job.metadata;
  const mark = { [INDEX]: String(index) };
  return {
    metadata: {
      ...tracked,
      generateName: `${name}-${index}-`,
      labels: { ...metadata.labels, ...mark },
      annotations: { ...metadata.annotations, ...mark, ...annotations },
    },
    spec: {
      ...spec,
      containers: (spec?.containers ?? []).map(withIndex),
      ...(spec?.initContainers === undefined ? {} : { initContainers: spec.initContainers.map(withIndex) }),
      hostname: `${name}-${index}`,
    },
  };
}

function withIndex(container: Container): Container {
  const { env = [] } = container;
  if (env.some(({ name }) => name === 'JOB_COMPLETION_INDEX')) return container;
  const valueFrom = { fieldRef: { apiVersion: 'v1', fieldPath: `metadata.labels['${INDEX}']` } };
  return { ...container, env: [...env, { name: 'JOB_COMPLETION_INDEX', valueFrom }] };
}

/** Whether the Pod counts as a failure: by default one that is on its way out does already. */
export function countsAsFailed(job: Job, pod: Pod): boolean {
  if (pod.status?.phase === 'Failed') return true;
  return job.spec.podReplacementPolicy !== 'Failed' && isTerminating(pod) && pod.status?.phase !== 'Succeeded';
}

/** When it ended, as well as can be told, ms. Models getFinishedTime of v1.34. */
export function finishTime(pod: Pod): number {
  const ends = (pod.status?.containerStatuses ?? []).map(({ state }) =>
    Date.parse(state?.terminated?.finishedAt ?? ''),
  );
  if (ends.length > 0 && ends.every((end) => !Number.isNaN(end))) return Math.max(...ends);
  if (isTerminating(pod)) {
    const grace = (pod.metadata.deletionGracePeriodSeconds ?? 0) * 1000;
    return Date.parse(pod.metadata.deletionTimestamp ?? '') - grace;
  }
  const ready = isPodFinished(pod) ? podCondition(pod, 'Ready') : undefined;
  return Date.parse(ready?.lastTransitionTime ?? pod.metadata.creationTimestamp);
}
