import { rfc3339 } from '#base/clock.ts';
import type { Node, Pod } from '#api/generated/types.ts';
import { objectKey } from '#api/object.ts';
import { nodes, pods } from '#api/resource.ts';
import { type ControllerContext, createControllerQueue, ignoreNotFound } from '../controller-context.ts';
import { disruptionTarget } from '../disruption-target.ts';
import { readyCondition } from './node-health.ts';
import { isPodFinished, isTerminating } from '../pod-state.ts';
import { podsByNode } from './pods-by-node.ts';

/** A node that is gone may come back under its name within this time. */
const QUARANTINE_MS = 40_000;
/** Ended Pods that are kept. Upstream's --terminated-pod-gc-threshold. */
const MAX_ENDED = 12_500;

export interface PodGarbage {
  readonly reason: 'orphaned' | 'unscheduled' | 'out-of-service';
  /** Of the condition that it gets. */
  readonly message: string;
}

/** Why no node agent will ever finish the Pod; undefined for one that has somebody. */
export function podGarbage(pod: Pod, nodeOf: (name: string) => Node | undefined): PodGarbage | undefined {
  const { nodeName = '' } = pod.spec;
  if (nodeName === '') return isTerminating(pod) ? { reason: 'unscheduled', message: 'PodGC: unscheduled' } : undefined;
  const node = nodeOf(nodeName);
  if (node === undefined) return { reason: 'orphaned', message: 'PodGC: node no longer exists' };
  const isOut = node.spec.taints?.some(({ key }) => key === 'node.kubernetes.io/out-of-service') === true;
  if (!isOut || !isTerminating(pod) || readyCondition(node)?.status === 'True') return undefined;
  return { reason: 'out-of-service', message: 'PodGC: node out of service' };
}

/** Of the Pods that have ended, the oldest beyond `max`. */
export function surplusEnded(all: readonly Pod[], max: number = MAX_ENDED): readonly Pod[] {
  const ended = all.filter((pod) => isPodFinished(pod) && !isTerminating(pod));
  if (ended.length <= max) return [];
  const age = ({ metadata }: Pod): string => `${metadata.creationTimestamp} ${metadata.name}`;
  return ended.sort((a, b) => (age(a) < age(b) ? -1 : 1)).slice(0, ended.length - max);
}

/** Removes Pods for good that nobody else will: their node is gone, or they never had one. */
export function startPodGarbageCollector(context: ControllerContext): void {
  const { client, clock, informers } = context;
  const podInformer = informers.for(pods);
  const nodeInformer = informers.for(nodes);
  const podsOn = podsByNode(podInformer);
  const force = async (pod: Pod, garbage: PodGarbage | undefined): Promise<void> => {
    const { uid } = pod.metadata;
    if (garbage?.reason === 'orphaned' && !isPodFinished(pod)) {
      const conditions = disruptionTarget(pod, 'DeletionByPodGC', garbage.message, rfc3339(clock.now()));
      const body = { metadata: { uid }, status: { phase: 'Failed', conditions } };
      await ignoreNotFound(client.patch(pods, pod.metadata, { kind: 'merge', body }, { subresource: 'status' }));
    }
    const options = { gracePeriodSeconds: 0, preconditions: { uid } };
    await ignoreNotFound(client.delete(pods, pod.metadata, options));
  };
  const missingSince = new Map<string, number>();
  const waitFor = [podInformer, nodeInformer];
  const queue = createControllerQueue(context, { name: 'pod-gc', waitFor, concurrency: 8 }, async (key) => {
    const pod = podInformer.get(key);
    const garbage = pod === undefined ? undefined : podGarbage(pod, (name) => nodeInformer.get(name));
    if (pod === undefined || garbage === undefined) return;
    if (garbage.reason === 'orphaned') {
      const name = pod.spec.nodeName ?? '';
      const since = missingSince.get(name) ?? clock.now();
      missingSince.set(name, since);
      const left = since + QUARANTINE_MS - clock.now();
      if (left > 0) return queue.addAfter(key, left);
      // The cache may be behind.
      if ((await ignoreNotFound(client.get(nodes, { name }))) !== undefined) return;
    }
    await force(pod, garbage);
  });
  const ended = createControllerQueue(context, { name: 'pod-gc-ended', waitFor, yields: true }, async () => {
    await Promise.all(surplusEnded(podInformer.list()).map((pod) => force(pod, undefined)));
  });
  let endedCount = 0;
  const changed = (pod: Pod, old?: Pod): void => {
    if (isPodFinished(pod) && (old === undefined || !isPodFinished(old)) && ++endedCount > MAX_ENDED) ended.add('all');
    if (podGarbage(pod, (name) => nodeInformer.get(name)) !== undefined) queue.add(objectKey(pod));
  };
  podInformer.on({
    added: changed,
    updated: changed,
    deleted: (pod) => {
      if (isPodFinished(pod)) endedCount--;
    },
  });
  const nodeChanged = ({ metadata: { name } }: Node): void => {
    for (const pod of podsOn(name)) changed(pod, pod);
  };
  nodeInformer.on({
    added: ({ metadata }) => void missingSince.delete(metadata.name),
    updated: nodeChanged,
    deleted: nodeChanged,
  });
}
