import { isObject, type JsonObject } from './json-value.ts';

/**
 * Values as Go prints them with %v: `map[name:web port:80]`, `[a b]`. Some error texts of Kubernetes carry values in this
 * form, and clients show them as they come.
 */
export function goValue(value: unknown): string {
  if (value === null || value === undefined) return '<nil>';
  if (Array.isArray(value)) return `[${value.map((item) => goValue(item)).join(' ')}]`;
  return isObject(value) ? goMap(value) : typeof value === 'string' ? value : JSON.stringify(value);
}

export function goMap(map: Readonly<JsonObject>): string {
  const members = Object.keys(map)
    .sort()
    .map((key) => `${key}:${goValue(map[key])}`);
  return `map[${members.join(' ')}]`;
}

/** The name of the type that Go's decoder gives a JSON value. */
export function goType(value: unknown): string {
  if (Array.isArray(value)) return '[]interface {}';
  if (isObject(value)) return 'map[string]interface {}';
  switch (typeof value) {
    case 'string':
      return 'string';
    case 'boolean':
      return 'bool';
    case 'number':
      return Number.isInteger(value) ? 'int64' : 'float64';
    default:
      return '%!s(<nil>)';
  }
}
