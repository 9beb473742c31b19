import { defineKind } from '../define-kind.ts';
import { duplicate, type FieldError, forbidden, invalid, required } from '../field-error.ts';
import type * as t from '../generated/types.ts';
import type { KindDefinition } from '../kind.ts';
import { checkQualifiedName } from '../names.ts';
import { compareQuantities } from '../quantity.ts';
import { limitRanges } from '../resource.ts';
import { validateContainerResource, validateResourceName } from '../quota/resource-names.ts';
import { invalidAll } from '../validation.ts';

/** For containers: a maximum is the default limit, and the default limit, or else a minimum, is the default request. */
function itemDefaults(item: t.LimitRangeItem): t.LimitRangeItem {
  if (item.type !== 'Container') return item;
  const limits = { ...item.max, ...item.default };
  const requests = { ...item.min, ...limits, ...item.defaultRequest };
  return {
    ...item,
    ...(Object.keys(limits).length === 0 ? {} : { default: limits }),
    ...(Object.keys(requests).length === 0 ? {} : { defaultRequest: requests }),
  };
}

const PARTS = ['max', 'min', 'default', 'defaultRequest', 'maxLimitRequestRatio'] as const;

function validateNames(item: t.LimitRangeItem, at: string): FieldError[] {
  const check = item.type === 'Pod' || item.type === 'Container' ? validateContainerResource : validateResourceName;
  return PARTS.flatMap((part) => {
    const isDefault = part === 'default' || part === 'defaultRequest';
    const names = Object.keys(item[part] ?? {});
    if (item.type === 'Pod' && isDefault) {
      return names.length === 0 ? [] : [forbidden(`${at}.${part}`, "may not be specified when `type` is 'Pod'")];
    }
    return names.flatMap((name) => check(name, `${at}.${part}[${name}]`));
  });
}

/** Pairs of parts of which the first must not be greater, the part that is told, and how. */
const ORDER = [
  ['min', 'max', 'min', 'min', 'min value # is greater than max value #'],
  ['min', 'defaultRequest', 'defaultRequest', 'defaultRequest', 'min value # is greater than default request value #'],
  ['defaultRequest', 'max', 'defaultRequest', 'defaultRequest', 'default request value # is greater than max value #'],
  [
    'defaultRequest',
    'default',
    'defaultRequest',
    'defaultRequest',
    'default request value # is greater than default limit value #',
  ],
  ['min', 'default', 'default', 'min', 'min value # is greater than default value #'],
  ['default', 'max', 'default', 'max', 'default value # is greater than max value #'],
] as const;

function validateOrder(item: t.LimitRangeItem, at: string): FieldError[] {
  const names = new Set(PARTS.flatMap((part) => Object.keys(item[part] ?? {})));
  const errors: FieldError[] = [];
  for (const name of names) {
    for (const [low, high, field, value, text] of ORDER) {
      const [less, more] = [item[low]?.[name], item[high]?.[name]];
      if (less === undefined || more === undefined || compareQuantities(less, more) <= 0) continue;
      const why = text.replace('#', less).replace('#', more);
      errors.push(invalid(`${at}.${field}[${name}]`, item[value]?.[name], why));
    }
    const ratio = item.maxLimitRequestRatio?.[name];
    if (ratio !== undefined && compareQuantities(ratio, '1') < 0) {
      errors.push(invalid(`${at}.maxLimitRequestRatio[${name}]`, ratio, `ratio ${ratio} is less than 1`));
    }
  }
  return errors;
}

function validateItem(item: t.LimitRangeItem, at: string): FieldError[] {
  const { type = '' } = item as Partial<t.LimitRangeItem>;
  const errors = invalidAll(`${at}.type`, type, checkQualifiedName(type));
  errors.push(...validateNames(item, at));
  if (type === 'PersistentVolumeClaim' && item.min?.['storage'] === undefined && item.max?.['storage'] === undefined) {
    const why = 'either minimum or maximum storage value is required, but neither was provided';
    errors.push(required(`${at}.limits`, why));
  }
  return [...errors, ...validateOrder(item, at)];
}

function validate({ spec }: t.LimitRange): FieldError[] {
  const types = new Set<string>();
  return (spec?.limits ?? []).flatMap((item, i) => {
    const at = `spec.limits[${i}]`;
    const again = types.has(item.type) ? [duplicate(`${at}.type`, item.type)] : [];
    types.add(item.type);
    return [...again, ...validateItem(item, at)];
  });
}

export const limitRange: KindDefinition<t.LimitRange> = defineKind(limitRanges, {
  shortNames: ['limits'],
  createOnUpdate: true,
  defaults: (range) => ({ ...range, spec: { ...range.spec, limits: (range.spec?.limits ?? []).map(itemDefaults) } }),
  validate,
});
