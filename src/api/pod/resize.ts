import { deepEqual } from '../equal.ts';
import { type FieldError, forbidden, invalid } from '../field-error.ts';
import type * as t from '../generated/types.ts';
import { qosClassOf } from './qos.ts';
import { validatePodSpec } from './validation.ts';

type Containers = readonly t.Container[];
type Amounts = Readonly<Record<string, string>> | undefined;

/** What a write of the subresource `resize` may carry: resources and what follows from their change, nothing else. */
export function withResources(old: t.Pod, input: t.Pod): t.Pod {
  const { containers, initContainers } = old.spec;
  const next = input.spec;
  return {
    ...old,
    metadata: { ...old.metadata, managedFields: input.metadata.managedFields },
    spec: {
      ...old.spec,
      containers: resized(containers, next.containers),
      ...(initContainers === undefined ? {} : { initContainers: resized(initContainers, next.initContainers ?? []) }),
    },
  };
}

/** Others than those that there are make it through here, for validation to say so. */
function resized(old: Containers, input: Containers): Containers {
  if (old.length !== input.length) return input;
  return old.map((container, i) => {
    const { name = '', resources, resizePolicy } = input[i] ?? {};
    return { ...container, name, resources, ...(resizePolicy === undefined ? {} : { resizePolicy }) };
  });
}

/** Models ValidatePodResize of core/validation of v1.34. */
export function validatePodResize(pod: t.Pod, old: t.Pod): FieldError[] {
  const whole = [old, pod].some(
    ({ spec: { resources: { requests, limits } = {} } }) => hasAny(requests) || hasAny(limits),
  );
  if (whole) return [forbidden('', 'pods with pod-level resources cannot be resized')];
  if (old.spec.os?.name === 'windows') return [forbidden('', 'windows pods cannot be resized')];
  const errors = validatePodSpec(pod.spec, 'spec');
  if (qosClassOf(pod.spec) !== qosClassOf(old.spec)) {
    const qos = pod.status?.qosClass;
    errors.push(invalid('spec', qos, 'Pod QOS Class may not change as a result of resizing'));
  }
  if (!isSupported(old)) errors.push(forbidden('spec', 'Pod running on node without support for resize'));
  const misplaced = [
    ...validateOrder('containers', pod.spec.containers, old.spec.containers),
    ...validateOrder('initContainers', pod.spec.initContainers ?? [], old.spec.initContainers ?? []),
  ];
  if (misplaced.length > 0) return [...errors, ...misplaced];
  (pod.spec.initContainers ?? []).forEach((container, i) => {
    const before = old.spec.initContainers?.[i];
    if (before === undefined) return;
    if (before.restartPolicy !== 'Always') {
      if (!deepEqual(container, before))
        errors.push(forbidden('spec', 'resources for non-sidecar init containers are immutable'));
      return;
    }
    errors.push(...validateContainer(`spec.initContainers[${i}]`, container, before, ' for sidecar containers'));
  });
  pod.spec.containers.forEach((container, i) => {
    const before = old.spec.containers[i];
    if (before !== undefined) errors.push(...validateContainer(`spec.containers[${i}]`, container, before, ''));
  });
  return errors;
}

/** A node that resizes says what its containers have. */
function isSupported({ status }: t.Pod): boolean {
  const running = status?.containerStatuses?.find(({ state }) => state?.running !== undefined);
  return running === undefined || running.resources !== undefined;
}

function validateOrder(list: 'containers' | 'initContainers', containers: Containers, old: Containers): FieldError[] {
  if (containers.length !== old.length)
    return [forbidden(`spec.${list}`, `${list} may not be added or removed on resize`)];
  return old.flatMap(({ name }, i) =>
    containers[i]?.name === name
      ? []
      : [forbidden(`spec.${list}[${i}].name`, `${list} may not be renamed or reordered on resize`)],
  );
}

function validateContainer(at: string, container: t.Container, old: t.Container, whose: string): FieldError[] {
  const [next, before] = [container.resources ?? {}, old.resources ?? {}];
  const errors: FieldError[] = [];
  if (hasLost(next.requests, before.requests))
    errors.push(forbidden(`${at}.resources.requests`, 'resource requests cannot be removed'));
  if (hasLost(next.limits, before.limits))
    errors.push(forbidden(`${at}.resources.limits`, 'resource limits cannot be removed'));
  const fixed = ({ resources = {} }: t.Container): object => ({
    ...resources,
    requests: withoutResizable(resources.requests),
    limits: withoutResizable(resources.limits),
  });
  if (!deepEqual(fixed(container), fixed(old)))
    errors.push(forbidden('spec', `only cpu and memory resources${whose} are mutable`));
  return errors;
}

function withoutResizable(amounts: Amounts): Amounts {
  return Object.fromEntries(Object.entries(amounts ?? {}).filter(([name]) => name !== 'cpu' && name !== 'memory'));
}

function hasLost(next: Amounts, old: Amounts): boolean {
  return Object.keys(old ?? {}).some((name) => next?.[name] === undefined);
}

function hasAny(amounts: Amounts): boolean {
  return Object.keys(amounts ?? {}).length > 0;
}
