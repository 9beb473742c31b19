import type { Pod } from '#api/generated/types.ts';
import { controllerOf, type KubeObject } from '#api/object.ts';
import { deployments, replicaSets, replicationControllers, type Resource, statefulSets } from '#api/resource.ts';
import type { Informer } from '#client/informer.ts';
import type { ControllerContext } from '../controller-context.ts';

export interface ScaleReader {
  readonly informers: readonly { readonly synced: Promise<void> }[];
  /**
   * The sizes of all that own one of the Pods; Pods without an owner count for nothing.
   * @throws {Error} in upstream's words, where an owner is not there or has no size
   */
  sum(pods: readonly Pod[]): number;
  watch(changed: (owner: KubeObject) => void): void;
}

type Sized = KubeObject & { readonly spec: { readonly replicas?: number | undefined } };

const SIZED: readonly Resource<Sized>[] = [deployments, replicaSets, statefulSets, replicationControllers];

/** Owners of Pods that have no size, and what they are called. */
const SIZELESS: Readonly<Record<string, string>> = {
  Job: 'jobs.batch',
  DaemonSet: 'daemonsets.apps',
  Node: 'nodes',
};

/** Sizes of what owns Pods, through a ReplicaSet to its Deployment. */
export function scaleReader({ informers }: ControllerContext): ScaleReader {
  const byKind = new Map<string, Informer<Sized>>(SIZED.map((resource) => [resource.kind, informers.for(resource)]));
  const ownerOf = (object: KubeObject): Sized | undefined => {
    const reference = controllerOf(object);
    const found = byKind.get(reference?.kind ?? '')?.get(`${object.metadata.namespace}/${reference?.name}`);
    return found?.metadata.uid === reference?.uid ? found : undefined;
  };
  return {
    informers: [...byKind.values()],
    sum(list) {
      const owners = new Map<string, number>();
      for (const pod of list) {
        const reference = controllerOf(pod);
        if (reference === undefined) continue;
        const sizeless = SIZELESS[reference.kind];
        if (sizeless !== undefined) throw new Error(`${sizeless} does not implement the scale subresource`);
        const direct = ownerOf(pod);
        if (direct === undefined) throw new Error(`found no controllers for pod "${pod.metadata.name}"`);
        const owner = ownerOf(direct) ?? direct;
        owners.set(owner.metadata.uid, owner.spec.replicas ?? 1);
      }
      return [...owners.values()].reduce((total, count) => total + count, 0);
    },
    watch(changed) {
      const resized = (owner: Sized, old: Sized): void => {
        if (owner.spec.replicas !== old.spec.replicas) changed(owner);
      };
      for (const informer of byKind.values()) informer.on({ added: changed, updated: resized, deleted: changed });
    },
  };
}
