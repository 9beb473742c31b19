import type { Container, Node, Pod } from '../generated/types.ts';
import { quantityMillis, quantityValue } from '../quantity.ts';

/** What a Pod takes of a node. */
export interface Demand {
  readonly cpuMillis: number;
  readonly memory: number;
  /** Local storage, huge pages and what nodes advertise under names of their own. */
  readonly others: ReadonlyMap<string, number>;
  /** For the comparison of nodes, a Pod that asks for nothing counts as a small one. */
  readonly scoredCpuMillis: number;
  readonly scoredMemory: number;
  /** Of all that runs at one time: `PROTOCOL ADDRESS PORT`, the address 0.0.0.0 for every one. */
  readonly hostPorts: readonly string[];
}

const DEFAULT_CPU_MILLIS = 100;
const DEFAULT_MEMORY = 200 * 2 ** 20;

/** The largest of what runs at one time: init containers one after the other, sidecars and containers together. */
export function demandOf(pod: Pod): Demand {
  const amount = (resource: string, value: (text: string) => number): number => {
    // What is asked for the Pod as a whole counts instead of the sum.
    const whole = pod.spec.resources?.requests?.[resource];
    const own =
      whole === undefined ? peak(pod, ({ resources }) => value(resources?.requests?.[resource] ?? '0')) : value(whole);
    return own + value(pod.spec.overhead?.[resource] ?? '0');
  };
  const cpuMillis = amount('cpu', quantityMillis);
  const memory = amount('memory', quantityValue);
  const others = otherNames(pod).map((name) => [name, amount(name, quantityValue)] as const);
  return {
    cpuMillis,
    memory,
    others: new Map(others.filter(([, value]) => value > 0)),
    scoredCpuMillis: cpuMillis === 0 ? DEFAULT_CPU_MILLIS : cpuMillis,
    scoredMemory: memory === 0 ? DEFAULT_MEMORY : memory,
    hostPorts: hostPortsOf(pod),
  };
}

function hostPortsOf({ spec }: Pod): readonly string[] {
  const sidecars = (spec.initContainers ?? []).filter(isSidecar);
  return [...sidecars, ...spec.containers].flatMap(({ ports = [] }) =>
    ports.flatMap(({ hostPort = 0, hostIP, protocol = 'TCP' }) =>
      hostPort === 0 ? [] : [`${protocol} ${hostIP || '0.0.0.0'} ${hostPort}`],
    ),
  );
}

/** Whether two entries of `Demand.hostPorts` cannot be on one node. */
export function portsConflict(a: string, b: string): boolean {
  const [protocolA, ipA, portA] = a.split(' ');
  const [protocolB, ipB, portB] = b.split(' ');
  const sameAddress = ipA === ipB || ipA === '0.0.0.0' || ipB === '0.0.0.0';
  return protocolA === protocolB && portA === portB && sameAddress;
}

function isSidecar({ restartPolicy }: Container): boolean {
  return restartPolicy === 'Always';
}

function otherNames({ spec }: Pod): readonly string[] {
  const names = new Set<string>();
  for (const { resources } of [...spec.containers, ...(spec.initContainers ?? [])]) {
    for (const name of Object.keys(resources?.requests ?? {})) names.add(name);
  }
  names.delete('cpu');
  names.delete('memory');
  return [...names];
}

function peak({ spec }: Pod, value: (container: Container) => number): number {
  let sidecars = 0;
  let initPeak = 0;
  for (const container of spec.initContainers ?? []) {
    if (isSidecar(container)) sidecars += value(container);
    else initPeak = Math.max(initPeak, sidecars + value(container));
  }
  const running = spec.containers.reduce((sum, container) => sum + value(container), sidecars);
  return Math.max(initPeak, running);
}

export interface Capacity {
  readonly cpuMillis: number;
  readonly memory: number;
  readonly pods: number;
  readonly other: (name: string) => number;
}

const capacities = new WeakMap<Node, Capacity>();

/** A node that does not say how much it has of what every machine has is taken to have room for all. */
export function capacityOf(node: Node): Capacity {
  const known = capacities.get(node);
  if (known !== undefined) return known;
  const allocatable: Readonly<Record<string, string>> = node.status?.allocatable ?? {};
  const amount = (name: string, value: (text: string) => number, missing: number): number => {
    const text = allocatable[name];
    return text === undefined ? missing : value(text);
  };
  const capacity: Capacity = {
    cpuMillis: amount('cpu', quantityMillis, Infinity),
    memory: amount('memory', quantityValue, Infinity),
    pods: amount('pods', quantityValue, Infinity),
    other: (name) => amount(name, quantityValue, name === 'ephemeral-storage' ? Infinity : 0),
  };
  capacities.set(node, capacity);
  return capacity;
}
