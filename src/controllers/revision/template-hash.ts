import { fnv1a, safeEncode } from '#base/names.ts';
import type { PodTemplateSpec } from '#api/generated/types.ts';

/** The same for the same template, whatever the order of its members; a count of collisions makes it another one. */
export function templateHash(template: PodTemplateSpec, collisionCount: number | undefined): string {
  const salt = collisionCount === undefined ? '' : String(collisionCount);
  return safeEncode(String(fnv1a(JSON.stringify(ordered(template)) + salt)));
}

/** With the members of all objects in the order of their names, as Go writes maps. */
export function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => ordered(item));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, entry]) => entry !== undefined);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, entry]) => [key, ordered(entry)]));
}
