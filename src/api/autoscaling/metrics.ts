import { type FieldError, forbidden, invalid, required, unsupported } from '../field-error.ts';
import type * as t from '../generated/types.ts';
import { compareQuantities } from '../quantity.ts';

/** The type of a source and the field that has it. */
const SOURCES = {
  ContainerResource: 'containerResource',
  External: 'external',
  Object: 'object',
  Pods: 'pods',
  Resource: 'resource',
} as const;

/** Models validateMetricSpec of v1.34 (pkg/apis/autoscaling/validation/validation.go). */
export function validateMetrics(metrics: readonly t.MetricSpec[] = []): FieldError[] {
  return metrics.flatMap((metric, i) => validateMetric(metric, `spec.metrics[${i}]`));
}

function validateMetric(metric: t.MetricSpec, at: string): FieldError[] {
  const { type = '' }: { readonly type?: string } = metric;
  const errors: FieldError[] = [];
  if (type === '') errors.push(required(`${at}.type`, 'must specify a metric source type'));
  const wanted = Object.entries(SOURCES).find(([name]) => name === type)?.[1];
  // Said twice, as upstream does.
  const unknown = unsupported(`${at}.type`, type, Object.keys(SOURCES));
  if (wanted === undefined) return [...errors, unknown, unknown];
  const others = Object.values(SOURCES).filter((key) => key !== wanted && metric[key] !== undefined);
  return [
    ...validateSource(metric, wanted, `${at}.${wanted}`),
    ...others.map((key) => forbidden(`${at}.${key}`, 'must populate the given metric source only')),
  ];
}

/** A source of whatever type, with all that a client may have left out. */
interface LooseSource {
  readonly name?: string | undefined;
  readonly container?: string | undefined;
  readonly metric?: { readonly name?: string | undefined } | undefined;
  readonly target?: Partial<t.MetricTarget> | undefined;
}

function validateSource(metric: t.MetricSpec, key: (typeof SOURCES)[keyof typeof SOURCES], at: string): FieldError[] {
  const source: LooseSource | undefined = metric[key];
  if (source === undefined) return [required(at, 'must populate information for the given metric source')];
  const { name = '', container = '', metric: identifier, target = {} } = source;
  const ofResource = key === 'resource' || key === 'containerResource';
  const errors: FieldError[] = [];
  if (ofResource && name === '') errors.push(required(`${at}.name`, 'must specify a resource name'));
  if (!ofResource && (identifier?.name ?? '') === '') {
    errors.push(required(`${at}.metric.name`, 'must specify a metric name'));
  }
  if (key === 'containerResource' && container === '') {
    errors.push(required(`${at}.container`, 'must specify a container'));
  }
  return [...errors, ...validateTarget(target, `${at}.target`), ...validateAim(target, key, `${at}.target`)];
}

function validateTarget(
  { type = '', value, averageValue, averageUtilization }: Partial<t.MetricTarget>,
  at: string,
): FieldError[] {
  const errors: FieldError[] = [];
  if (type === '') errors.push(required(`${at}.type`, 'must specify a metric target type'));
  if (type !== 'Utilization' && type !== 'Value' && type !== 'AverageValue') {
    errors.push(invalid(`${at}.type`, type, 'must be either Utilization, Value, or AverageValue'));
  }
  for (const [key, amount] of Object.entries({ value, averageValue })) {
    if (amount !== undefined && compareQuantities(amount, '0') <= 0) {
      errors.push(invalid(`${at}.${key}`, amount, 'must be positive'));
    }
  }
  if (averageUtilization !== undefined && averageUtilization < 1) {
    errors.push(invalid(`${at}.averageUtilization`, averageUtilization, 'must be greater than 0'));
  }
  return errors;
}

/** Which of the figures the source needs, and which do not go together. */
function validateAim(
  target: Partial<t.MetricTarget>,
  key: (typeof SOURCES)[keyof typeof SOURCES],
  at: string,
): FieldError[] {
  const { value, averageValue, averageUtilization } = target;
  switch (key) {
    case 'resource':
    case 'containerResource':
      return oneOf(
        [averageUtilization, averageValue],
        required(`${at}.averageUtilization`, 'must set either a target raw value or a target utilization'),
        forbidden(`${at}.averageValue`, 'may not set both a target raw value and a target utilization'),
      );
    case 'pods':
      return oneOf([averageValue], required(`${at}.averageValue`, 'must specify a positive target averageValue'));
    case 'object':
      return oneOf(
        [value, averageValue],
        required(`${at}.averageValue`, 'must set either a target value or averageValue'),
      );
    case 'external':
      return oneOf(
        [value, averageValue],
        required(`${at}.averageValue`, 'must set either a target value for metric or a per-pod target'),
        forbidden(`${at}.value`, 'may not set both a target value for metric and a per-pod target'),
      );
  }
}

function oneOf(figures: readonly unknown[], none: FieldError, all?: FieldError): FieldError[] {
  const set = figures.filter((figure) => figure !== undefined).length;
  if (set === 0) return [none];
  return set === figures.length && all !== undefined ? [all] : [];
}
