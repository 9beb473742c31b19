import { defineKind } from '../define-kind.ts';
import type * as t from '../generated/types.ts';
import { type KindDefinition } from '../kind.ts';
import { limitRanges } from '../resource.ts';

/** For containers: a maximum is the default limit, and the default limit or a minimum is the default request. */
function itemDefaults(item: t.LimitRangeItem): t.LimitRangeItem {
  if (item.type !== 'Container') return item;
  const limits = { ...item.max, ...item.default };
  const requests = { ...limits, ...item.min, ...item.defaultRequest };
  return {
    ...item,
    ...(Object.keys(limits).length === 0 ? {} : { default: limits }),
    ...(Object.keys(requests).length === 0 ? {} : { defaultRequest: requests }),
  };
}

export const limitRange: KindDefinition<t.LimitRange> = defineKind(limitRanges, {
  shortNames: ['limits'],
  createOnUpdate: true,
  defaults: (range) => ({ ...range, spec: { ...range.spec, limits: (range.spec?.limits ?? []).map(itemDefaults) } }),
});
