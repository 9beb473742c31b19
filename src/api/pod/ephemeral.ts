import { deepEqual } from '../equal.ts';
import { duplicate, type FieldError, forbidden, notFound } from '../field-error.ts';
import type * as t from '../generated/types.ts';
import { validateContainer } from './container-validation.ts';

/** They come and go without the Pod being placed anew, and nobody depends on them. */
const NOT_ALLOWED = [
  'ports',
  'livenessProbe',
  'readinessProbe',
  'startupProbe',
  'lifecycle',
  'resources',
  'resizePolicy',
] as const;

function isSet(value: unknown): boolean {
  if (value === undefined) return false;
  return typeof value !== 'object' || value === null || Object.keys(value).length > 0;
}

function validateNew(container: t.EphemeralContainer, { spec }: t.Pod, at: string): FieldError[] {
  const volumes = new Set((spec.volumes ?? []).map(({ name }) => name));
  const { targetContainerName = '' } = container;
  const others = [...spec.containers, ...(spec.initContainers ?? [])];
  const has = (name: string): boolean => others.some((other) => other.name === name);
  return [
    ...validateContainer(container, volumes, at),
    ...NOT_ALLOWED.filter((key) => isSet(container[key])).map((key) =>
      forbidden(`${at}.${key}`, 'cannot be set for an Ephemeral Container'),
    ),
    ...(has(container.name) ? [duplicate(`${at}.name`, container.name)] : []),
    ...(targetContainerName !== '' && !has(targetContainerName)
      ? [notFound(`${at}.targetContainerName`, targetContainerName)]
      : []),
  ];
}

/** Ephemeral containers may be added; those that are there stay as they are. */
export function validateEphemeralContainers(pod: t.Pod, old: t.Pod): FieldError[] {
  const next = pod.spec.ephemeralContainers ?? [];
  const before = new Map((old.spec.ephemeralContainers ?? []).map((container) => [container.name, container]));
  const field = 'spec.ephemeralContainers';
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  next.forEach((container, i) => {
    const known = before.get(container.name);
    before.delete(container.name);
    if (seen.has(container.name)) errors.push(duplicate(`${field}[${i}].name`, container.name));
    else if (known === undefined) errors.push(...validateNew(container, pod, `${field}[${i}]`));
    else if (!deepEqual(known, container)) {
      const text = `existing ephemeral containers ${JSON.stringify(container.name)} may not be changed`;
      errors.push(forbidden(`${field}[${i}]`, `${text}\n`));
    }
    seen.add(container.name);
  });
  for (const name of before.keys()) {
    errors.push(forbidden(field, `existing ephemeral containers ${JSON.stringify(name)} may not be removed\n`));
  }
  return errors;
}
