import type { Semver } from './cel-value.ts';

const NUMBER = '(0|[1-9]\\d*)';
const EXACT = new RegExp(
  `^${NUMBER}\\.${NUMBER}\\.${NUMBER}(?:-([0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*))?(?:\\+([0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*))?$`,
);

/** A version by SemVer 2; undefined for anything else. */
export function parseSemver(text: string): Semver | undefined {
  const match = EXACT.exec(text);
  if (match === null) return undefined;
  const [, major = '0', minor = '0', patch = '0', before = '', build = ''] = match;
  const parts = before === '' ? [] : before.split('.');
  if (parts.some((part) => /^0\d+$/.test(part))) return undefined;
  return { numbers: [BigInt(major), BigInt(minor), BigInt(patch)], before: parts, build };
}

/** The same with what people leave out or put before: `v1.2`, `01.2.3`. */
export function normalizeSemver(text: string): string {
  const [core = '', ...rest] = text.replace(/^v/, '').split(/(?=[-+])/);
  const numbers = core.split('.').map((part) => part.replace(/^0+(?=\d)/, ''));
  while (numbers.length < 3) numbers.push('0');
  return numbers.join('.') + rest.join('');
}

export function compareSemver(a: Semver, b: Semver): number {
  for (const [index, left] of a.numbers.entries()) {
    const right = b.numbers[index] ?? 0n;
    if (left !== right) return left < right ? -1 : 1;
  }
  if (a.before.length === 0 || b.before.length === 0) return Number(b.before.length > 0) - Number(a.before.length > 0);
  for (const [index, left] of a.before.entries()) {
    const right = b.before[index];
    if (right === undefined) return 1;
    const order = compareParts(left, right);
    if (order !== 0) return order;
  }
  return a.before.length < b.before.length ? -1 : 0;
}

function compareParts(a: string, b: string): number {
  const [left, right] = [/^\d+$/.test(a), /^\d+$/.test(b)];
  if (left && right) return Number(BigInt(a) - BigInt(b));
  if (left !== right) return left ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}
