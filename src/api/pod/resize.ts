import { deepEqual } from '../equal.ts';
import { type FieldError, forbidden, invalid } from '../field-error.ts';
import type * as t from '../generated/types.ts';
import { qosClassOf } from './qos.ts';
import { validatePodSpec } from './validation.ts';

type Containers = readonly t.Container[];
type Amounts = Readonly<Record<string, string>> | undefined;

/** How upstream calls the Pod itself where it names a field. */
const WHOLE = '[]';
/** On Pods that a node has from a file of its own. */
const MIRROR = 'kubernetes.io/config.mirror';

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
  if (whole) return [forbidden(WHOLE, 'pods with pod-level resources cannot be resized')];
  if (old.metadata.annotations?.[MIRROR] !== undefined) return [forbidden(WHOLE, 'static pods cannot be resized')];
  if (old.spec.os?.name === 'windows') return [forbidden(WHOLE, 'windows pods cannot be resized')];
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
  return [...errors, ...(misplaced.length > 0 ? misplaced : validateChanges(pod.spec, old.spec))];
}

interface Change {
  readonly at: string;
  readonly container: t.Container;
  readonly before: t.Container;
}

function validateChanges(spec: t.PodSpec, old: t.PodSpec): FieldError[] {
  const changesOf = (list: 'containers' | 'initContainers'): Change[] =>
    (old[list] ?? []).map((before, i) => ({ at: `spec.${list}[${i}]`, container: spec[list]?.[i] ?? before, before }));
  const [containers, initContainers] = [changesOf('containers'), changesOf('initContainers')];
  const isSidecar = ({ before }: Change): boolean => before.restartPolicy === 'Always';
  const unless = (isFine: boolean, why: string): FieldError[] => (isFine ? [] : [forbidden('spec', why)]);
  return [
    ...[...initContainers.filter(isSidecar), ...containers].flatMap(validateKept),
    ...containers.flatMap((change) => unless(isResized(change), 'only cpu and memory resources are mutable')),
    ...initContainers.flatMap((change) =>
      isSidecar(change)
        ? unless(isResized(change), 'only cpu and memory resources for sidecar containers are mutable')
        : unless(deepEqual(change.container, change.before), 'resources for non-sidecar init containers are immutable'),
    ),
  ];
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

function validateKept({ at, container, before }: Change): FieldError[] {
  return (['requests', 'limits'] as const).flatMap((kind) =>
    hasLost(container.resources?.[kind], before.resources?.[kind])
      ? [forbidden(`${at}.resources.${kind}`, `resource ${kind} cannot be removed`)]
      : [],
  );
}

/** Whether it is the same container but for how much it may have of what can be changed. */
function isResized({ container, before }: Change): boolean {
  const fixed = (one: t.Container): object => ({
    ...one,
    resources: {
      ...one.resources,
      requests: withoutResizable(one.resources?.requests),
      limits: withoutResizable(one.resources?.limits),
    },
  });
  return deepEqual(fixed(container), fixed(before));
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
