import { rfc3339 } from '#base/clock.ts';
import { deepEqual } from '#api/equal.ts';
import type { Node, Pod, Taint } from '#api/generated/types.ts';
import { objectKey } from '#api/object.ts';
import { nodes, pods } from '#api/resource.ts';
import { type ControllerContext, createControllerQueue, ignoreNotFound, recorderFor } from '../controller-context.ts';
import { disruptionTarget } from '../disruption-target.ts';
import { tolerates } from '#api/pod/node-fit.ts';
import { isPodFinished, isTerminating } from '../pod-state.ts';
import { podsByNode } from './pods-by-node.ts';

/** Ms until the node's taints drive the Pod out, from now on or before; undefined when they do not. */
export function evictionIn(pod: Pod, taints: readonly Taint[], now: number): number | undefined {
  let soonest: number | undefined;
  for (const taint of taints.filter(({ effect }) => effect === 'NoExecute')) {
    const matching = (pod.spec.tolerations ?? []).filter((toleration) => tolerates(toleration, taint));
    if (matching.length === 0) return 0;
    const limits = matching.flatMap(({ tolerationSeconds }) =>
      tolerationSeconds === undefined ? [] : [tolerationSeconds],
    );
    if (limits.length === 0) continue;
    const since = taint.timeAdded === undefined ? now : Date.parse(taint.timeAdded);
    const left = since + Math.max(0, Math.min(...limits)) * 1000 - now;
    soonest = Math.min(soonest ?? Infinity, left);
  }
  return soonest;
}

/** Deletes Pods that do not tolerate their node's NoExecute taints, or no longer: those of a dead node move so. */
export function startTaintEvictionController(context: ControllerContext): void {
  const { client, clock, informers } = context;
  const podInformer = informers.for(pods);
  const nodeInformer = informers.for(nodes);
  const podsOn = podsByNode(podInformer);
  const recorder = recorderFor(context, 'taint-eviction-controller');
  const evict = async (pod: Pod): Promise<void> => {
    const { uid, namespace, name } = pod.metadata;
    recorder.record(pod, 'Normal', 'TaintManagerEviction', `Marking for deletion Pod ${namespace}/${name}`);
    const message = 'Taint manager: deleting due to NoExecute taint';
    const conditions = disruptionTarget(pod, 'DeletionByTaintManager', message, rfc3339(clock.now()));
    const body = { metadata: { uid }, status: { conditions } };
    await ignoreNotFound(client.patch(pods, pod.metadata, { kind: 'merge', body }, { subresource: 'status' }));
    await ignoreNotFound(client.delete(pods, pod.metadata, { preconditions: { uid } }));
  };
  const queue = createControllerQueue(
    context,
    { name: 'taint-eviction', waitFor: [podInformer, nodeInformer], concurrency: 8 },
    async (key) => {
      const pod = podInformer.get(key);
      if (pod === undefined || isTerminating(pod) || isPodFinished(pod)) return;
      const taints = nodeInformer.get(pod.spec.nodeName ?? '')?.spec.taints ?? [];
      const left = evictionIn(pod, taints, clock.now());
      if (left === undefined) return;
      if (left > 0) queue.addAfter(key, left);
      else await evict(pod);
    },
  );
  const isTainted = (name: string | undefined): boolean =>
    nodeInformer.get(name ?? '')?.spec.taints?.some(({ effect }) => effect === 'NoExecute') === true;
  const podChanged = (pod: Pod): void => {
    if (isTainted(pod.spec.nodeName)) queue.add(objectKey(pod));
  };
  podInformer.on({
    added: podChanged,
    updated: (pod, old) => {
      const { nodeName, tolerations } = pod.spec;
      if (nodeName !== old.spec.nodeName || !deepEqual(tolerations, old.spec.tolerations)) podChanged(pod);
    },
  });
  const nodeChanged = ({ metadata: { name } }: Node): void => {
    if (!isTainted(name)) return;
    for (const pod of podsOn(name)) queue.add(objectKey(pod));
  };
  nodeInformer.on({
    added: nodeChanged,
    updated: (node, old) => {
      if (!deepEqual(node.spec.taints, old.spec.taints)) nodeChanged(node);
    },
  });
}
