import { type FieldError, invalid, required, unsupported } from '../field-error.ts';
import type * as t from '../generated/types.ts';

const BEST_EFFORT = 'BestEffort';
const SCOPES = [
  BEST_EFFORT,
  'CrossNamespacePodAffinity',
  'NotBestEffort',
  'NotTerminating',
  'PriorityClass',
  'Terminating',
];
const COMPUTE = ['cpu', 'memory', 'limits.cpu', 'limits.memory', 'requests.cpu', 'requests.memory'];

/** Whether a resource is one of Pods, which scopes choose from. */
function fitsScope(scope: string, resource: string): boolean {
  if (resource === 'pods' || resource === 'count/pods') return true;
  return scope !== BEST_EFFORT && COMPUTE.includes(resource);
}

/** Resources by other names are somebody else's, whom no scope is asked about. */
function isStandard(resource: string): boolean {
  return !resource.includes('/');
}

function validatePlain(scopes: readonly string[], hard: readonly string[], at: string): FieldError[] {
  const errors: FieldError[] = [];
  const refuse = (why: string): number => errors.push(invalid(`${at}.scopes`, scopes, why));
  for (const scope of scopes) {
    if (!SCOPES.includes(scope)) refuse('unsupported scope');
    else {
      for (const name of hard.toSorted()) {
        if (isStandard(name) && !fitsScope(scope, name)) refuse('unsupported scope applied to resource');
      }
    }
  }
  for (const scope of [BEST_EFFORT, 'Terminating']) {
    if (scopes.includes(scope) && scopes.includes(`Not${scope}`)) refuse('conflicting scopes');
  }
  return errors;
}

function validateTerm(
  { scopeName = '', operator = '', values = [] }: Partial<t.ScopedResourceSelectorRequirement>,
  at: string,
): FieldError[] {
  const errors: FieldError[] = [];
  if (!SCOPES.includes(scopeName)) errors.push(invalid(`${at}.scopeName`, scopeName, 'unsupported scope'));
  const operators = ['In', 'NotIn', 'Exists', 'DoesNotExist'];
  if (!operators.includes(operator)) errors.push(unsupported(`${at}.operator`, operator, operators.toSorted()));
  if (operator.endsWith('In') && values.length === 0) {
    errors.push(
      required(`${at}.values`, "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"),
    );
  }
  return errors;
}

/** What is wrong with the Pods that a quota picks. */
export function validateScopes(
  { scopes = [], scopeSelector, hard = {} }: t.ResourceQuotaSpec,
  at: string,
): FieldError[] {
  const terms = scopeSelector?.matchExpressions ?? [];
  return [
    ...validatePlain(scopes, Object.keys(hard), at),
    ...terms.flatMap((term, i) => validateTerm(term, `${at}.scopeSelector.matchExpressions[${i}]`)),
  ];
}

type Requirement = Partial<t.ScopedResourceSelectorRequirement>;

function priorityFits({ operator, values = [] }: Requirement, name: string): boolean {
  switch (operator) {
    case 'Exists':
      return name !== '';
    case 'DoesNotExist':
      return name === '';
    case 'NotIn':
      return !values.includes(name);
    default:
      return values.includes(name);
  }
}

function scopeFits(
  requirement: Requirement,
  { spec, status }: Pick<t.Pod, 'spec' | 'status'>,
  isBestEffort: boolean,
): boolean {
  const ends = spec.activeDeadlineSeconds !== undefined && spec.activeDeadlineSeconds >= 0;
  switch (requirement.scopeName) {
    case BEST_EFFORT:
      return isBestEffort;
    case 'NotBestEffort':
      return !isBestEffort;
    case 'Terminating':
      return ends;
    case 'NotTerminating':
      return !ends;
    case 'PriorityClass':
      return priorityFits(requirement, spec.priorityClassName ?? '');
    case 'CrossNamespacePodAffinity':
      return looksElsewhere(spec);
    default:
      return status === undefined;
  }
}

function looksElsewhere({ affinity }: t.PodSpec): boolean {
  return [affinity?.podAffinity, affinity?.podAntiAffinity].some((terms) => {
    const must = terms?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
    const rather = terms?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
    const all = [...must, ...rather.map(({ podAffinityTerm }) => podAffinityTerm)];
    return all.some((term) => (term?.namespaces ?? []).length > 0 || term?.namespaceSelector !== undefined);
  });
}

/** Whether a quota is about a Pod. */
export function scopesFit(
  spec: t.ResourceQuotaSpec,
  pod: Pick<t.Pod, 'spec' | 'status'>,
  isBestEffort: boolean,
): boolean {
  const plain = (spec.scopes ?? []).map((scopeName): Requirement => ({ scopeName, operator: 'Exists' }));
  const terms = [...plain, ...(spec.scopeSelector?.matchExpressions ?? [])];
  return terms.every((term) => scopeFits(term, pod, isBestEffort));
}
