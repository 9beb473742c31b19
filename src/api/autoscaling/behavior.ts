import { type FieldError, invalid, required } from '../field-error.ts';
import type * as t from '../generated/types.ts';
import { validateChoice } from '../validation.ts';

const PERIOD_SECONDS = 15;
const LONGEST_WINDOW_SECONDS = 3600;
const LONGEST_PERIOD_SECONDS = 1800;

/** Who says something about one direction gets the usual rules for what is left out, in both. */
export function behaviorDefaults({
  scaleUp,
  scaleDown,
}: t.HorizontalPodAutoscalerBehavior): t.HorizontalPodAutoscalerBehavior {
  const percent = { type: 'Percent', value: 100, periodSeconds: PERIOD_SECONDS };
  return {
    scaleUp: {
      ...scaleUp,
      stabilizationWindowSeconds: scaleUp?.stabilizationWindowSeconds ?? 0,
      selectPolicy: scaleUp?.selectPolicy ?? 'Max',
      policies: scaleUp?.policies ?? [{ type: 'Pods', value: 4, periodSeconds: PERIOD_SECONDS }, percent],
    },
    scaleDown: {
      ...scaleDown,
      selectPolicy: scaleDown?.selectPolicy ?? 'Max',
      policies: scaleDown?.policies ?? [percent],
    },
  };
}

export function validateBehavior({ scaleUp, scaleDown }: t.HorizontalPodAutoscalerBehavior = {}): FieldError[] {
  return [...validateRules(scaleUp, 'spec.behavior.scaleUp'), ...validateRules(scaleDown, 'spec.behavior.scaleDown')];
}

function validateRules(rules: t.HPAScalingRules | undefined, at: string): FieldError[] {
  if (rules === undefined) return [];
  const { stabilizationWindowSeconds: window = 0, selectPolicy, policies = [] } = rules;
  const errors: FieldError[] = [];
  const field = `${at}.stabilizationWindowSeconds`;
  if (window < 0) errors.push(invalid(field, window, 'must be greater than or equal to zero'));
  if (window > LONGEST_WINDOW_SECONDS) {
    errors.push(invalid(field, window, `must be less than or equal to ${LONGEST_WINDOW_SECONDS}`));
  }
  if (selectPolicy !== undefined) {
    errors.push(...validateChoice(`${at}.selectPolicy`, selectPolicy, ['Disabled', 'Max', 'Min']));
  }
  if (policies.length === 0) errors.push(required(`${at}.policies`, 'must specify at least one Policy'));
  return [...errors, ...policies.flatMap((policy, i) => validatePolicy(policy, `${at}.policies[${i}]`))];
}

function validatePolicy({ type, value, periodSeconds }: t.HPAScalingPolicy, at: string): FieldError[] {
  const errors = validateChoice(`${at}.type`, type, ['Percent', 'Pods']);
  if (!(value > 0)) errors.push(invalid(`${at}.value`, value, 'must be greater than zero'));
  const field = `${at}.periodSeconds`;
  if (!(periodSeconds > 0)) errors.push(invalid(field, periodSeconds, 'must be greater than zero'));
  if (periodSeconds > LONGEST_PERIOD_SECONDS) {
    errors.push(invalid(field, periodSeconds, `must be less than or equal to ${LONGEST_PERIOD_SECONDS}`));
  }
  return errors;
}
