import type { Pod } from '#api/generated/types.ts';
import { controllerOf, type KubeObject, type OwnerReference } from '#api/object.ts';
import {
  apiVersionOf,
  deployments,
  replicaSets,
  replicationControllers,
  type Resource,
  statefulSets,
} from '#api/resource.ts';
import type { Informer } from '#client/informer.ts';
import type { ControllerContext } from '../controller-context.ts';
import { customScale, groupOf } from './custom-scale.ts';

export interface ScaleReader {
  readonly informers: readonly { readonly synced: Promise<void> }[];
  /**
   * The sizes of all that own one of the Pods; Pods without an owner count for nothing.
   * Rejects in upstream's words where an owner is not there or has no size.
   */
  sum(pods: readonly Pod[]): Promise<number>;
  watch(changed: (owner: KubeObject) => void): void;
}

interface Size {
  /** Of the owner that has it: the Deployment, where a ReplicaSet owns the Pod for one. */
  readonly uid: string;
  readonly replicas: number;
}

type Sized = KubeObject & { readonly spec: { readonly replicas?: number | undefined } };

const SIZED: readonly Resource<Sized>[] = [deployments, replicaSets, statefulSets, replicationControllers];

/** Sizes of what owns Pods, through a ReplicaSet to its Deployment; of kinds that are not watched here the server is asked. */
export function scaleReader({ client, informers }: ControllerContext): ScaleReader {
  const byKind = new Map<string, Informer<Sized>>(
    SIZED.map((resource) => [kindKey(apiVersionOf(resource), resource.kind), informers.for(resource)]),
  );
  const informerOf = ({ apiVersion, kind }: OwnerReference): Informer<Sized> | undefined =>
    byKind.get(kindKey(apiVersion, kind));
  const ownerOf = (object: KubeObject): Sized | undefined => {
    const reference = controllerOf(object);
    if (reference === undefined) return undefined;
    const found = informerOf(reference)?.get(`${object.metadata.namespace}/${reference.name}`);
    return found?.metadata.uid === reference.uid ? found : undefined;
  };
  const watchedSize = (pod: Pod): Size | undefined => {
    const direct = ownerOf(pod);
    const owner = direct === undefined ? undefined : (ownerOf(direct) ?? direct);
    return owner === undefined ? undefined : { uid: owner.metadata.uid, replicas: owner.spec.replicas ?? 1 };
  };
  const askedSize = async (pod: Pod, reference: OwnerReference): Promise<Size | undefined> => {
    const replicas = await customScale(client, reference, pod.metadata.namespace ?? '');
    return replicas === undefined ? undefined : { uid: reference.uid, replicas };
  };
  return {
    informers: [...byKind.values()],
    async sum(list) {
      const owners = new Map<string, number>();
      const seen = new Set<string>();
      for (const pod of list) {
        const reference = controllerOf(pod);
        if (reference === undefined || seen.has(reference.uid)) continue;
        seen.add(reference.uid);
        const isWatched = informerOf(reference) !== undefined;
        const size = isWatched ? watchedSize(pod) : await askedSize(pod, reference);
        if (size === undefined) throw new Error(`found no controllers for pod "${pod.metadata.name}"`);
        owners.set(size.uid, size.replicas);
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

/** Kinds are told by their group as well: a custom one may be called Deployment. */
function kindKey(apiVersion: string, kind: string): string {
  return `${groupOf(apiVersion)}/${kind}`;
}
