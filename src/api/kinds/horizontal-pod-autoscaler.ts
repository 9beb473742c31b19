import { behaviorDefaults, validateBehavior } from '../autoscaling/behavior.ts';
import { validateMetrics } from '../autoscaling/metrics.ts';
import { age, ageColumn, column, nameColumn } from '../columns.ts';
import { defineKind } from '../define-kind.ts';
import { type FieldError, invalid, required } from '../field-error.ts';
import type * as t from '../generated/types.ts';
import type { KindDefinition } from '../kind.ts';
import { horizontalPodAutoscalers } from '../resource.ts';
import { validateAutoscalerStatus } from '../workload-status.ts';

const UNKNOWN = '<unknown>';

/** `10%/80%`, or of values; averages of metrics that are not of Pods are marked. */
function targetText(
  target: Partial<t.MetricTarget> = {},
  current: t.MetricValueStatus | undefined,
  mark: string,
): string {
  if (target.averageValue !== undefined) return `${current?.averageValue ?? UNKNOWN}/${target.averageValue}${mark}`;
  return `${current?.value ?? UNKNOWN}/${target.value ?? ''}`;
}

function resourceText(
  name: string,
  target: Partial<t.MetricTarget> = {},
  current: t.MetricValueStatus | undefined,
): string {
  if (target.averageValue !== undefined) return `${name}: ${targetText(target, current, '')}`;
  const used = current?.averageUtilization === undefined ? UNKNOWN : `${current.averageUtilization}%`;
  const wanted = target.averageUtilization === undefined ? '<auto>' : `${target.averageUtilization}%`;
  return `${name}: ${used}/${wanted}`;
}

function metricText(spec: t.MetricSpec, status: Partial<t.MetricStatus> = {}): string {
  const { external, pods, object } = spec;
  if (external !== undefined) return targetText(external.target, status.external?.current, ' (avg)');
  if (pods !== undefined) return targetText(pods.target, status.pods?.current, '');
  if (object !== undefined) return targetText(object.target, status.object?.current, ' (avg)');
  const resource = spec.resource ?? spec.containerResource;
  const current = status.resource ?? status.containerResource;
  return resource === undefined ? '<unknown type>' : resourceText(resource.name, resource.target, current?.current);
}

function targetsCell({ spec, status }: t.HorizontalPodAutoscaler): string {
  const metrics = spec.metrics ?? [];
  if (metrics.length === 0) return '<none>';
  const texts = metrics.slice(0, 2).map((metric, i) => metricText(metric, status?.currentMetrics?.[i]));
  const more = metrics.length > 2 ? ` + ${metrics.length - 2} more...` : '';
  return `${texts.join(', ')}${more}`;
}

function validate({ spec }: t.HorizontalPodAutoscaler): FieldError[] {
  const { minReplicas = 1, scaleTargetRef } = spec;
  const maxReplicas = spec.maxReplicas ?? 0;
  const errors: FieldError[] = [];
  if (minReplicas < 1) errors.push(invalid('spec.minReplicas', minReplicas, 'must be greater than or equal to 1'));
  if (maxReplicas < 1) errors.push(invalid('spec.maxReplicas', maxReplicas, 'must be greater than 0'));
  if (maxReplicas < minReplicas) {
    errors.push(invalid('spec.maxReplicas', maxReplicas, 'must be greater than or equal to `minReplicas`'));
  }
  for (const key of ['kind', 'name'] as const) {
    if ((scaleTargetRef?.[key] ?? '') === '') errors.push(required(`spec.scaleTargetRef.${key}`));
  }
  if ((scaleTargetRef?.apiVersion ?? '') === '') {
    errors.push(invalid('spec.scaleTargetRef.apiVersion', '', 'apiVersion must specify API group'));
  }
  return [...errors, ...validateMetrics(spec.metrics), ...validateBehavior(spec.behavior)];
}

const CPU: t.MetricSpec = {
  type: 'Resource',
  resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } },
};

export const horizontalPodAutoscaler: KindDefinition<t.HorizontalPodAutoscaler> = defineKind(horizontalPodAutoscalers, {
  shortNames: ['hpa'],
  categories: ['all'],
  subresources: { status: true },
  initialStatus: () => ({ currentMetrics: null, desiredReplicas: 0 }),
  columns: [
    nameColumn,
    column('Reference', 'string', 'What it scales.'),
    column('Targets', 'string', 'What it measures, and what it aims at.'),
    column('MinPods', 'string', 'Fewest Pods.'),
    column('MaxPods', 'string', 'Most Pods.'),
    column('Replicas', 'string', 'Pods now.'),
    ageColumn,
  ],
  row: (scaler, now) => [
    scaler.metadata.name,
    `${scaler.spec.scaleTargetRef?.kind ?? ''}/${scaler.spec.scaleTargetRef?.name ?? ''}`,
    targetsCell(scaler),
    scaler.spec.minReplicas === undefined ? '<unset>' : String(scaler.spec.minReplicas),
    scaler.spec.maxReplicas ?? 0,
    scaler.status?.currentReplicas ?? 0,
    age(scaler, now),
  ],
  defaults: (scaler) => ({
    ...scaler,
    spec: {
      ...scaler.spec,
      minReplicas: scaler.spec.minReplicas ?? 1,
      metrics: scaler.spec.metrics ?? [CPU],
      ...(scaler.spec.behavior === undefined ? {} : { behavior: behaviorDefaults(scaler.spec.behavior) }),
    },
  }),
  validate,
  validateStatus: validateAutoscalerStatus,
});
