export type TypeKind =
  | 'bool'
  | 'int'
  | 'uint'
  | 'double'
  | 'string'
  | 'bytes'
  | 'null'
  | 'duration'
  | 'timestamp'
  | 'dyn'
  | 'error'
  | 'list'
  | 'map'
  | 'object'
  | 'type'
  | 'param'
  | 'opaque';

/** The type of an expression. `params` are the element of a list, key and value of a map, what an optional may hold. */
export interface CelType {
  readonly kind: TypeKind;
  readonly name: string;
  readonly params: readonly CelType[];
  /** Of an object: its fields by the names that expressions have for them. */
  readonly fields?: ReadonlyMap<string, CelType> | undefined;
}

function simple(kind: TypeKind, name: string = kind): CelType {
  return Object.freeze({ kind, name, params: [] });
}

export const BOOL: CelType = simple('bool');
export const INT: CelType = simple('int');
export const UINT: CelType = simple('uint');
export const DOUBLE: CelType = simple('double');
export const STRING: CelType = simple('string');
export const BYTES: CelType = simple('bytes');
export const NULL: CelType = simple('null');
export const DURATION: CelType = simple('duration');
export const TIMESTAMP: CelType = simple('timestamp');
export const DYN: CelType = simple('dyn');
export const ERROR: CelType = simple('error', '!error!');

export function listOf(item: CelType): CelType {
  return { kind: 'list', name: 'list', params: [item] };
}

export function mapOf(key: CelType, value: CelType): CelType {
  return { kind: 'map', name: 'map', params: [key, value] };
}

export function typeOf(of: CelType): CelType {
  return { kind: 'type', name: 'type', params: [of] };
}

export function paramType(name: string): CelType {
  return { kind: 'param', name, params: [] };
}

export function opaque(name: string, params: readonly CelType[] = []): CelType {
  return { kind: 'opaque', name, params };
}

const OPTIONAL = 'optional_type';

export function optionalOf(of: CelType): CelType {
  return opaque(OPTIONAL, [of]);
}

/** What an optional may hold; undefined for all other types. */
export function optionalParam(type: CelType): CelType | undefined {
  return type.kind === 'opaque' && type.name === OPTIONAL ? type.params[0] : undefined;
}

export function objectType(name: string, fields: ReadonlyMap<string, CelType>): CelType {
  return { kind: 'object', name, params: [], fields };
}

export function isAnything(type: CelType): boolean {
  return type.kind === 'dyn' || type.kind === 'error';
}

export function sameType(a: CelType, b: CelType): boolean {
  if (a.kind !== b.kind || a.name !== b.name || a.fields !== b.fields) return false;
  return (
    a.params.length === b.params.length && a.params.every((param, index) => sameType(param, b.params[index] ?? DYN))
  );
}

export function typeText(type: CelType): string {
  if (type.params.length === 0) return type.name;
  return `${type.name}(${type.params.map(typeText).join(', ')})`;
}
