import { Re2 } from '#api/re2/regexp.ts';
import { nameText } from '../../name.ts';

/** A configuration without what is at its default, names as text. */
export function shown(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_, inner: unknown) => {
      if (inner instanceof Re2) return `/${inner.source}/`;
      return typeof inner === 'string' && inner.endsWith('\0') ? nameText(inner) : inner;
    }),
  );
}
