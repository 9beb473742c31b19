import { deepEqual } from '#api/equal.ts';

type Members = Readonly<Record<string, unknown>>;

/**
 * The merge patch that takes `before` to `after`, or undefined where they are equal. A controller that is the only
 * writer of a part patches that part without a version: it then has no conflict with those who write the others.
 */
export function mergeDiff(before: object, after: object): Record<string, unknown> | undefined {
  const patch: Record<string, unknown> = {};
  for (const [key, old] of Object.entries(before)) {
    const value = (after as Members)[key];
    if (value === undefined) {
      if (old !== undefined) patch[key] = null;
    } else if (isObject(old) && isObject(value)) {
      const inner = mergeDiff(old, value);
      if (inner !== undefined) patch[key] = inner;
    } else if (!deepEqual(old, value)) {
      patch[key] = value;
    }
  }
  for (const [key, value] of Object.entries(after)) {
    if (value !== undefined && (before as Members)[key] === undefined) patch[key] = value;
  }
  return Object.keys(patch).length === 0 ? undefined : patch;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
