import { CodedError } from '#base/errors.ts';
import { checkLabelValue, checkQualifiedName } from './names.ts';

export type LabelOperator = '=' | '!=' | 'in' | 'notin' | 'exists' | '!' | 'gt' | 'lt';

export interface LabelRequirement {
  readonly key: string;
  readonly operator: LabelOperator;
  readonly values: readonly string[];
}

/** What labels have to be like. All requirements must hold; `nothing` matches no object at all. */
export type Selector =
  | { readonly kind: 'requirements'; readonly requirements: readonly LabelRequirement[] }
  | { readonly kind: 'nothing' };

export type Labels = Readonly<Record<string, string>>;

/** The LabelSelector of the API: `selector` of a Deployment, `podSelector` of a policy. */
export interface LabelSelectorObject {
  readonly matchLabels?: Labels | undefined;
  readonly matchExpressions?:
    | readonly {
        readonly key: string;
        readonly operator: string;
        readonly values?: readonly string[] | undefined;
      }[]
    | undefined;
}

const matchEverything: Selector = Object.freeze({ kind: 'requirements', requirements: [] });
const matchNothing: Selector = Object.freeze({ kind: 'nothing' });

function selectorOf(requirements: readonly LabelRequirement[]): Selector {
  if (requirements.length === 0) return matchEverything;
  const sorted = requirements.toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  return { kind: 'requirements', requirements: sorted };
}

/** A map as Services and ReplicationControllers have it. Empty matches everything, which is not what a Service means by it. */
export function selectorFromLabels(labels: Labels | undefined): Selector {
  return selectorOf(Object.entries(labels ?? {}).map(([key, value]) => ({ key, operator: '=', values: [value] })));
}

const OBJECT_OPERATORS: ReadonlyMap<string, LabelOperator> = new Map([
  ['In', 'in'],
  ['NotIn', 'notin'],
  ['Exists', 'exists'],
  ['DoesNotExist', '!'],
]);

/** A LabelSelector object. Absent matches nothing, empty everything. */
export function selectorFromObject(selector: LabelSelectorObject | undefined): Selector {
  if (selector === undefined) return matchNothing;
  const requirements: LabelRequirement[] = [];
  for (const key in selector.matchLabels) {
    requirements.push({ key, operator: '=', values: [selector.matchLabels[key] ?? ''] });
  }
  for (const { key, operator, values } of selector.matchExpressions ?? []) {
    const known = OBJECT_OPERATORS.get(operator);
    if (known === undefined) throw selectorError(`"${operator}" is not a valid label selector operator`);
    requirements.push({ key, operator: known, values: values ?? [] });
  }
  return selectorOf(requirements);
}

function holds(requirement: LabelRequirement, value: string | undefined): boolean {
  const { operator, values } = requirement;
  switch (operator) {
    case '=':
    case 'in':
      return value !== undefined && values.includes(value);
    case '!=':
    case 'notin':
      return value === undefined || !values.includes(value);
    case 'exists':
      return value !== undefined;
    case '!':
      return value === undefined;
    case 'gt':
    case 'lt':
      return compares(operator, value, values[0] ?? '');
  }
}

function compares(operator: 'gt' | 'lt', value: string | undefined, bound: string): boolean {
  if (value === undefined || !/^[+-]?\d+$/.test(value)) return false;
  const left = BigInt(value);
  const right = BigInt(bound);
  return operator === 'gt' ? left > right : left < right;
}

export function matchesLabels(selector: Selector, labels: Labels | undefined): boolean {
  if (selector.kind === 'nothing') return false;
  for (const requirement of selector.requirements) {
    // Only own members: a label may be called `constructor`.
    const value = labels !== undefined && Object.hasOwn(labels, requirement.key) ? labels[requirement.key] : undefined;
    if (!holds(requirement, value)) return false;
  }
  return true;
}

function requirementText({ key, operator, values }: LabelRequirement): string {
  switch (operator) {
    case '=':
    case '!=':
      return `${key}${operator}${values[0] ?? ''}`;
    case 'in':
    case 'notin':
      return `${key} ${operator} (${values.toSorted().join(',')})`;
    case 'exists':
      return key;
    case '!':
      return `!${key}`;
    case 'gt':
      return `${key}>${values[0] ?? ''}`;
    case 'lt':
      return `${key}<${values[0] ?? ''}`;
  }
}

/** The text form that a query's `labelSelector` takes; empty for everything and for nothing. */
export function formatSelector(selector: Selector): string {
  return selector.kind === 'nothing' ? '' : selector.requirements.map(requirementText).join(',');
}

/** `formatSelector` for tables. */
export function selectorCell(selector: LabelSelectorObject | undefined): string {
  try {
    return formatSelector(selectorFromObject(selector)) || '<none>';
  } catch {
    return '<error>';
  }
}

export function selectorError(message: string): CodedError {
  return new CodedError('InvalidSelector', message);
}

/** Reasons why a requirement cannot be, joined as clients see them; undefined when it can. */
export function requirementProblem({ key, operator, values }: LabelRequirement): string | undefined {
  const problems = checkQualifiedName(key);
  if (problems.length > 0) return `key: Invalid value: ${JSON.stringify(key)}: ${problems.join('; ')}`;
  const count = countProblem(operator, values);
  if (count !== undefined) return count;
  for (const [i, value] of values.entries()) {
    const problems = checkLabelValue(value);
    if (problems.length === 0) continue;
    return `values[${i}][${key}]: Invalid value: ${JSON.stringify(value)}: ${problems.join('; ')}`;
  }
  return undefined;
}

function countProblem(operator: LabelOperator, values: readonly string[]): string | undefined {
  const shown = `values: Invalid value: ${JSON.stringify(values)}`;
  if (operator === 'in' || operator === 'notin') {
    return values.length > 0 ? undefined : `${shown}: for 'in', 'notin' operators, values set can't be empty`;
  }
  if (operator === 'gt' || operator === 'lt') {
    const [value] = values;
    if (value !== undefined && /^[+-]?\d+$/.test(value)) return undefined;
    return `values[0]: Invalid value: ${JSON.stringify(value ?? '')}: for 'Gt', 'Lt' operators, the value must be an integer`;
  }
  return undefined;
}

/** Puts parsed requirements in order; the parser's own way in. */
export function selectorFromRequirements(requirements: readonly LabelRequirement[]): Selector {
  return selectorOf(requirements);
}
