import { isObject, valueAt } from '../patch/json-value.ts';
import type { ListType } from './merge-type.ts';

/** An item that has no identity in its list, so that it cannot be merged. */
export class NoIdentityError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'NoIdentityError';
  }
}

export function fieldElement(name: string): string {
  return `f:${name}`;
}

/** The name in `f:name`; undefined for items of lists. */
export function fieldName(element: string): string | undefined {
  return element.startsWith('f:') ? element.slice(2) : undefined;
}

/** What tells an item of a list from the others. @throws {NoIdentityError} */
export function itemElement(type: ListType, item: unknown): string {
  if (type.list === 'set') {
    if (item === null || typeof item === 'object') {
      throw new NoIdentityError("associative list without keys has an element that's a map type");
    }
    return `v:${JSON.stringify(item)}`;
  }
  if (item === null) throw new NoIdentityError('associative list with keys may not have a null element');
  if (!isObject(item)) throw new NoIdentityError('associative list with keys may not have non-map elements');
  // Built as text: the keys come sorted, and this is the inner loop of every write.
  let text = 'k:{';
  for (const [index, key] of type.keys.entries()) {
    const value = valueAt(item, key) ?? type.keyDefaults[key];
    if (value === undefined) {
      throw new NoIdentityError(
        `associative list with keys has an element that omits key field ${JSON.stringify(key)} (and doesn't have default value)`,
      );
    }
    text += `${index === 0 ? '' : ','}${JSON.stringify(key)}:${JSON.stringify(value)}`;
  }
  return `${text}}`;
}

/** `.spec.ports[port=80,protocol="TCP"].nodePort`. */
export function pathText(path: readonly string[]): string {
  return path.map(elementText).join('');
}

export function elementText(element: string): string {
  const rest = element.slice(2);
  switch (element.slice(0, 2)) {
    case 'f:':
      return `.${rest}`;
    case 'k:': {
      const keys = Object.entries(JSON.parse(rest) as Readonly<Record<string, unknown>>);
      return `[${keys.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(',')}]`;
    }
    case 'v:':
      return `[=${rest}]`;
    default:
      return `[${rest}]`;
  }
}
