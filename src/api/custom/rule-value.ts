import { CelError } from '../cel/cel-error.ts';
import {
  CelDuration,
  CelList,
  CelObject,
  CelTimestamp,
  TextMap,
  type CelValue,
  type ListIdentity,
} from '../cel/cel-value.ts';
import { parseDuration, parseTimestamp } from '../cel/time-text.ts';
import { isObject, type JsonObject } from '../patch/json-value.ts';
import { isEmbedded, resourceSchema, type RuleType, ruleType } from './rule-type.ts';
import type { StructuralSchema } from './structural-schema.ts';

/** A JSON value as rules see it. Parts of it are looked at when a rule does. */
export function ruleValue(raw: unknown, schema: StructuralSchema): CelValue {
  if (raw === null || raw === undefined) return null;
  if (typeof raw === 'boolean') return raw;
  if (typeof raw === 'number') return schema.type === 'number' || !Number.isInteger(raw) ? raw : BigInt(raw);
  if (typeof raw === 'string') return textValue(raw, schema);
  if (Array.isArray(raw)) return listValue(raw, schema);
  if (isObject(raw)) return objectValue(raw, schema);
  throw new CelError('unsupported value');
}

function nestedValue(raw: unknown, schema: StructuralSchema): CelValue {
  return ruleValue(raw, isEmbedded(schema) ? resourceSchema(schema) : schema);
}

function textValue(text: string, { type, format }: StructuralSchema): CelValue {
  if (type !== 'string') return text;
  switch (format) {
    case 'byte':
      return Buffer.from(text, 'base64');
    case 'duration': {
      const nanos = parseDuration(text.replaceAll(' ', ''));
      if (nanos === undefined) throw new CelError(`Invalid duration: ${text}`);
      return new CelDuration(nanos);
    }
    case 'date':
    case 'date-time': {
      const nanos = parseTimestamp(format === 'date' ? `${text}T00:00:00Z` : text.toUpperCase());
      if (nanos === undefined) throw new CelError(`Invalid ${format}: ${text}`);
      return new CelTimestamp(nanos);
    }
    default:
      return text;
  }
}

function listValue(list: readonly unknown[], schema: StructuralSchema): CelList {
  const items = schema.items ?? {};
  return new CelList(list.length, (index) => nestedValue(list[index], items), identityOf(schema));
}

function identityOf(schema: StructuralSchema): ListIdentity | undefined {
  const type = schema['x-kubernetes-list-type'];
  if (type === 'set') return { kind: 'set' };
  if (type !== 'map') return undefined;
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  return { kind: 'keys', keyOf: (item) => (item instanceof CelObject ? itemKey(item.raw, keys) : '') };
}

/** What tells an item of a keyed list from the others. */
export function itemKey(item: Readonly<JsonObject>, keys: readonly string[]): string {
  return JSON.stringify(keys.map((key) => item[key] ?? null));
}

const NO_TYPE: RuleType['fields'] = new Map();

function objectValue(object: JsonObject, schema: StructuralSchema): CelValue {
  const { additionalProperties } = schema;
  if (isObject(additionalProperties)) return new TextMap(object, (raw) => nestedValue(raw, additionalProperties));
  const type = ruleType(schema);
  const fields = type?.fields ?? NO_TYPE;
  return new CelObject(type?.type ?? { kind: 'object', name: 'object', params: [] }, object, (name) => {
    const field = fields.get(name);
    if (field === undefined || !Object.hasOwn(object, field.name)) return undefined;
    const raw = object[field.name];
    return raw === undefined ? undefined : nestedValue(raw, field.schema);
  });
}
