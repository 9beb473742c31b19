import { CelList, isMap, type CelValue } from '../cel-value.ts';
import { type Overload, parseOverload } from '../type-notation.ts';

/** One way to call a function. `cost` is 1 where it is absent. */
export interface CelOverload extends Overload {
  readonly apply: (args: readonly CelValue[]) => CelValue;
  readonly cost: ((args: readonly CelValue[], result: CelValue) => number) | undefined;
}

export interface CelFunction {
  readonly name: string;
  readonly overloads: readonly CelOverload[];
}

type Cost = (args: readonly CelValue[], result: CelValue) => number;

/** Signature, what it does with arguments that fit the signature, and what that costs. */
export type Definition = readonly [string, (...args: never[]) => CelValue, Cost?];

export function define(name: string, ...definitions: readonly Definition[]): CelFunction {
  const overloads = definitions.map(([signature, apply, cost]): CelOverload => {
    const run = apply as (...args: readonly CelValue[]) => CelValue;
    return { ...parseOverload(signature), apply: (args) => run(...args), cost };
  });
  return { name, overloads };
}

const TRAVERSAL = 0.1;

/** How much there is of a value: characters, items, entries; 1 for what cannot be counted. */
export function sizeOf(value: CelValue | undefined): number {
  if (typeof value === 'string' || value instanceof Uint8Array) return value.length;
  if (value instanceof CelList) return value.size;
  return value !== undefined && isMap(value) ? value.size : 1;
}

function times(factor: number, size: number): number {
  return Math.ceil(size * factor * TRAVERSAL);
}

/** Once through the first argument. */
export const once: Cost = ([first]) => times(1, sizeOf(first));
/** Through it, and its result made. */
export const twice: Cost = ([first]) => times(2, sizeOf(first));
export const resultTwice: Cost = (_, result) => times(2, sizeOf(result));
export const lesser: Cost = ([a, b]) => times(1, Math.min(sizeOf(a), sizeOf(b)));
export const both: Cost = ([a, b]) => times(1, sizeOf(a) + sizeOf(b));
export const product: Cost = ([a, b]) => times(1, sizeOf(a)) * times(1, sizeOf(b));

/** Text times pattern, of whose states four characters make about one. */
export const pattern: Cost = ([text, regex]) => times(1, 1 + sizeOf(text)) * Math.ceil(sizeOf(regex) * 0.25);

export function traversal(value: CelValue | undefined): number {
  if (typeof value === 'string' || value instanceof Uint8Array) return Math.trunc(value.length * TRAVERSAL);
  if (!(value instanceof CelList)) return 1;
  let cost = 0;
  for (const item of value) cost += traversal(item);
  return cost;
}
