import { deepEqual } from '../equal.ts';
import { type FieldError, forbidden, invalid } from '../field-error.ts';
import type * as t from '../generated/types.ts';

const MUTABLE_ONLY =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

function withImages(
  containers: readonly t.Container[] | undefined,
  from: readonly t.Container[] | undefined,
): t.Container[] {
  return (containers ?? []).map((container, i) => ({ ...container, image: from?.[i]?.image }));
}

/** `spec` with everything that may change set back to what it was. */
function withoutAllowed(spec: t.PodSpec, old: t.PodSpec): t.PodSpec {
  return {
    ...spec,
    containers: withImages(spec.containers, old.containers),
    ...(spec.initContainers === undefined
      ? {}
      : { initContainers: withImages(spec.initContainers, old.initContainers) }),
    activeDeadlineSeconds: old.activeDeadlineSeconds,
    tolerations: old.tolerations,
    terminationGracePeriodSeconds:
      (old.terminationGracePeriodSeconds ?? 0) < 0 && spec.terminationGracePeriodSeconds === 1
        ? old.terminationGracePeriodSeconds
        : spec.terminationGracePeriodSeconds,
    ...(old.schedulingGates === undefined ? {} : gateChange(spec, old)),
  };
}

/** While a gate holds a Pod back, gates may go and the choice of nodes may become narrower. */
function gateChange(spec: t.PodSpec, old: t.PodSpec): Partial<t.PodSpec> {
  const known = new Set(old.schedulingGates?.map((gate) => gate.name));
  const onlyGone = (spec.schedulingGates ?? []).every((gate) => known.has(gate.name));
  return { nodeSelector: old.nodeSelector, ...(onlyGone ? { schedulingGates: old.schedulingGates } : {}) };
}

/** The members that differ, as one line each: what was, and what is wanted. */
function difference(spec: t.PodSpec, old: t.PodSpec): string {
  const next = spec as unknown as Readonly<Record<string, unknown>>;
  const before = old as unknown as Readonly<Record<string, unknown>>;
  const keys = [...new Set([...Object.keys(before), ...Object.keys(next)])].sort();
  const lines = keys
    .filter((key) => !deepEqual(before[key], next[key]))
    .map((key) => `- ${key}: ${JSON.stringify(before[key])}\n+ ${key}: ${JSON.stringify(next[key])}`);
  return lines.join('\n');
}

function validateDeadline(spec: t.PodSpec, old: t.PodSpec): FieldError[] {
  const [next, before] = [spec.activeDeadlineSeconds, old.activeDeadlineSeconds];
  const field = 'spec.activeDeadlineSeconds';
  if (before === undefined || next === before) return [];
  if (next === undefined) return [invalid(field, next, 'must not update from a positive integer to nil value')];
  return next <= before ? [] : [invalid(field, next, 'must be less than or equal to previous value')];
}

function validateTolerations(spec: t.PodSpec, old: t.PodSpec): FieldError[] {
  const lasting = (toleration: t.Toleration): t.Toleration => ({ ...toleration, tolerationSeconds: undefined });
  const kept = (old.tolerations ?? []).every((before) =>
    (spec.tolerations ?? []).some((next) => deepEqual(lasting(next), lasting(before))),
  );
  if (kept) return [];
  return [forbidden('spec.tolerations', 'existing toleration can not be modified except its tolerationSeconds')];
}

/** What an update of a Pod must leave as it is, which is nearly everything. */
export function validatePodChange(pod: t.Pod, old: t.Pod): FieldError[] {
  const spec = pod.spec;
  const errors: FieldError[] = [];
  if (spec.containers.length !== old.spec.containers.length) {
    return [forbidden('spec.containers', 'pod updates may not add or remove containers')];
  }
  if ((spec.initContainers ?? []).length !== (old.spec.initContainers ?? []).length) {
    return [forbidden('spec.initContainers', 'pod updates may not add or remove containers')];
  }
  errors.push(...validateDeadline(spec, old.spec), ...validateTolerations(spec, old.spec));
  const compared = withoutAllowed(spec, old.spec);
  if (!deepEqual(compared, old.spec)) {
    errors.push(forbidden('spec', `${MUTABLE_ONLY}\n${difference(compared, old.spec)}\n`));
  }
  return errors;
}
