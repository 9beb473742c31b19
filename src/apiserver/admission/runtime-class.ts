import { deepEqual } from '#api/equal.ts';
import type { Pod, PodSpec, RuntimeClass, Toleration } from '#api/generated/types.ts';
import { compareQuantities } from '#api/quantity.ts';
import { pods, runtimeClasses } from '#api/resource.ts';
import { forbiddenStatus } from '#api/status.ts';
import { find, type ServerContext } from '../context.ts';
import { StatusError } from '../status-error.ts';

/** Gives a Pod what its class says of all its Pods: what running one takes on top, and where it can be. */
export function admitRuntimeClass(server: ServerContext, pod: Pod): Pod {
  const { runtimeClassName: name = '' } = pod.spec;
  const found = name === '' ? undefined : find(server, runtimeClasses, name);
  if (name !== '' && found === undefined) throw refused(pod, `pod rejected: RuntimeClass "${name}" not found`);
  const overhead = overheadOf(pod, found);
  const placed = found?.scheduling === undefined ? pod.spec : placedBy(pod, found.scheduling);
  return overhead === undefined && placed === pod.spec ? pod : { ...pod, spec: { ...placed, overhead } };
}

function overheadOf(pod: Pod, found: RuntimeClass | undefined): PodSpec['overhead'] {
  const { overhead } = pod.spec;
  const { overhead: wanted } = found ?? {};
  if (wanted === undefined) {
    if (overhead === undefined) return undefined;
    throw refused(pod, 'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead');
  }
  const amounts = wanted.podFixed ?? {};
  if (Object.keys(overhead ?? {}).length > 0 && !areSame(overhead ?? {}, amounts)) {
    throw refused(pod, `pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead`);
  }
  return amounts;
}

type Amounts = Readonly<Record<string, string>>;

function areSame(a: Amounts, b: Amounts): boolean {
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...names].every((name) => {
    const [left, right] = [a[name], b[name]];
    return left !== undefined && right !== undefined && compareQuantities(left, right) === 0;
  });
}

function placedBy(pod: Pod, { nodeSelector = {}, tolerations = [] }: NonNullable<RuntimeClass['scheduling']>): PodSpec {
  const { nodeSelector: own = {}, tolerations: ownTolerations = [] } = pod.spec;
  for (const [key, value] of Object.entries(nodeSelector)) {
    const given = own[key];
    if (given === undefined || given === value) continue;
    const text = `runtimeClass.scheduling.nodeSelector[${key}] = ${value}; pod.spec.nodeSelector[${key}] = ${given}`;
    throw refused(pod, `conflict: ${text}`);
  }
  return {
    ...pod.spec,
    nodeSelector: { ...own, ...nodeSelector },
    tolerations: mergedTolerations([...ownTolerations, ...tolerations]),
  };
}

/** Without those that another one covers. */
function mergedTolerations(all: readonly Toleration[]): readonly Toleration[] {
  const merged: Toleration[] = [];
  for (const [i, toleration] of all.entries()) {
    const isCovered =
      merged.some((other) => covers(other, toleration)) ||
      all.slice(i + 1).some((other) => !deepEqual(other, toleration) && covers(other, toleration));
    if (!isCovered) merged.push(toleration);
  }
  return merged;
}

function covers(wide: Toleration, narrow: Toleration): boolean {
  if (deepEqual(wide, narrow)) return true;
  const isOfSame = isSameTaint(wide, narrow) && (wide.effect !== 'NoExecute' || lastsAsLong(wide, narrow));
  if (!isOfSame || wide.operator === 'Exists') return isOfSame;
  return narrow.operator === 'Equal' && (narrow.value ?? '') === (wide.value ?? '');
}

function isSameTaint({ key = '', operator, effect = '' }: Toleration, narrow: Toleration): boolean {
  const isAnyKey = key === '' && operator === 'Exists';
  return (isAnyKey || (narrow.key ?? '') === key) && (effect === '' || narrow.effect === effect);
}

/** No seconds are forever. */
function lastsAsLong(wide: Toleration, narrow: Toleration): boolean {
  return (wide.tolerationSeconds ?? Infinity) >= (narrow.tolerationSeconds ?? Infinity);
}

function refused({ metadata }: Pod, why: string): StatusError {
  return new StatusError(forbiddenStatus(pods, metadata.name ?? '', why));
}
