import type { KubeObject, OwnerReference } from '#api/object.ts';
import type { Resource } from '#api/resource.ts';
import { isTerminating } from '../pod-state.ts';

export const FOREGROUND = 'foregroundDeletion';
export const ORPHAN = 'orphan';

/** What garbage collection has to know of an object. */
export interface GraphNode {
  readonly uid: string;
  readonly resource: Resource;
  readonly namespace: string | undefined;
  readonly name: string;
  readonly owners: readonly OwnerReference[];
  readonly finalizers: readonly string[];
  readonly terminating: boolean;
}

/** Uids of objects that are known to be gone, the last so many. */
const ABSENT_MEMORY = 10_000;

/** Who owns whom, over all kinds, by uid. */
export class GarbageGraph {
  readonly #nodes = new Map<string, GraphNode>();
  readonly #dependents = new Map<string, Set<string>>();
  readonly #absent = new Set<string>();

  get(uid: string): GraphNode | undefined {
    return this.#nodes.get(uid);
  }

  dependentsOf(uid: string): readonly GraphNode[] {
    return [...(this.#dependents.get(uid) ?? [])].flatMap((dependent) => this.#nodes.get(dependent) ?? []);
  }

  isAbsent(uid: string): boolean {
    return this.#absent.has(uid);
  }

  noteAbsent(uid: string): void {
    this.#absent.add(uid);
    if (this.#absent.size <= ABSENT_MEMORY) return;
    for (const oldest of this.#absent) {
      this.#absent.delete(oldest);
      return;
    }
  }

  /** Returns the node, whether anything in it is new to us, and what it was before. */
  put(
    resource: Resource,
    object: KubeObject,
  ): { readonly node: GraphNode; readonly changed: boolean; readonly before: GraphNode | undefined } {
    const { uid, namespace, name, ownerReferences: owners = [], finalizers = [] } = object.metadata;
    const terminating = isTerminating(object);
    const before = this.#nodes.get(uid);
    if (
      before !== undefined &&
      before.terminating === terminating &&
      sameOwners(before.owners, owners) &&
      before.finalizers.join() === finalizers.join()
    ) {
      return { node: before, changed: false, before };
    }
    const node = { uid, resource, namespace, name, owners, finalizers, terminating };
    this.#absent.delete(uid);
    this.#nodes.set(uid, node);
    if (before !== undefined) this.#unlink(before);
    for (const owner of owners) {
      const found = this.#dependents.get(owner.uid);
      if (found === undefined) this.#dependents.set(owner.uid, new Set([uid]));
      else found.add(uid);
    }
    return { node, changed: true, before };
  }

  remove(uid: string): GraphNode | undefined {
    const node = this.#nodes.get(uid);
    this.noteAbsent(uid);
    if (node === undefined) return undefined;
    this.#nodes.delete(uid);
    this.#unlink(node);
    return node;
  }

  #unlink(node: GraphNode): void {
    for (const owner of node.owners) {
      const found = this.#dependents.get(owner.uid);
      if (found?.delete(node.uid) === true && found.size === 0) this.#dependents.delete(owner.uid);
    }
  }
}

function sameOwners(a: readonly OwnerReference[], b: readonly OwnerReference[]): boolean {
  if (a === b) return true;
  return (
    a.length === b.length &&
    a.every((owner, i) => owner.uid === b[i]?.uid && owner.blockOwnerDeletion === b[i]?.blockOwnerDeletion)
  );
}
