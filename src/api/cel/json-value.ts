import { isObject } from '../patch/json-value.ts';
import { CelError } from './cel-error.ts';
import { CelList, type CelValue, TextMap } from './cel-value.ts';

/** A JSON value of which nothing more is known, as expressions see it. Parts of it are looked at when one does. */
export function celOfJson(raw: unknown): CelValue {
  if (raw === null || raw === undefined) return null;
  if (typeof raw === 'boolean' || typeof raw === 'string') return raw;
  if (typeof raw === 'number') return Number.isInteger(raw) ? BigInt(raw) : raw;
  if (Array.isArray(raw)) return new CelList(raw.length, (index) => celOfJson(raw[index]));
  if (isObject(raw)) return new TextMap(raw, celOfJson);
  throw new CelError('unsupported value');
}
