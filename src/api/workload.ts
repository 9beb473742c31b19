/** What Deployments, ReplicaSets and the other owners of Pods have in common. */
import { type FieldError, forbidden, invalid, required, unsupported } from './field-error.ts';
import type * as t from './generated/types.ts';
import { type LabelSelectorObject, matchesLabels, selectorFromObject } from './label-selector.ts';
import { validateLabels } from './meta-validation.ts';
import { checkLabelValue, checkQualifiedName } from './names.ts';
import { validatePodTemplate } from './pod/validation.ts';
import { invalidAll } from './validation.ts';

const OPERATORS = ['DoesNotExist', 'Exists', 'In', 'NotIn'];

/** A LabelSelector object at `field`. */
export function validateSelector(selector: LabelSelectorObject, field: string): FieldError[] {
  const errors = validateLabels(selector.matchLabels, `${field}.matchLabels`);
  for (const [i, { key, operator, values = [] }] of (selector.matchExpressions ?? []).entries()) {
    const at = `${field}.matchExpressions[${i}]`;
    if (!OPERATORS.includes(operator)) {
      errors.push(invalid(`${at}.operator`, operator ?? '', 'not a valid selector operator'));
    } else if (operator.endsWith('In') && values.length === 0) {
      errors.push(required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
    } else if (operator.endsWith('Exist') || operator === 'Exists') {
      const text = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
      if (values.length > 0) errors.push(forbidden(`${at}.values`, text));
    }
    errors.push(...invalidAll(`${at}.key`, key ?? '', checkQualifiedName(key ?? '')));
    values.forEach((value, j) => errors.push(...invalidAll(`${at}.values[${j}]`, value, checkLabelValue(value))));
  }
  return errors;
}

function isEmpty(selector: LabelSelectorObject): boolean {
  return Object.keys(selector.matchLabels ?? {}).length === 0 && (selector.matchExpressions ?? []).length === 0;
}

/** The selector that a workload finds its Pods by: given, sound, and not that of every Pod. */
export function validateOwnSelector(selector: LabelSelectorObject | undefined, owner: string): FieldError[] {
  if (selector === undefined) return [required('spec.selector')];
  const errors = validateSelector(selector, 'spec.selector');
  if (!isEmpty(selector)) return errors;
  return [...errors, invalid('spec.selector', selector, `empty selector is invalid for ${owner}`)];
}

function selects(selector: LabelSelectorObject, labels: Readonly<Record<string, string>> | undefined): boolean {
  try {
    return isEmpty(selector) || matchesLabels(selectorFromObject(selector), labels);
  } catch {
    // An operator that does not exist is reported as such, elsewhere.
    return true;
  }
}

/** A template whose Pods would not be found again by the selector is of no use. */
export function validateSelectedTemplate(
  template: t.PodTemplateSpec | undefined,
  selector: LabelSelectorObject | undefined,
): FieldError[] {
  const labels = template?.metadata?.labels;
  const errors = validatePodTemplate(template, 'spec.template');
  // No selector at all selects nothing.
  if (selector !== undefined && selects(selector, labels)) return errors;
  const text = '`selector` does not match template `labels`';
  return [invalid('spec.template.metadata.labels', labels ?? null, text), ...errors];
}

/** Pods that are replaced when they end must not end by themselves. */
export function validateEndlessTemplate(template: t.PodTemplateSpec | undefined, owner: string): FieldError[] {
  const errors: FieldError[] = [];
  const policy = template?.spec?.restartPolicy;
  if (policy !== undefined && policy !== 'Always') {
    errors.push(unsupported('spec.template.spec.restartPolicy', policy, ['Always']));
  }
  if (template?.spec?.activeDeadlineSeconds !== undefined) {
    const text = `activeDeadlineSeconds in ${owner} is not Supported`;
    errors.push(forbidden('spec.template.spec.activeDeadlineSeconds', text));
  }
  return errors;
}

/** Pods that are to end once must not start again and again. */
export function validateEnding(template: t.PodTemplateSpec | undefined, at: string): FieldError[] {
  const policy = template?.spec?.restartPolicy ?? '';
  const field = `${at}.spec.restartPolicy`;
  if (policy === 'Always') return [required(field, 'valid values: "OnFailure", "Never"')];
  return policy === 'Never' || policy === 'OnFailure' ? [] : [unsupported(field, policy, ['OnFailure', 'Never'])];
}

/** A count or a percentage, as `maxSurge` and `maxUnavailable` take it. */
export function validateCountOrPercent(field: string, value: number | string | undefined): FieldError[] {
  if (value === undefined) return [];
  if (typeof value === 'number') {
    return value >= 0 ? [] : [invalid(field, value, 'must be greater than or equal to 0')];
  }
  if (/^[0-9]+%$/.test(value)) return [];
  const text =
    "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";
  return [invalid(field, value, text)];
}

/** As `validateCountOrPercent`, and no more than all of them. */
export function validateShare(field: string, value: number | string | undefined): FieldError[] {
  const errors = validateCountOrPercent(field, value);
  if (errors.length > 0 || typeof value !== 'string' || Number.parseInt(value, 10) <= 100) return errors;
  return [invalid(field, value, 'must not be greater than 100%')];
}
