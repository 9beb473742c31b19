import { FIELDS } from '../generated/fields.ts';

/**
 * A type as the generated table writes it: a scalar (`string`, `int32`, `intOrString`, `time`...) or a model's name,
 * behind `[]` for a list of it or `{}` for a map to it.
 */
export type TypeName = string;

export interface FieldType {
  readonly type: TypeName;
  readonly required: boolean;
}

const EMPTY: ReadonlyMap<string, FieldType> = new Map();
const cache = new Map<string, ReadonlyMap<string, FieldType>>();

export function isModel(type: TypeName): boolean {
  return Object.hasOwn(FIELDS, type);
}

/** The fields of a model; empty for a name that is no model. Parsed at the first use. */
export function fieldsOf(model: string): ReadonlyMap<string, FieldType> {
  const known = cache.get(model);
  if (known !== undefined) return known;
  if (!isModel(model)) return EMPTY;
  const fields = new Map<string, FieldType>();
  for (const word of (FIELDS[model] ?? '').split(' ')) {
    const at = word.search(/[!?]/);
    if (at > 0) fields.set(word.slice(0, at), { type: word.slice(at + 1), required: word[at] === '!' });
  }
  cache.set(model, fields);
  return fields;
}

/** The type of what an object of `type` has at `key`; undefined where nothing is known of it. */
export function memberType(type: TypeName | undefined, key: string): TypeName | undefined {
  if (type === undefined) return undefined;
  return type.startsWith('{}') ? type.slice(2) : fieldsOf(type).get(key)?.type;
}

/** The type of a list's items. */
export function itemType(type: TypeName | undefined): TypeName | undefined {
  return type?.startsWith('[]') === true ? type.slice(2) : undefined;
}
