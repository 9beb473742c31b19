/** Lists that grew have room for more than is in them: half of all memory, with a million of them. */
export function exact<T>(list: readonly T[]): readonly T[] {
  return list.length === 0 ? NONE : list.slice();
}

const NONE: readonly never[] = Object.freeze([]);
