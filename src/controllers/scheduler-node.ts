import { type Container, type Node, type Pod } from '#api/generated/types.ts';
import { controllerOf, objectKey } from '#api/object.ts';
import { quantityMillis, quantityValue } from '#api/quantity.ts';

/** What a Pod takes of a node. */
export interface Demand {
  readonly cpuMillis: number;
  readonly memory: number;
  /** For the comparison of nodes, a Pod that asks for nothing counts as a small one. */
  readonly scoredCpuMillis: number;
  readonly scoredMemory: number;
  readonly hostPorts: readonly string[];
}

const DEFAULT_CPU_MILLIS = 100;
const DEFAULT_MEMORY = 200 * 2 ** 20;

/** The largest of what runs at one time: init containers one after the other, sidecars and containers together. */
export function demandOf(pod: Pod): Demand {
  const cpu = peak(pod, (container) => quantityMillis(container.resources?.requests?.['cpu'] ?? '0'));
  const memory = peak(pod, (container) => quantityValue(container.resources?.requests?.['memory'] ?? '0'));
  const overhead = pod.spec.overhead ?? {};
  const cpuMillis = cpu + quantityMillis(overhead['cpu'] ?? '0');
  const bytes = memory + quantityValue(overhead['memory'] ?? '0');
  return {
    cpuMillis,
    memory: bytes,
    scoredCpuMillis: cpuMillis === 0 ? DEFAULT_CPU_MILLIS : cpuMillis,
    scoredMemory: bytes === 0 ? DEFAULT_MEMORY : bytes,
    hostPorts: pod.spec.containers.flatMap(({ ports = [] }) =>
      ports.flatMap(({ hostPort, hostIP = '0.0.0.0', protocol = 'TCP' }) =>
        hostPort === undefined || hostPort === 0 ? [] : [`${protocol} ${hostIP} ${hostPort}`],
      ),
    ),
  };
}

function peak({ spec }: Pod, value: (container: Container) => number): number {
  let sidecars = 0;
  let initPeak = 0;
  for (const container of spec.initContainers ?? []) {
    if (container.restartPolicy === 'Always') sidecars += value(container);
    else initPeak = Math.max(initPeak, sidecars + value(container));
  }
  const running = spec.containers.reduce((sum, container) => sum + value(container), sidecars);
  return Math.max(initPeak, running);
}

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
  readonly #repellent = new Map<string, Pod>();
  readonly #owners = new Map<string, number>();
  readonly #hostPorts = new Map<string, number>();
  cpuMillis = 0;
  memory = 0;
  scoredCpuMillis = 0;
  scoredMemory = 0;

  get pods(): number {
    return this.#pods.size;
  }

  ofOwner(pod: Pod): number {
    return this.#owners.get(ownerOf(pod)) ?? 0;
  }

  /** Whether one of the ports is taken; the address 0.0.0.0 stands for all. */
  hasPortConflict(wanted: readonly string[]): boolean {
    if (wanted.length === 0 || this.#hostPorts.size === 0) return false;
    return wanted.some((port) => [...this.#hostPorts.keys()].some((taken) => portsConflict(port, taken)));
  }

  /** Those that keep others away. */
  get repellent(): Iterable<Pod> {
    return this.#repellent.values();
  }

  count(isCounted: (pod: Pod) => boolean): number {
    let count = 0;
    for (const { pod } of this.#pods.values()) if (isCounted(pod)) count++;
    return count;
  }

  /** Also a Pod that is there: its labels may be other ones, and it may be on its way out. */
  add(pod: Pod): void {
    const key = objectKey(pod);
    const known = this.#pods.get(key);
    const placed = { pod, demand: known?.demand ?? demandOf(pod), owner: ownerOf(pod) };
    this.#pods.set(key, placed);
    if (pod.spec.affinity?.podAntiAffinity !== undefined) this.#repellent.set(key, pod);
    if (known === undefined) this.#count(placed, 1);
  }

  remove(pod: Pod): void {
    const key = objectKey(pod);
    const placed = this.#pods.get(key);
    if (placed === undefined) return;
    this.#pods.delete(key);
    this.#repellent.delete(key);
    this.#count(placed, -1);
  }

  #count({ demand, owner }: Placed, sign: 1 | -1): void {
    this.cpuMillis += sign * demand.cpuMillis;
    this.memory += sign * demand.memory;
    this.scoredCpuMillis += sign * demand.scoredCpuMillis;
    this.scoredMemory += sign * demand.scoredMemory;
    bump(this.#owners, owner, sign);
    for (const port of demand.hostPorts) bump(this.#hostPorts, port, sign);
  }
}

function bump(counts: Map<string, number>, key: string, by: number): void {
  const count = (counts.get(key) ?? 0) + by;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}

function portsConflict(a: string, b: string): boolean {
  const [protocolA, ipA, portA] = a.split(' ');
  const [protocolB, ipB, portB] = b.split(' ');
  const sameAddress = ipA === ipB || ipA === '0.0.0.0' || ipB === '0.0.0.0';
  return protocolA === protocolB && portA === portB && sameAddress;
}

function ownerOf(pod: Pod): string {
  return controllerOf(pod)?.uid ?? '';
}

export interface Capacity {
  readonly cpuMillis: number;
  readonly memory: number;
  readonly pods: number;
}

/** A node that does not say how much it has is taken at its word: it has room for all. */
export function capacityOf(node: Node): Capacity {
  const allocatable = node.status?.allocatable ?? {};
  const { cpu, memory, pods } = allocatable as { cpu?: string; memory?: string; pods?: string };
  return {
    cpuMillis: cpu === undefined ? Infinity : quantityMillis(cpu),
    memory: memory === undefined ? Infinity : quantityValue(memory),
    pods: pods === undefined ? Infinity : quantityValue(pods),
  };
}
