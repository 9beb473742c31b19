import { type FieldError, forbidden, invalid, required } from '../field-error.ts';
import type * as t from '../generated/types.ts';
import { checkQualifiedName } from '../names.ts';
import { checkLegacyCidr } from './legacy-ip.ts';
import { SOURCE_RANGES } from './traits.ts';

type Spec = t.ServiceSpec;

const ONLY_LOAD_BALANCER = "may only be used when `type` is 'LoadBalancer'";

/** The ranges of the field, or of the annotation that it came from. */
export function validateSourceRanges({ metadata, spec }: t.Service, old: t.Service | undefined): FieldError[] {
  const field = 'spec.LoadBalancerSourceRanges';
  const notBalanced = (at: string): FieldError[] =>
    spec.type === 'LoadBalancer' ? [] : [forbidden(at, ONLY_LOAD_BALANCER)];
  const ranges = (spec.loadBalancerSourceRanges ?? []).map((range) => range.trim());
  if (ranges.length > 0) {
    const before = new Set((old?.spec.loadBalancerSourceRanges ?? []).map((range) => range.trim()));
    const wrong = ranges.flatMap((range, i) => (before.has(range) ? [] : checkLegacyCidr(`${field}[${i}]`, range)));
    return [...notBalanced(field), ...wrong];
  }
  const annotation = metadata.annotations?.[SOURCE_RANGES];
  if (annotation === undefined) return [];
  const at = `metadata.annotations[${SOURCE_RANGES}]`;
  const same = old?.metadata.annotations?.[SOURCE_RANGES] === annotation;
  const listed = same || annotation.trim() === '' ? [] : annotation.split(',');
  return [...notBalanced(at), ...listed.flatMap((range) => checkLegacyCidr(at, range.trim()))];
}

export function validateLoadBalancer(spec: Spec): FieldError[] {
  const errors: FieldError[] = [];
  const balanced = spec.type === 'LoadBalancer';
  if (balanced && spec.allocateLoadBalancerNodePorts === undefined) {
    errors.push(required('allocateLoadBalancerNodePorts'));
  } else if (!balanced && spec.allocateLoadBalancerNodePorts !== undefined) {
    errors.push(forbidden('spec.allocateLoadBalancerNodePorts', ONLY_LOAD_BALANCER));
  }
  return [...errors, ...validateLoadBalancerClass(spec)];
}

export function validateLoadBalancerClass({ type, loadBalancerClass: name }: Spec): FieldError[] {
  if (name === undefined) return [];
  if (type !== 'LoadBalancer') return [forbidden('spec.loadBalancerClass', ONLY_LOAD_BALANCER)];
  return checkQualifiedName(name).map((text) => invalid('spec.loadBalancerClass', name, text));
}
