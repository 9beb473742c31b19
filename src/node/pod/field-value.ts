import type { Container, Pod, ResourceFieldSelector } from '#api/generated/types.ts';
import { parseQuantity } from '#api/quantity.ts';

/** Of the Pod at the moment when its container starts; its status in the API may lag behind. */
export interface PodFacts {
  readonly nodeName: string;
  readonly hostIps: readonly string[];
  readonly podIps: readonly string[];
  /** What a container without limits may use: the node's `cpu` and `memory`. */
  readonly allocatable: Readonly<Record<string, string>>;
}

/** The value of a `fieldRef`; undefined for a path that does not exist. */
export function fieldValue(pod: Pod, path: string, facts: PodFacts): string | undefined {
  const keyed = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(path);
  if (keyed !== null) return pod.metadata[keyed[1] as 'labels' | 'annotations']?.[keyed[2] ?? ''] ?? '';
  return fields.get(path)?.(pod, facts);
}

const fields: ReadonlyMap<string, (pod: Pod, facts: PodFacts) => string> = new Map([
  ['metadata.name', ({ metadata }: Pod) => metadata.name],
  ['metadata.namespace', ({ metadata }: Pod) => metadata.namespace ?? ''],
  ['metadata.uid', ({ metadata }: Pod) => metadata.uid],
  ['metadata.labels', ({ metadata }: Pod) => quotedLines(metadata.labels)],
  ['metadata.annotations', ({ metadata }: Pod) => quotedLines(metadata.annotations)],
  ['spec.nodeName', (_: Pod, { nodeName }: PodFacts) => nodeName],
  ['spec.serviceAccountName', ({ spec }: Pod) => spec.serviceAccountName ?? ''],
  ['status.hostIP', (_: Pod, { hostIps }: PodFacts) => hostIps[0] ?? ''],
  ['status.hostIPs', (_: Pod, { hostIps }: PodFacts) => hostIps.join(',')],
  ['status.podIP', (_: Pod, { podIps }: PodFacts) => podIps[0] ?? ''],
  ['status.podIPs', (_: Pod, { podIps }: PodFacts) => podIps.join(',')],
]);

/** One `key="value"` a line, in order. */
function quotedLines(map: Readonly<Record<string, string>> = {}): string {
  return Object.entries(map)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join('\n');
}

/** The value of a `resourceFieldRef`, rounded up to whole divisors. */
export function resourceValue(container: Container, ref: ResourceFieldSelector, facts: PodFacts): string | undefined {
  const [, kind, name] = /^(limits|requests)\.(.+)$/.exec(ref.resource) ?? [];
  if (kind === undefined || name === undefined) return undefined;
  const { limits = {}, requests = {} } = container.resources ?? {};
  const set = kind === 'limits' ? limits[name] : (requests[name] ?? limits[name]);
  const amount = parseQuantity(set ?? (kind === 'limits' ? (facts.allocatable[name] ?? '0') : '0')).nanos;
  const divisor = parseQuantity(ref.divisor === undefined || ref.divisor === '0' ? '1' : ref.divisor).nanos;
  return String((amount + divisor - 1n) / divisor);
}
