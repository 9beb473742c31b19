import { rfc3339, rfc3339Micro } from '#base/clock.ts';
import { errorMessage } from '#base/errors.ts';
import { goStruct, goType } from './go-types.ts';
import { canonicalQuantity } from './quantity.ts';
import { type FieldSchema, modelSchema, SCALARS } from './schema.ts';
import { isZero, type ZeroRule, zeroRule } from './zero-values.ts';

/** What to do about unknown fields: refuse, drop and say so, drop. */
export type FieldValidation = 'Strict' | 'Warn' | 'Ignore';

export type FieldCheck =
  /** `value` without unknown fields and nulls, amounts and times in their canonical form. */
  | { readonly kind: 'ok'; readonly value: unknown; readonly warnings: readonly string[] }
  | { readonly kind: 'wrong'; readonly message: string };

/** State of one walk: where it is, and what it met. */
interface Walk {
  /** Names of fields and indices of lists; keys of maps are left out, as decoding errors leave them out. */
  readonly path: (string | number)[];
  /** The innermost model. */
  model: string;
  readonly unknown: string[];
  /** The first wrong value; later ones are not reported. */
  problem: string | undefined;
}

type Check = (value: unknown, walk: Walk) => unknown;

interface CompiledField {
  readonly check: Check;
  readonly zero: ZeroRule | undefined;
}

function jsonType(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}

function dotted(path: readonly (string | number)[]): string {
  return path.filter((part) => typeof part === 'string').join('.');
}

function indexed(path: readonly (string | number)[], last: string): string {
  let text = '';
  for (const part of [...path, last]) {
    if (typeof part === 'number') text += `[${part}]`;
    else text += text === '' ? part : `.${part}`;
  }
  return text;
}

function mismatch(value: unknown, type: string, walk: Walk, shown: string = jsonType(value)): undefined {
  const field = dotted(walk.path);
  const owner = `${walk.model}.${walk.path.findLast((part) => typeof part === 'string') ?? ''}`;
  const into = field === '' ? 'Go value' : `Go struct field ${goStruct(walk.model)}.${field}`;
  walk.problem ??= `json: cannot unmarshal ${shown} into ${into} of type ${goType(type, owner)}`;
  return undefined;
}

function checkString(value: unknown, walk: Walk): unknown {
  return typeof value === 'string' ? value : mismatch(value, 'string', walk);
}

function checkBoolean(value: unknown, walk: Walk): unknown {
  return typeof value === 'boolean' ? value : mismatch(value, 'boolean', walk);
}

function checkDouble(value: unknown, walk: Walk): unknown {
  return typeof value === 'number' ? value : mismatch(value, 'double', walk);
}

function integerCheck(type: 'int32' | 'int64', limit: number): Check {
  return (value, walk) => {
    if (typeof value !== 'number') return mismatch(value, type, walk);
    if (Number.isInteger(value) && value >= -limit && value < limit) return value;
    return mismatch(value, type, walk, `number ${value}`);
  };
}

function checkBytes(value: unknown, walk: Walk): unknown {
  if (typeof value !== 'string') return mismatch(value, 'bytes', walk);
  const bad = /[^A-Za-z0-9+/]/.exec(value.replace(/={0,2}$/, ''));
  if (bad === null && value.length % 4 === 0) return value;
  const at = bad?.index ?? (value.endsWith('=') ? value.length : value.length - (value.length % 4));
  walk.problem ??= `illegal base64 data at input byte ${at}`;
  return undefined;
}

const PLAIN_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;
const ANY_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;

function timeCheck(layout: string, canonical: (ms: number, text: string) => string): Check {
  return (value, walk) => {
    if (typeof value !== 'string') {
      walk.problem ??= `json: cannot unmarshal ${jsonType(value)} into Go value of type string`;
      return undefined;
    }
    const ms = ANY_TIME.test(value) ? Date.parse(value) : Number.NaN;
    if (!Number.isNaN(ms)) return canonical(ms, value);
    walk.problem ??= `parsing time ${JSON.stringify(value)} as ${JSON.stringify(layout)}: cannot parse ${JSON.stringify(value)} as "2006"`;
    return undefined;
  };
}

const PLAIN_MICRO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;

const checkTime = timeCheck('2006-01-02T15:04:05Z07:00', (ms, text) => (PLAIN_TIME.test(text) ? text : rfc3339(ms)));
const checkMicroTime = timeCheck('2006-01-02T15:04:05.000000Z07:00', (ms, text) =>
  PLAIN_MICRO_TIME.test(text) ? text : rfc3339Micro(ms),
);

function checkIntOrString(value: unknown, walk: Walk): unknown {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' && Number.isInteger(value)) return value;
  const shown = typeof value === 'number' ? `number ${value}` : jsonType(value);
  walk.problem ??= `json: cannot unmarshal ${shown} into Go value of type int32`;
  return undefined;
}

function checkQuantity(value: unknown, walk: Walk): unknown {
  try {
    return canonicalQuantity(typeof value === 'number' ? String(value) : typeof value === 'string' ? value : '');
  } catch (error) {
    walk.problem ??= errorMessage(error);
    return undefined;
  }
}

const SCALAR_CHECKS: Readonly<Record<string, Check>> = {
  string: checkString,
  boolean: checkBoolean,
  int32: integerCheck('int32', 2 ** 31),
  int64: integerCheck('int64', 2 ** 63),
  double: checkDouble,
  bytes: checkBytes,
  time: checkTime,
  microTime: checkMicroTime,
  intOrString: checkIntOrString,
  quantity: checkQuantity,
  any: (value) => value,
};

/** What null stands for among the items of a list or map. */
function zeroOf(type: string): unknown {
  if (type.startsWith('[]') || type === 'any') return null;
  if (type === 'boolean') return false;
  if (type === 'string' || type === 'bytes') return '';
  if (type === 'quantity') return '0';
  return SCALARS.has(type) ? 0 : {};
}

function listCheck(type: string): Check {
  const itemType = type.slice(2);
  const check = compile(itemType);
  return (value, walk) => {
    if (!Array.isArray(value)) return mismatch(value, type, walk);
    let next: unknown[] = value;
    for (let i = 0; i < value.length; i++) {
      const item: unknown = value[i];
      walk.path.push(i);
      const checked = item === null ? zeroOf(itemType) : check(item, walk);
      walk.path.pop();
      if (checked === item) continue;
      if (next === value) next = value.slice();
      next[i] = checked;
    }
    return next;
  };
}

function mapCheck(type: string): Check {
  const itemType = type.slice(2);
  const check = compile(itemType);
  return (value, walk) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return mismatch(value, type, walk);
    const map = value as Readonly<Record<string, unknown>>;
    let next: Record<string, unknown> | undefined;
    for (const key in map) {
      const checked = map[key] === null ? zeroOf(itemType) : check(map[key], walk);
      if (checked === map[key]) continue;
      next ??= { ...map };
      next[key] = checked;
    }
    return next ?? map;
  };
}

function compileField(model: string, field: FieldSchema): CompiledField {
  return {
    check: compile(field.type),
    zero: field.required ? undefined : zeroRule(model, field.name, field.type),
  };
}

const compiled = new Map<string, Check>();

function modelCheck(name: string): Check {
  const known = compiled.get(name);
  if (known !== undefined) return known;
  const schema = modelSchema(name);
  if (schema === undefined) throw new RangeError(`Cannot check fields of "${name}": no such model`);
  // Fields are compiled when they are first met: models refer to each other, some to themselves.
  const fields = new Map<string, CompiledField>();
  const fieldOf = (key: string): CompiledField | undefined => {
    const ready = fields.get(key);
    if (ready !== undefined) return ready;
    const field = schema.fields.get(key);
    if (field === undefined) return undefined;
    const compiledField = compileField(name, field);
    fields.set(key, compiledField);
    return compiledField;
  };
  const check: Check = (value, walk) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return mismatch(value, name, walk);
    const outer = walk.model;
    walk.model = name;
    const next = checkMembers(value as Readonly<Record<string, unknown>>, fieldOf, walk);
    walk.model = outer;
    return next;
  };
  compiled.set(name, check);
  return check;
}

/** `value` itself when there is nothing to change. */
function checkMembers(
  value: Readonly<Record<string, unknown>>,
  fieldOf: (key: string) => CompiledField | undefined,
  walk: Walk,
): Readonly<Record<string, unknown>> {
  let next: Record<string, unknown> | undefined;
  for (const key in value) {
    const member = value[key];
    const field = fieldOf(key);
    if (field === undefined) walk.unknown.push(`unknown field ${JSON.stringify(indexed(walk.path, key))}`);
    if (field === undefined || member === null || member === undefined) {
      next ??= { ...value };
      delete next[key];
      continue;
    }
    walk.path.push(key);
    const checked = field.check(member, walk);
    walk.path.pop();
    const absent = field.zero !== undefined && isZero(field.zero, checked);
    if (checked === member && !absent) continue;
    next ??= { ...value };
    if (absent) delete next[key];
    else next[key] = checked;
  }
  return next ?? value;
}

function compile(type: string): Check {
  if (type.startsWith('[]')) return listCheck(type);
  if (type.startsWith('{}')) return mapCheck(type);
  return SCALAR_CHECKS[type] ?? ((value, walk) => modelCheck(type)(value, walk));
}

/** The message for what strict decoding refuses: unknown and duplicate fields. */
function strictDecodingError(problems: readonly string[]): string {
  return `strict decoding error: ${problems.join(', ')}`;
}

/**
 * Decodes a JSON value as a model: wrong types are refused, unknown fields handled as `mode` says, nulls and empty
 * optional values dropped, quantities and times made canonical. `duplicates` are the texts of fields that were met twice
 * in the body, and `placeOf` says where in it a text belongs among those of unknown fields. The value itself is left alone.
 */
export function checkFields(
  model: string,
  value: unknown,
  mode: FieldValidation,
  duplicates: readonly string[] = [],
  placeOf: (text: string) => number = () => 0,
): FieldCheck {
  const walk: Walk = { path: [], model, unknown: [...duplicates], problem: undefined };
  const next = modelCheck(model)(value, walk);
  if (walk.problem !== undefined) return { kind: 'wrong', message: walk.problem };
  if (walk.unknown.length === 0 || mode === 'Ignore') return { kind: 'ok', value: next, warnings: [] };
  const problems = walk.unknown.toSorted((a, b) => placeOf(a) - placeOf(b));
  if (mode === 'Strict') return { kind: 'wrong', message: strictDecodingError(problems) };
  return { kind: 'ok', value: next, warnings: problems };
}
