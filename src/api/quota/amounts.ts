import { formatQuantity, parseQuantity } from '../quantity.ts';

/** Amounts by their names, in nanos. */
export type Amounts = ReadonlyMap<string, bigint>;

const ONE = 1_000_000_000n;

export function count(...names: readonly string[]): [string, bigint][] {
  return names.map((name) => [name, ONE]);
}

export function whole(number: number): bigint {
  return BigInt(number) * ONE;
}

export function amountsOf(texts: Readonly<Record<string, string>> | undefined): Amounts {
  return new Map(Object.entries(texts ?? {}).map(([name, text]) => [name, parseQuantity(text).nanos]));
}

/** Memory and storage are told in powers of two, all else in powers of ten. */
export function amountText(name: string, nanos: bigint): string {
  return formatQuantity({ nanos, format: /memory|storage|hugepages/.test(name) ? 'BinarySI' : 'DecimalSI' });
}

export function combine(a: Amounts, b: Amounts, by: (a: bigint, b: bigint) => bigint): Map<string, bigint> {
  const result = new Map(a);
  for (const [name, amount] of b) {
    const before = result.get(name);
    result.set(name, before === undefined ? amount : by(before, amount));
  }
  return result;
}

export function sum(a: Amounts, b: Amounts): Map<string, bigint> {
  return combine(a, b, (left, right) => left + right);
}

export function texts(amounts: Amounts): Record<string, string> {
  return Object.fromEntries([...amounts].map(([name, nanos]) => [name, amountText(name, nanos)]));
}

/** `cpu=500m,pods=1` */
export function shown(amounts: Amounts, names: Iterable<string>): string {
  return [...names]
    .toSorted()
    .map((name) => `${name}=${amountText(name, amounts.get(name) ?? 0n)}`)
    .join(',');
}
