import { duplicate, type FieldError, invalid, OMITTED, required, tooMany, unsupported } from '../field-error.ts';
import type * as t from '../generated/types.ts';
import { validateNonnegative } from '../validation.ts';

const ACTIONS = ['Count', 'FailIndex', 'FailJob', 'Ignore'];
const MAX_RULES = 20;
const MAX_EXIT_CODES = 255;

/** A pattern without a status means that the condition is there. */
export function failurePolicyDefaults(policy: t.PodFailurePolicy | undefined): Partial<t.JobSpec> {
  if (policy === undefined) return {};
  const { rules: given = [] } = policy;
  const rules = given.map((rule) => ({
    ...rule,
    ...(rule.onPodConditions === undefined
      ? {}
      : { onPodConditions: rule.onPodConditions.map((pattern) => ({ ...pattern, status: pattern.status ?? 'True' })) }),
  }));
  return { podFailurePolicy: { ...policy, rules } };
}

/** Limits by index, the policies about failures and successes, and what replaces what. Models validateJobSpec of v1.34. */
export function validatePolicies(spec: t.JobSpec): FieldError[] {
  return [...validateIndexLimits(spec), ...validateFailurePolicy(spec), ...validateSuccessPolicy(spec)];
}

function validateIndexLimits(spec: t.JobSpec): FieldError[] {
  const { backoffLimitPerIndex, maxFailedIndexes, completionMode, completions } = spec;
  const errors = [
    ...validateNonnegative('spec.backoffLimitPerIndex', backoffLimitPerIndex),
    ...validateNonnegative('spec.maxFailedIndexes', maxFailedIndexes),
  ];
  if (maxFailedIndexes !== undefined && backoffLimitPerIndex === undefined) {
    errors.push(required('spec.backoffLimitPerIndex', 'when maxFailedIndexes is specified'));
  }
  if (completionMode === 'Indexed') {
    if (completions === undefined) errors.push(required('spec.completions', 'when completion mode is Indexed'));
    if (maxFailedIndexes !== undefined && maxFailedIndexes > (completions ?? Infinity)) {
      errors.push(invalid('spec.maxFailedIndexes', maxFailedIndexes, 'must be less than or equal to completions'));
    }
    return errors;
  }
  for (const key of ['backoffLimitPerIndex', 'maxFailedIndexes'] as const) {
    if (spec[key] !== undefined) errors.push(invalid(`spec.${key}`, spec[key], 'requires indexed completion mode'));
  }
  return errors;
}

function validateFailurePolicy(spec: t.JobSpec): FieldError[] {
  const { podFailurePolicy, podReplacementPolicy } = spec;
  const replacement = podFailurePolicy === undefined ? ['Failed', 'TerminatingOrFailed'] : ['Failed'];
  const errors =
    podReplacementPolicy === undefined || replacement.includes(podReplacementPolicy)
      ? []
      : [unsupported('spec.podReplacementPolicy', podReplacementPolicy, replacement)];
  if (podFailurePolicy === undefined) return errors;
  const at = 'spec.podFailurePolicy.rules';
  const { rules = [] } = podFailurePolicy;
  if (rules.length > MAX_RULES) errors.push(tooMany(at, rules.length, MAX_RULES));
  return [...errors, ...rules.flatMap((rule, i) => validateRule(spec, rule, `${at}[${i}]`))];
}

function validateRule(
  spec: t.JobSpec,
  { action, onExitCodes, onPodConditions = [] }: t.PodFailurePolicyRule,
  at: string,
): FieldError[] {
  const errors: FieldError[] = [];
  const field = `${at}.action`;
  if (action === undefined || action === '')
    errors.push(required(field, `valid values: [${ACTIONS.map((name) => JSON.stringify(name)).join(' ')}]`));
  else if (!ACTIONS.includes(action)) errors.push(unsupported(field, action, ACTIONS));
  else if (action === 'FailIndex' && spec.backoffLimitPerIndex === undefined) {
    errors.push(invalid(field, action, 'requires the backoffLimitPerIndex to be set'));
  }
  if (onExitCodes !== undefined) errors.push(...validateExitCodes(spec, onExitCodes, `${at}.onExitCodes`));
  const both = onExitCodes !== undefined && onPodConditions.length > 0;
  if (both) errors.push(invalid(at, OMITTED, 'specifying both OnExitCodes and OnPodConditions is not supported'));
  if (onExitCodes === undefined && onPodConditions.length === 0) {
    errors.push(invalid(at, OMITTED, 'specifying one of OnExitCodes and OnPodConditions is required'));
  }
  return errors;
}

function validateExitCodes(
  { template }: t.JobSpec,
  { containerName, operator, values = [] }: t.PodFailurePolicyOnExitCodesRequirement,
  at: string,
): FieldError[] {
  const errors: FieldError[] = [];
  if (operator !== 'In' && operator !== 'NotIn') errors.push(unsupported(`${at}.operator`, operator, ['In', 'NotIn']));
  const { containers = [], initContainers = [] } = template.spec ?? {};
  if (containerName !== undefined && ![...containers, ...initContainers].some(({ name }) => name === containerName)) {
    const why = 'must be one of the container or initContainer names in the pod template';
    errors.push(invalid(`${at}.containerName`, containerName, why));
  }
  const field = `${at}.values`;
  if (values.length === 0) errors.push(invalid(field, values, 'at least one value is required'));
  if (values.length > MAX_EXIT_CODES) errors.push(tooMany(field, values.length, MAX_EXIT_CODES));
  values.forEach((value, i) => {
    if (operator === 'In' && value === 0)
      errors.push(invalid(`${field}[${i}]`, value, 'must not be 0 for the In operator'));
    if (values.indexOf(value) < i) errors.push(duplicate(`${field}[${i}]`, value));
  });
  const isOrdered = values.every((value, i) => i === 0 || (values[i - 1] ?? 0) <= value);
  if (!isOrdered) errors.push(invalid(field, values, 'must be ordered'));
  return errors;
}

function validateSuccessPolicy({ successPolicy, completionMode, completions = 0 }: t.JobSpec): FieldError[] {
  if (successPolicy === undefined) return [];
  if (completionMode !== 'Indexed')
    return [invalid('spec.successPolicy', shown(successPolicy), 'requires indexed completion mode')];
  const at = 'spec.successPolicy.rules';
  const { rules = [] } = successPolicy;
  if (rules.length === 0) {
    return [required(at, 'at least one rules must be specified when the successPolicy is specified')];
  }
  const errors = rules.length > MAX_RULES ? [tooMany(at, rules.length, MAX_RULES)] : [];
  rules.forEach(({ succeededCount, succeededIndexes }, i) => {
    if (succeededCount === undefined && succeededIndexes === undefined) {
      errors.push(required(`${at}[${i}]`, 'at least one of succeededCount or succeededIndexes must be specified'));
    }
    const total = checkIndexes(succeededIndexes, completions);
    if (typeof total === 'string') {
      const why = `error parsing succeededIndexes: ${total}`;
      errors.push(invalid(`${at}[${i}].succeededIndexes`, succeededIndexes, why));
    }
    const field = `${at}[${i}].succeededCount`;
    errors.push(...validateNonnegative(field, succeededCount));
    if (succeededCount !== undefined && succeededCount > completions) {
      const why = `must be less than or equal to ${completions} (the number of specified completions)`;
      errors.push(invalid(field, succeededCount, why));
    }
    if (succeededIndexes !== undefined && typeof total === 'number' && (succeededCount ?? 0) > total) {
      const why = `must be less than or equal to ${total} (the number of indexes in the specified succeededIndexes field)`;
      errors.push(invalid(field, succeededCount, why));
    }
  });
  return errors;
}

/** Upstream shows its own names of these members. */
function shown({ rules = [] }: t.SuccessPolicy): object {
  return {
    Rules: rules.map(({ succeededIndexes = null, succeededCount = null }) => ({
      SucceededIndexes: succeededIndexes,
      SucceededCount: succeededCount,
    })),
  };
}

/** How many indexes a text like `0,2-4` names, or what is wrong with it. Models validateIndexesFormat of v1.34. */
function checkIndexes(text: string = '', completions: number): number | string {
  let total = 0;
  let last = -1;
  for (const part of text === '' ? [] : text.split(',')) {
    const limits = part.split('-');
    if (limits.length > 2) {
      const rule = "an index interval can have at most two parts separated by '-'";
      return `the fragment ${JSON.stringify(part)} violates the requirement that ${rule}`;
    }
    for (const limit of limits) {
      if (!/^[+-]?\d+$/.test(limit)) return `cannot convert string to integer for index: ${JSON.stringify(limit)}`;
      if (Number(limit) >= completions) return `too large index: ${JSON.stringify(limit)}`;
    }
    const [first = 0, end = first] = limits.map(Number);
    if (limits.length > 1 && first >= end) return `non-increasing order, previous: ${first}, current: ${end}`;
    if (last >= first) return `non-increasing order, previous: ${last}, current: ${first}`;
    total += end - first + 1;
    last = end;
  }
  return total;
}
