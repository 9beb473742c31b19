/** Of any length, and never with zeros in front (KEP-5504). */
const NUMBER = /^(?:0|[1-9]\d*)$/;

/** Negative where `a` is older than `b`, positive where it is newer; undefined where that cannot be told. */
export function compareVersions(a: string | undefined, b: string | undefined): number | undefined {
  if (a === undefined || b === undefined || !NUMBER.test(a) || !NUMBER.test(b)) return undefined;
  if (a.length !== b.length) return a.length - b.length;
  return a === b ? 0 : a < b ? -1 : 1;
}
