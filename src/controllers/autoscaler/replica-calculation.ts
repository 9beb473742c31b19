import type { Pod } from '#api/generated/types.ts';
import { quantityMillis } from '#api/quantity.ts';
import { isTerminating, podCondition } from '../pod-state.ts';
import type { PodMetric, PodMetrics } from './pod-metrics.ts';

/** A young Pod's use of processors says nothing while it starts. Upstream's --horizontal-pod-autoscaler-cpu-initialization-period. */
const START_MS = 300_000;
/** Not ready from so soon after its start on means never ready. Upstream's --horizontal-pod-autoscaler-initial-readiness-delay. */
const FIRST_READY_MS = 30_000;
/** A sample of a starting Pod counts when it began after the Pod became ready. */
const WINDOW_MS = 15_000;

export interface Tolerances {
  readonly up: number;
  readonly down: number;
}

export interface CalculationInput {
  readonly pods: readonly Pod[];
  readonly metrics: PodMetrics;
  readonly resource: string;
  readonly container?: string | undefined;
  readonly replicas: number;
  readonly tolerances: Tolerances;
  readonly now: number;
}

export interface Proposal {
  readonly replicas: number;
  /** The average in thousandths. */
  readonly average: number;
  /** Per cent of what was asked for. */
  readonly utilization?: number | undefined;
}

/** Models GetResourceReplicas of v1.34 (pkg/controller/podautoscaler/replica_calculator.go). */
export function byUtilization(input: CalculationInput, target: number): Proposal {
  const requests = requestsOf(input);
  return calculate(input, {
    ratioOf(metrics) {
      const known = [...metrics].filter(([name]) => requests.has(name));
      const used = known.reduce((sum, [, { value }]) => sum + value, 0);
      const asked = known.reduce((sum, [name]) => sum + (requests.get(name) ?? 0), 0);
      if (asked === 0) throw new Error('no metrics returned matched known pods');
      const utilization = Math.trunc((used * 100) / asked);
      return { ratio: utilization / target, utilization, average: Math.trunc(used / known.length) };
    },
    // Of what it asked for, or of the target where that is beyond.
    missing: (name) => ((requests.get(name) ?? 0) * Math.max(100, target)) / 100,
  });
}

/** Models GetRawResourceReplicas; `target` in thousandths. */
export function byAverage(input: CalculationInput, target: number): Proposal {
  return calculate(input, {
    ratioOf(metrics) {
      const used = [...metrics.values()].reduce((sum, { value }) => sum + value, 0);
      const average = Math.trunc(used / metrics.size);
      return { ratio: average / target, average };
    },
    missing: () => target,
  });
}

interface Ratio {
  readonly ratio: number;
  readonly average: number;
  readonly utilization?: number | undefined;
}

interface Measure {
  readonly ratioOf: (metrics: PodMetrics) => Ratio;
  /** What a Pod that tells nothing is taken to use when the others use little. */
  readonly missing: (name: string) => number;
}

function calculate(input: CalculationInput, measure: Measure): Proposal {
  const { pods, replicas, tolerances } = input;
  if (pods.length === 0) throw new Error('no pods returned by selector while calculating replica count');
  const groups = groupPods(input);
  if (groups.ready.size === 0) {
    throw new Error('did not receive metrics for targeted pods (pods might be unready)');
  }
  const { ratio, average, utilization } = measure.ratioOf(groups.ready);
  const proposal = (count: number): Proposal => ({ replicas: count, average, utilization });
  const counted = withSilent(groups, ratio, measure.missing, input.now);
  if (counted === undefined) {
    return proposal(isWithin(tolerances, ratio) ? replicas : Math.ceil(ratio * groups.ready.size));
  }
  const next = measure.ratioOf(counted).ratio;
  if (isWithin(tolerances, next) || Math.sign(next - 1) === -Math.sign(ratio - 1)) return proposal(replicas);
  const count = Math.ceil(next * counted.size);
  const isAgainst = next < 1 ? count > replicas : count < replicas;
  return proposal(isAgainst ? replicas : count);
}

function isWithin({ up, down }: Tolerances, ratio: number): boolean {
  return ratio >= 1 - down && ratio <= 1 + up;
}

/**
 * Pods that tell nothing, or not yet, never make the answer more extreme: they count against its direction. Undefined
 * where there are none that matter.
 */
function withSilent(
  { ready, unready, missing }: Groups,
  ratio: number,
  missingValue: Measure['missing'],
  at: number,
): PodMetrics | undefined {
  const starting = ratio > 1 ? unready : [];
  if (starting.length === 0 && missing.length === 0) return undefined;
  const counted = new Map<string, PodMetric>(ready);
  const value = (name: string): number => (ratio < 1 ? missingValue(name) : 0);
  if (ratio !== 1) for (const name of missing) counted.set(name, { value: value(name), at });
  for (const name of starting) counted.set(name, { value: 0, at });
  return counted;
}

interface Groups {
  readonly ready: ReadonlyMap<string, PodMetric>;
  readonly unready: readonly string[];
  readonly missing: readonly string[];
}

function groupPods({ pods, metrics, resource, now }: CalculationInput): Groups {
  const ready = new Map<string, PodMetric>();
  const unready: string[] = [];
  const missing: string[] = [];
  for (const pod of pods) {
    const { name } = pod.metadata;
    const metric = metrics.get(name);
    if (isTerminating(pod) || pod.status?.phase === 'Failed') continue;
    if (pod.status?.phase === 'Pending') unready.push(name);
    else if (metric === undefined) missing.push(name);
    else if (resource === 'cpu' && isStarting(pod, metric, now)) unready.push(name);
    else ready.set(name, metric);
  }
  return { ready, unready, missing };
}

function isStarting(pod: Pod, metric: PodMetric, now: number): boolean {
  const condition = podCondition(pod, 'Ready');
  const started = Date.parse(pod.status?.startTime ?? '');
  if (condition === undefined || Number.isNaN(started)) return true;
  const changed = Date.parse(condition.lastTransitionTime ?? '');
  const notReady = condition.status === 'False';
  if (started + START_MS > now) return notReady || metric.at < changed + WINDOW_MS;
  return notReady && started + FIRST_READY_MS > changed;
}

/** What each Pod asks for, in thousandths. */
function requestsOf({ pods, resource, container }: CalculationInput): ReadonlyMap<string, number> {
  return new Map(
    pods.map((pod) => {
      const whole = container === undefined ? pod.spec.resources?.requests?.[resource] : undefined;
      if (whole !== undefined) return [pod.metadata.name, quantityMillis(whole)];
      const sidecars = (pod.spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always');
      const counted = [...pod.spec.containers, ...sidecars].filter(
        ({ name }) => container === undefined || container === name,
      );
      const amounts = counted.map(({ name, resources }) => {
        const amount = resources?.requests?.[resource];
        if (amount !== undefined) return quantityMillis(amount);
        throw new Error(`missing request for ${resource} in container ${name} of Pod ${pod.metadata.name}`);
      });
      return [pod.metadata.name, amounts.reduce((sum, amount) => sum + amount, 0)];
    }),
  );
}
