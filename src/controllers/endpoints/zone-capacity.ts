import type { Node } from '#api/generated/types.ts';
import { quantityMillis } from '#api/quantity.ts';

const ZONE = 'topology.kubernetes.io/zone';
/** Nodes with one of these serve no Pods of users. */
const EXCLUDED = ['node-role.kubernetes.io/control-plane', 'node-role.kubernetes.io/master'] as const;

/**
 * Each zone's part of all processors that can be had on ready nodes, ordered by the zones' names. Undefined when a node
 * does not say its zone or has none: then nobody can tell who would be overloaded. Models SetNodes of
 * endpointslice/topologycache of v1.34.
 */
export function zoneCapacity(nodes: readonly Node[]): ReadonlyMap<string, number> | undefined {
  const byZone = new Map<string, number>();
  let total = 0;
  for (const node of nodes) {
    const { labels = {} } = node.metadata;
    if (EXCLUDED.some((label) => labels[label] !== undefined) || !isReady(node)) continue;
    const zone = labels[ZONE] ?? '';
    const cpu = cpuOf(node);
    if (zone === '' || cpu === 0) return undefined;
    byZone.set(zone, (byZone.get(zone) ?? 0) + cpu);
    total += cpu;
  }
  if (byZone.size < 2) return undefined;
  return new Map([...byZone].sort(([a], [b]) => (a < b ? -1 : 1)).map(([zone, cpu]) => [zone, cpu / total]));
}

/** The same text is the same for `zoneCapacity`. */
export function capacityKey(node: Node): string {
  return JSON.stringify([node.metadata.labels?.[ZONE], isReady(node), cpuOf(node)]);
}

function isReady({ status }: Node): boolean {
  return status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') === true;
}

function cpuOf({ status }: Node): number {
  return quantityMillis(status?.allocatable?.['cpu'] ?? '0');
}
