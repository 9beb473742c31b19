import type { CelFunction } from './functions/cel-function.ts';
import { CONVERSIONS } from './functions/conversions.ts';
import { define } from './functions/cel-function.ts';
import { KUBERNETES_FUNCTIONS } from './functions/kubernetes-functions.ts';
import { LIST_FUNCTIONS } from './functions/list-functions.ts';
import { OPERATORS } from './functions/operators.ts';
import { OPTIONAL_FUNCTIONS, OPTIONAL_INDEX } from './functions/optional-functions.ts';
import { STRING_FUNCTIONS } from './functions/string-functions.ts';
import { TIME_FUNCTIONS } from './functions/time-functions.ts';

/** These two are no functions when it comes to running them: they do without what they need not look at. */
const LAZY: readonly CelFunction[] = [
  define('_&&_', ['(bool, bool) -> bool', (a: boolean, b: boolean) => a && b]),
  define('_||_', ['(bool, bool) -> bool', (a: boolean, b: boolean) => a || b]),
  define('_?_:_', ['(bool, A, A) -> A', (test: boolean, a: null, b: null) => (test ? a : b)]),
];

/** Every function and operator by its name. */
export const FUNCTIONS: ReadonlyMap<string, CelFunction> = table([
  ...LAZY,
  ...OPERATORS,
  define('_[_]', ...OPTIONAL_INDEX),
  ...CONVERSIONS,
  ...TIME_FUNCTIONS,
  ...STRING_FUNCTIONS,
  ...LIST_FUNCTIONS,
  ...OPTIONAL_FUNCTIONS,
  ...KUBERNETES_FUNCTIONS,
]);

function table(functions: readonly CelFunction[]): ReadonlyMap<string, CelFunction> {
  const found = new Map<string, CelFunction>();
  for (const { name, overloads } of functions) {
    found.set(name, { name, overloads: [...(found.get(name)?.overloads ?? []), ...overloads] });
  }
  return found;
}
