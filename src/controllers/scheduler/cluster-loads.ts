import type { Node, Pod } from '#api/generated/types.ts';
import { objectKey } from '#api/object.ts';
import { type Candidate, NodeLoad } from './node-load.ts';
import { priorityOf } from './preemption.ts';

interface Nomination {
  readonly pod: Pod;
  readonly nodeName: string;
}

/** What is on every node, and what is to come to it once those that were pushed out are gone. */
export class ClusterLoads {
  readonly #loads = new Map<string, NodeLoad>();
  readonly #nominations = new Map<string, Nomination>();

  of(nodeName: string): NodeLoad {
    let load = this.#loads.get(nodeName);
    if (load === undefined) {
      load = new NodeLoad();
      this.#loads.set(nodeName, load);
    }
    return load;
  }

  /** True when the node had it. */
  release(pod: Pod, nodeName: string): boolean {
    const load = this.#loads.get(nodeName);
    const before = load?.pods;
    load?.remove(pod);
    return load?.pods !== before;
  }

  nominate(pod: Pod, nodeName: string): void {
    this.#nominations.set(objectKey(pod), { pod, nodeName });
  }

  nominationOf(key: string): string | undefined {
    return this.#nominations.get(key)?.nodeName;
  }

  forget(key: string): void {
    this.#nominations.delete(key);
  }

  /** Pods that were promised the node and are less important than this one. */
  lesserNominations(pod: Pod, nodeName: string): readonly Pod[] {
    return [...this.#nominations.values()]
      .filter((one) => one.nodeName === nodeName && priorityOf(one.pod) < priorityOf(pod))
      .map((one) => one.pod);
  }

  /** The nodes as the Pod finds them: a promise counts for all who are not more important. */
  candidatesFor(pod: Pod, nodes: readonly Node[]): readonly Candidate[] {
    const key = objectKey(pod);
    const promised = [...this.#nominations]
      .filter(([other, nomination]) => other !== key && priorityOf(nomination.pod) >= priorityOf(pod))
      .map(([, nomination]) => nomination);
    return nodes.map((node) => {
      const load = this.of(node.metadata.name);
      const coming = promised.filter(({ nodeName }) => nodeName === node.metadata.name);
      if (coming.length === 0) return { node, load };
      const more = coming.map((one) => one.pod);
      return { node, load: load.altered([], more) };
    });
  }
}
