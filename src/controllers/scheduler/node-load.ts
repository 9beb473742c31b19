import type { Node, Pod } from '#api/generated/types.ts';
import { controllerOf, objectKey } from '#api/object.ts';
import { type Demand, demandOf, portsConflict } from '#api/pod/demand.ts';

interface Placed {
  readonly pod: Pod;
  readonly demand: Demand;
  readonly owner: string;
}

export interface Candidate {
  readonly node: Node;
  readonly load: NodeLoad;
}

/** What is on one node; kept up to date Pod by Pod. */
export class NodeLoad {
  readonly #pods = new Map<string, Placed>();
  readonly #social = new Map<string, Pod>();
  readonly #owners = new Map<string, number>();
  readonly #hostPorts = new Map<string, number>();
  readonly #others = new Map<string, number>();
  cpuMillis = 0;
  memory = 0;
  scoredCpuMillis = 0;
  scoredMemory = 0;

  get pods(): number {
    return this.#pods.size;
  }

  get placed(): readonly Pod[] {
    return [...this.#pods.values()].map(({ pod }) => pod);
  }

  other(resource: string): number {
    return this.#others.get(resource) ?? 0;
  }

  ofOwner(pod: Pod): number {
    return this.#owners.get(ownerOf(pod)) ?? 0;
  }

  /** Whether one of the ports is taken; the address 0.0.0.0 stands for all. */
  hasPortConflict(wanted: readonly string[]): boolean {
    if (wanted.length === 0 || this.#hostPorts.size === 0) return false;
    return wanted.some((port) => [...this.#hostPorts.keys()].some((taken) => portsConflict(port, taken)));
  }

  /** Those that have a wish about who is near them. */
  get social(): Iterable<Pod> {
    return this.#social.values();
  }

  count(isCounted: (pod: Pod) => boolean): number {
    let count = 0;
    for (const { pod } of this.#pods.values()) if (isCounted(pod)) count++;
    return count;
  }

  /** The same with some Pods less and some more; this one stays as it is. */
  altered(without: readonly Pod[], more: readonly Pod[]): NodeLoad {
    const gone = new Set(without.map((pod) => objectKey(pod)));
    const copy = new NodeLoad();
    for (const [key, placed] of this.#pods) if (!gone.has(key)) copy.#put(key, placed);
    for (const pod of more) copy.add(pod);
    return copy;
  }

  /** Also a Pod that is there: labels and resources may be other ones, and it may be on its way out. */
  add(pod: Pod): void {
    const key = objectKey(pod);
    const { generation } = pod.metadata;
    if (generation !== this.#pods.get(key)?.pod.metadata.generation) this.remove(pod);
    const known = this.#pods.get(key);
    this.#put(key, { pod, demand: known?.demand ?? demandOf(pod), owner: known?.owner ?? ownerOf(pod) });
  }

  remove(pod: Pod): void {
    const key = objectKey(pod);
    const placed = this.#pods.get(key);
    if (placed === undefined) return;
    this.#pods.delete(key);
    this.#social.delete(key);
    this.#count(placed, -1);
  }

  #put(key: string, placed: Placed): void {
    const { podAffinity, podAntiAffinity } = placed.pod.spec.affinity ?? {};
    if (!this.#pods.has(key)) this.#count(placed, 1);
    this.#pods.set(key, placed);
    if (podAffinity !== undefined || podAntiAffinity !== undefined) this.#social.set(key, placed.pod);
  }

  #count({ demand, owner }: Placed, sign: 1 | -1): void {
    this.cpuMillis += sign * demand.cpuMillis;
    this.memory += sign * demand.memory;
    this.scoredCpuMillis += sign * demand.scoredCpuMillis;
    this.scoredMemory += sign * demand.scoredMemory;
    for (const [name, value] of demand.others) bump(this.#others, name, sign * value);
    bump(this.#owners, owner, sign);
    for (const port of demand.hostPorts) bump(this.#hostPorts, port, sign);
  }
}

function bump(counts: Map<string, number>, key: string, by: number): void {
  const count = (counts.get(key) ?? 0) + by;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}

function ownerOf(pod: Pod): string {
  return controllerOf(pod)?.uid ?? '';
}
