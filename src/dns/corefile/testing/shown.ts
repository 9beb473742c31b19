import { nameText } from '../../name.ts';

/** A configuration without what is at its default, names as text. */
export function shown(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_, inner: unknown) => {
      if (inner instanceof RegExp) return String(inner);
      return typeof inner === 'string' && inner.endsWith('\0') ? nameText(inner) : inner;
    }),
  );
}
