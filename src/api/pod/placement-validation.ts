import { duplicate, type FieldError, forbidden, invalid, required, unsupported } from '../field-error.ts';
import type * as t from '../generated/types.ts';
import { checkDns1123Subdomain, checkQualifiedName } from '../names.ts';
import { checkIp, invalidAll } from '../validation.ts';

const MAX_ID = 2 ** 31 - 1;

function validateTopologyKey(key: string, at: string): FieldError[] {
  const empty = key === '' ? [required(at, 'can not be empty')] : [];
  return [...empty, ...invalidAll(at, key, checkQualifiedName(key))];
}

type PodTerms = t.PodAffinity | t.PodAntiAffinity | undefined;

/** Where Pods must be near to or far from others, a term says what near is. */
function validateTerms(terms: PodTerms, at: string): FieldError[] {
  const must = terms?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
  const rather = terms?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  return [
    ...must.flatMap(({ topologyKey }, i) =>
      validateTopologyKey(topologyKey ?? '', `${at}.requiredDuringSchedulingIgnoredDuringExecution[${i}].topologyKey`),
    ),
    ...rather.flatMap(({ weight, podAffinityTerm }, i) => {
      const field = `${at}.preferredDuringSchedulingIgnoredDuringExecution[${i}]`;
      const inRange = (weight ?? 0) >= 1 && (weight ?? 0) <= 100;
      return [
        ...(inRange ? [] : [invalid(`${field}.weight`, weight ?? 0, 'must be in the range 1-100')]),
        ...validateTopologyKey(podAffinityTerm?.topologyKey ?? '', `${field}.podAffinityTerm.topologyKey`),
      ];
    }),
  ];
}

function validateSpread(
  { maxSkew = 0, topologyKey = '', whenUnsatisfiable = '' }: Partial<t.TopologySpreadConstraint>,
  at: string,
): FieldError[] {
  const errors: FieldError[] = [];
  if (maxSkew <= 0) errors.push(invalid(`${at}.maxSkew`, maxSkew, 'must be greater than zero'));
  if (topologyKey === '') errors.push(required(`${at}.topologyKey`, 'can not be empty'));
  const choices = ['DoNotSchedule', 'ScheduleAnyway'];
  if (!choices.includes(whenUnsatisfiable)) {
    errors.push(unsupported(`${at}.whenUnsatisfiable`, whenUnsatisfiable, choices));
  }
  return errors;
}

function validateAlias({ ip = '', hostnames = [] }: Partial<t.HostAlias>, at: string): FieldError[] {
  return [
    ...checkIp(`${at}.ip`, ip),
    ...hostnames.flatMap((name, i) => invalidAll(`${at}.hostnames[${i}]`, name, checkDns1123Subdomain(name))),
  ];
}

function validateIds(context: t.PodSecurityContext | undefined, at: string): FieldError[] {
  const why = `must be between 0 and ${MAX_ID}, inclusive`;
  return (['fsGroup', 'runAsUser', 'runAsGroup'] as const).flatMap((key) => {
    const id = context?.[key];
    return id === undefined || (id >= 0 && id <= MAX_ID) ? [] : [invalid(`${at}.${key}`, id, why)];
  });
}

/** What a Pod says about where it may be and what it is there. */
export function validatePlacement(spec: t.PodSpec, at: string): FieldError[] {
  const { affinity, topologySpreadConstraints = [], readinessGates = [], hostAliases = [], os } = spec;
  return [
    ...readinessGates.flatMap(({ conditionType = '' }, i) =>
      invalidAll(`${at}.readinessGates[${i}].conditionType`, conditionType, checkQualifiedName(conditionType)),
    ),
    ...validateIds(spec.securityContext, `${at}.securityContext`),
    ...validateTerms(affinity?.podAffinity, `${at}.affinity.podAffinity`),
    ...validateTerms(affinity?.podAntiAffinity, `${at}.affinity.podAntiAffinity`),
    ...topologySpreadConstraints.flatMap((of, i) => validateSpread(of, `${at}.topologySpreadConstraints[${i}]`)),
    ...hostAliases.flatMap((alias, i) => validateAlias(alias, `${at}.hostAliases[${i}]`)),
    ...(os === undefined || os.name === 'linux' || os.name === 'windows'
      ? []
      : [unsupported(`${at}.os`, os.name ?? '', ['linux', 'windows'])]),
  ];
}

/** Ephemeral containers come to a Pod that runs. */
export function validateNoEphemeral(spec: t.PodSpec): FieldError[] {
  const { ephemeralContainers = [], containers = [], initContainers = [] } = spec;
  if (ephemeralContainers.length === 0) return [];
  const names = new Set([...containers, ...initContainers].map(({ name }) => name));
  const taken = ephemeralContainers.flatMap(({ name }, i) =>
    names.has(name) ? [duplicate(`spec.ephemeralContainers[${i}].name`, name)] : [],
  );
  return [...taken, forbidden('spec.ephemeralContainers', 'cannot be set on create')];
}
