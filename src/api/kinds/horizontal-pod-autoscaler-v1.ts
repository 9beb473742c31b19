import { defineKind } from '../define-kind.ts';
import type { FieldError } from '../field-error.ts';
import type * as t from '../generated/types.ts';
import type { KindDefinition } from '../kind.ts';
import type { KubeObject, ObjectMeta } from '../object.ts';
import { horizontalPodAutoscalers, horizontalPodAutoscalersV1 } from '../resource.ts';
import { horizontalPodAutoscaler } from './horizontal-pod-autoscaler.ts';

type Old = t.HorizontalPodAutoscalerV1;
type Stored = t.HorizontalPodAutoscaler;

/** What the older version has no fields for goes through it in these annotations. */
const METRICS = 'autoscaling.alpha.kubernetes.io/metrics';
const BEHAVIOR = 'autoscaling.alpha.kubernetes.io/behavior';
const CURRENT_METRICS = 'autoscaling.alpha.kubernetes.io/current-metrics';
const CONDITIONS = 'autoscaling.alpha.kubernetes.io/conditions';
const CARRIERS: ReadonlySet<string> = new Set([METRICS, BEHAVIOR, CURRENT_METRICS, CONDITIONS]);

function isCpu(metric: t.MetricSpec | undefined): boolean {
  return metric?.resource?.name === 'cpu' && metric.resource.target?.averageUtilization !== undefined;
}

function isCurrentCpu(metric: t.MetricStatus): boolean {
  return metric.resource?.name === 'cpu' && metric.resource.current?.averageUtilization !== undefined;
}

/** An autoscaling/v2 scaler in the words of v1. */
export function oldScalerOf(stored: Stored): Old {
  const { metrics = [], behavior, ...spec } = stored.spec;
  const { conditions, currentMetrics, ...status } = stored.status ?? {};
  const cpu = metrics.find(isCpu)?.resource?.target.averageUtilization;
  const current = currentMetrics?.find(isCurrentCpu)?.resource?.current.averageUtilization;
  const annotations = {
    ...carrier(
      METRICS,
      metrics.filter((metric) => !isCpu(metric)),
    ),
    ...carrier(BEHAVIOR, behavior),
    ...carrier(
      CURRENT_METRICS,
      currentMetrics?.filter((metric) => !isCurrentCpu(metric)),
    ),
    ...carrier(CONDITIONS, conditions),
  };
  return {
    ...stored,
    apiVersion: 'autoscaling/v1',
    metadata: withAnnotations(stored.metadata, annotations),
    spec: { ...spec, ...(cpu === undefined ? {} : { targetCPUUtilizationPercentage: cpu }) },
    status: {
      ...status,
      currentReplicas: status.currentReplicas ?? 0,
      desiredReplicas: status.desiredReplicas ?? 0,
      ...(current === undefined ? {} : { currentCPUUtilizationPercentage: current }),
    },
  };
}

/** And back. What it says of the status beyond replicas is the controller's, which speaks v2. */
export function storedScalerOf(old: Old): Stored {
  const { targetCPUUtilizationPercentage: cpu, ...spec } = old.spec;
  const { annotations = {} } = old.metadata;
  const carried = carriedValue(annotations[METRICS]);
  const others = Array.isArray(carried) ? (carried as readonly t.MetricSpec[]) : [];
  const behavior = carriedValue(annotations[BEHAVIOR]) as t.HorizontalPodAutoscalerBehavior | undefined;
  const conditions = carriedValue(annotations[CONDITIONS]) as t.HorizontalPodAutoscalerCondition[] | undefined;
  const current = carriedValue(annotations[CURRENT_METRICS]) as t.MetricStatus[] | undefined;
  const { currentCPUUtilizationPercentage: used, ...status } = old.status ?? {};
  const usedCpu: readonly t.MetricStatus[] =
    used === undefined ? [] : [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: used } } }];
  const currentMetrics = [...usedCpu, ...(current ?? [])];
  return {
    ...old,
    apiVersion: 'autoscaling/v2',
    metadata: withAnnotations(old.metadata, {}),
    spec: {
      ...spec,
      metrics: [...(cpu === undefined ? [] : [cpuMetric(cpu)]), ...others],
      ...(behavior === undefined ? {} : { behavior }),
    },
    status: {
      ...status,
      desiredReplicas: status.desiredReplicas ?? 0,
      currentMetrics: (currentMetrics.length === 0 ? null : currentMetrics) as t.MetricStatus[],
      ...(conditions === undefined ? {} : { conditions }),
    },
  };
}

function cpuMetric(averageUtilization: number): t.MetricSpec {
  return { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } } };
}

function carrier(name: string, value: unknown): Readonly<Record<string, string>> {
  const isNothing = value === undefined || (Array.isArray(value) && value.length === 0);
  return isNothing ? {} : { [name]: JSON.stringify(value) };
}

function carriedValue(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The metadata with these carriers and no others. */
function withAnnotations(metadata: ObjectMeta, carriers: Readonly<Record<string, string>>): ObjectMeta {
  const given = Object.entries(metadata.annotations ?? {}).filter(([name]) => !CARRIERS.has(name));
  const annotations = { ...Object.fromEntries(given), ...carriers };
  const { annotations: _, ...rest } = metadata;
  return Object.keys(annotations).length === 0 ? rest : { ...rest, annotations };
}

/** Per cent of the processor that is aimed at where nothing else is said. */
const DEFAULT_CPU = 80;

function defaults(old: Old): Old {
  const { minReplicas = 1, targetCPUUtilizationPercentage } = old.spec;
  const needsTarget = targetCPUUtilizationPercentage === undefined && old.metadata.annotations?.[METRICS] === undefined;
  const target = needsTarget ? { targetCPUUtilizationPercentage: DEFAULT_CPU } : {};
  return { ...old, spec: { ...old.spec, minReplicas, ...target } };
}

const definition = defineKind<Old>(horizontalPodAutoscalersV1, {
  model: 'HorizontalPodAutoscalerV1',
  shortNames: ['hpa'],
  categories: ['all'],
  subresources: { status: true },
  initialStatus: () => ({ currentReplicas: 0, desiredReplicas: 0 }),
  columns: horizontalPodAutoscaler.columns,
  row: (old, now) => horizontalPodAutoscaler.row(storedScalerOf(old), now),
  defaults,
  validate: ({ spec, metadata }): readonly FieldError[] =>
    // The metadata is checked already; a new object has none that would be wrong for the newer version only.
    horizontalPodAutoscaler
      .validateCreate(storedScalerOf({ spec, metadata } as Old))
      .filter(({ field }) => field.startsWith('spec.')),
});

/** The older of two versions of one stored kind. */
export const horizontalPodAutoscalerV1: KindDefinition<Old> = Object.freeze({
  ...definition,
  storedAs: horizontalPodAutoscalers,
  present: (stored: KubeObject) => oldScalerOf(stored as Stored) as KubeObject,
  persist: (shown: KubeObject) => storedScalerOf(shown as Old) as KubeObject,
});
