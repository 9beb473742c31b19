/** Why a Pod may not go to a node, in upstream's words. */
export interface Refusal {
  readonly reasons: readonly string[];
  /** Whether it might help if other Pods of the node went. */
  readonly curable: boolean;
}

export function never(...reasons: readonly string[]): Refusal {
  return { reasons, curable: false };
}

export function notNow(...reasons: readonly string[]): Refusal {
  return { reasons, curable: true };
}

/** What the plugin for devices says of itself whenever a Pod fits nowhere. */
const NO_CLAIMS = 'no new claims to deallocate';
const NOT_HELPFUL = 'Preemption is not helpful for scheduling';
export const NO_VICTIMS = 'No preemption victims found for incoming pod';

/** `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable.` and what preemption has to say. */
export function unschedulableMessage(refusals: readonly Refusal[], preemption?: string): string {
  const total = refusals.length;
  if (total === 0) return 'no nodes available to schedule pods';
  const more = preemption === undefined ? '' : ` ${NO_CLAIMS}, preemption: ${preemption}`;
  return `${available(total)} ${histogram(refusals.flatMap(({ reasons }) => reasons))}.${more}`;
}

/** What came of looking for victims: the reasons node by node, of the nodes where it might have helped. */
export function preemptionMessage(refusals: readonly Refusal[], failures: readonly (readonly string[])[]): string {
  const hopeless = refusals.length - failures.length;
  const reasons = [...failures.flat(), ...Array.from({ length: hopeless }, () => NOT_HELPFUL)];
  return `${available(refusals.length)} ${histogram(reasons)}.`;
}

/** Of a Pod that fits no node whatever, for a reason of its own. Its end is that of v1.34, where nobody came to look for victims. */
export function hopelessMessage(reason: string, nodes: number): string {
  return `${available(nodes)} ${reason}. not found`;
}

function available(nodes: number): string {
  return `0/${nodes} nodes are available:`;
}

function histogram(reasons: readonly string[]): string {
  return [...Map.groupBy(reasons, (reason) => reason)]
    .map(([reason, { length }]) => `${length} ${reason}`)
    .sort()
    .join(', ');
}
