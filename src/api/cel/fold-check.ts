import * as types from './cel-type.ts';
import { type CelType, optionalParam } from './cel-type.ts';
import type { Checking } from './checking.ts';
import type { Expression, Fold } from './expression.ts';

/** The type of a macro over a list, a map or an optional. */
export function checkFold(checker: Checking, fold: Fold): CelType {
  const range = checker.known.apply(checker.check(fold.range));
  const { name } = fold;
  if (name === 'optMap' || name === 'optFlatMap') return checkOptional(checker, fold, range);
  const variables = variableTypes(checker, fold, range);
  const scope = new Map(fold.variables.map((name, index) => [name, variables[index] ?? types.DYN]));
  return checker.within(scope, () => RESULTS[name](checker, fold, variables[0] ?? types.DYN));
}

function variableTypes(checker: Checking, fold: Fold, range: CelType): readonly CelType[] {
  const hasTwo = fold.variables.length === 2;
  const [first = types.DYN, second = types.DYN] = range.params;
  switch (range.kind) {
    case 'list':
      return hasTwo ? [types.INT, first] : [first];
    case 'map':
      return hasTwo ? [first, second] : [first];
    case 'dyn':
    case 'error':
    case 'param':
      checker.known.assignable(types.DYN, range);
      return [types.DYN, types.DYN];
    default:
      checker.report(
        fold.range.offset,
        `expression of type '${types.typeText(range)}' cannot be range of a comprehension (must be list, map, or dynamic)`,
      );
      return [types.ERROR, types.ERROR];
  }
}

function transformed(checker: Checking, { transform }: Fold): CelType {
  return transform === undefined ? types.DYN : checker.check(transform);
}

/** Where a condition picks what is kept, it stands before a question mark. */
function picks(checker: Checking, fold: Fold, kept: CelType): void {
  const { condition, offset } = fold;
  if (condition === undefined) return;
  const type = checker.check(condition);
  if (checker.known.assignable(types.BOOL, type)) return;
  const shown = [type, kept, kept].map((of) => types.typeText(checker.known.apply(of, true)));
  checker.report(offset, `found no matching overload for '_?_:_' applied to '(${shown.join(', ')})'`);
}

function holds(checker: Checking, condition: Expression | undefined): CelType {
  if (condition !== undefined) {
    const type = checker.check(condition);
    if (!checker.known.assignable(type, types.BOOL)) checker.mismatch(condition.offset, types.BOOL, type);
  }
  return types.BOOL;
}

function entryType(checker: Checking, fold: Fold): CelType {
  const entry = transformed(checker, fold);
  picks(checker, fold, entry);
  if (entry.kind === 'map' || types.isAnything(entry)) return entry;
  return checker.mismatch(fold.transform?.offset ?? 0, types.mapOf(types.DYN, types.DYN), entry);
}

function counted(checker: Checking, fold: Fold): CelType {
  picks(checker, fold, types.INT);
  return types.BOOL;
}

function keptType(checker: Checking, fold: Fold, kept: CelType): CelType {
  picks(checker, fold, kept);
  return kept;
}

type Result = (checker: Checking, fold: Fold, first: CelType) => CelType;

const quantified: Result = (checker, { condition }) => holds(checker, condition);
const listed: Result = (checker, fold) => keptType(checker, fold, types.listOf(transformed(checker, fold)));

const RESULTS: Readonly<Record<Exclude<Fold['name'], 'optMap' | 'optFlatMap'>, Result>> = {
  all: quantified,
  exists: quantified,
  exists_one: counted,
  existsOne: counted,
  filter: (checker, fold, first) => keptType(checker, fold, types.listOf(first)),
  map: listed,
  transformList: listed,
  transformMap: (checker, fold, first) => keptType(checker, fold, types.mapOf(first, transformed(checker, fold))),
  transformMapEntry: entryType,
};

function checkOptional(checker: Checking, fold: Fold, range: CelType): CelType {
  const held = optionalParam(range);
  if (held === undefined && !types.isAnything(range)) {
    const shown = `${types.typeText(range)}.()`;
    return checker.report(fold.offset, `found no matching overload for 'hasValue' applied to '${shown}'`);
  }
  const scope = new Map([[fold.variables[0] ?? '', held ?? types.DYN]]);
  const result = checker.within(scope, () => transformed(checker, fold));
  if (fold.name === 'optMap') return types.optionalOf(result);
  if (optionalParam(result) !== undefined || types.isAnything(result)) return result;
  const shown = `(bool, ${types.typeText(result)}, optional_type(dyn))`;
  return checker.report(fold.offset, `found no matching overload for '_?_:_' applied to '${shown}'`);
}
