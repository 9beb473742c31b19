import type { CelType, TypeKind } from './cel-type.ts';
import {
  CelDuration,
  CelList,
  CelObject,
  CelOptional,
  CelTimestamp,
  CelTypeValue,
  CelUint,
  isMap,
  type CelValue,
} from './cel-value.ts';
import type { CelOverload } from './functions/cel-function.ts';
import { valueType } from './value-type.ts';

/** Whether values that nobody could know the types of before are ones that a function takes. */
export function fits({ args }: CelOverload, values: readonly CelValue[]): boolean {
  return args.every((type, index) => isOfKind(values[index] ?? null, type));
}

const anything = (): boolean => true;

const KINDS: Readonly<Record<TypeKind, (value: CelValue, type: CelType) => boolean>> = {
  bool: (value) => typeof value === 'boolean',
  int: (value) => typeof value === 'bigint',
  double: (value) => typeof value === 'number',
  string: (value) => typeof value === 'string',
  null: (value) => value === null,
  uint: (value) => value instanceof CelUint,
  bytes: (value) => value instanceof Uint8Array,
  duration: (value) => value instanceof CelDuration,
  timestamp: (value) => value instanceof CelTimestamp,
  list: (value) => value instanceof CelList,
  type: (value) => value instanceof CelTypeValue,
  map: (value) => value instanceof CelObject || isMap(value),
  opaque: (value, type) => (type.params.length > 0 ? optionalFits(value, type) : valueType(value).name === type.name),
  object: anything,
  dyn: anything,
  error: anything,
  param: anything,
};

function isOfKind(value: CelValue, type: CelType): boolean {
  return KINDS[type.kind](value, type);
}

function optionalFits(value: CelValue, { params: [held] }: CelType): boolean {
  if (!(value instanceof CelOptional)) return false;
  return held === undefined || value.value === undefined || isOfKind(value.value, held);
}
