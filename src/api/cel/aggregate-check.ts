import { type CelType, optionalParam, sameType, typeText } from './cel-type.ts';
import type { Expression } from './expression.ts';
import type { Issue } from './issues.ts';

type TypeOf = (expression: Expression) => CelType;

interface Item {
  readonly value: Expression;
  readonly isOptional: boolean;
}

/** Lists and maps that are written out hold values of one type, but for what is to be formatted. */
export function checkAggregates(expression: Expression, typeOf: TypeOf): Issue[] {
  if (expression.kind === 'call' && expression.name === 'format') return [];
  return [...checkOne(expression, typeOf), ...partsOf(expression).flatMap((part) => checkAggregates(part, typeOf))];
}

function checkOne(expression: Expression, typeOf: TypeOf): Issue[] {
  if (expression.kind === 'list') return firstMismatch(expression.items, typeOf);
  if (expression.kind !== 'map') return [];
  const keys = expression.entries.map(({ key }) => ({ value: key, isOptional: false }));
  const wrongKey = firstMismatch(keys, typeOf);
  return wrongKey.length > 0 ? wrongKey : firstMismatch(expression.entries, typeOf);
}

function firstMismatch(items: readonly Item[], typeOf: TypeOf): Issue[] {
  let wanted: CelType | undefined;
  for (const { value, isOptional } of items) {
    const whole = typeOf(value);
    const type = (isOptional ? optionalParam(whole) : undefined) ?? whole;
    wanted ??= type;
    if (sameType(wanted, type)) continue;
    return [{ offset: value.offset, text: `expected type '${typeText(wanted)}' but found '${typeText(type)}'` }];
  }
  return [];
}

function partsOf(expression: Expression): readonly Expression[] {
  switch (expression.kind) {
    case 'select':
      return [expression.operand];
    case 'call':
      return [...(expression.target === undefined ? [] : [expression.target]), ...expression.args];
    case 'list':
      return expression.items.map(({ value }) => value);
    case 'map':
      return expression.entries.flatMap(({ key, value }) => [key, value]);
    case 'fold':
      return [expression.range, expression.condition, expression.transform].filter((part) => part !== undefined);
    case 'literal':
    case 'ident':
    case 'struct':
      return [];
  }
}
