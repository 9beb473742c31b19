import { CodedError } from '#base/errors.ts';

/** How a quantity was written, which is also how it is written out again. */
export type QuantityFormat = 'DecimalSI' | 'BinarySI' | 'DecimalExponent';

/** An exact amount: nanos are the finest that the API keeps, finer ones are rounded away from zero. */
export interface Quantity {
  readonly nanos: bigint;
  readonly format: QuantityFormat;
}

const PATTERN = '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$';
const QUANTITY_RE = new RegExp(PATTERN);
const DECIMAL_SUFFIXES: readonly (readonly [string, number])[] = [
  ['E', 18],
  ['P', 15],
  ['T', 12],
  ['G', 9],
  ['M', 6],
  ['k', 3],
  ['', 0],
  ['m', -3],
  ['u', -6],
  ['n', -9],
];
const BINARY_SUFFIXES: readonly string[] = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
const NANOS = 10n ** 9n;

interface Scale {
  readonly base: bigint;
  readonly exponent: number;
  readonly format: QuantityFormat;
}

function scaleOf(suffix: string): Scale | undefined {
  const decimal = DECIMAL_SUFFIXES.find(([name]) => name === suffix);
  if (decimal !== undefined) return { base: 10n, exponent: decimal[1], format: 'DecimalSI' };
  const binary = BINARY_SUFFIXES.indexOf(suffix);
  if (binary > 0) return { base: 1024n, exponent: binary, format: 'BinarySI' };
  const exponent = /^[eE]([-+]?\d+)$/.exec(suffix)?.[1];
  if (exponent === undefined) return undefined;
  return { base: 10n, exponent: Number(exponent), format: 'DecimalExponent' };
}

function divideAwayFromZero(value: bigint, by: bigint): bigint {
  const rest = value % by;
  if (rest === 0n) return value / by;
  return value / by + (value < 0n ? -1n : 1n);
}

function quantityError(message: string): CodedError {
  return new CodedError('InvalidQuantity', message);
}

/** Throws a CodedError `InvalidQuantity` with the text that clients see. */
export function parseQuantity(text: string): Quantity {
  const match = QUANTITY_RE.exec(text);
  if (match === null) throw quantityError(`quantities must match the regular expression '${PATTERN}'`);
  const number = /^([+-]?)(\d*)(?:\.(\d*))?$/.exec(match[1] ?? '');
  const scale = scaleOf(match[2] ?? '');
  if (number === null) throw quantityError('unable to parse numeric part of quantity');
  if (scale === undefined || Math.abs(scale.exponent) > 1000) throw quantityError("unable to parse quantity's suffix");
  const fraction = number[3] ?? '';
  const digits = BigInt(`${number[2] ?? ''}${fraction}` || '0') * (number[1] === '-' ? -1n : 1n);
  const up = scale.base === 10n ? Math.max(scale.exponent, 0) : scale.exponent;
  const down = fraction.length + (scale.base === 10n ? Math.max(-scale.exponent, 0) : 0);
  const nanos = divideAwayFromZero(digits * NANOS * scale.base ** BigInt(up), 10n ** BigInt(down));
  return { nanos, format: scale.format };
}

function formatDecimal(nanos: bigint, format: QuantityFormat): string {
  for (const [suffix, exponent] of DECIMAL_SUFFIXES) {
    const unit = 10n ** BigInt(exponent + 9);
    if (nanos % unit !== 0n) continue;
    const mantissa = nanos / unit;
    if (format === 'DecimalSI') return `${mantissa}${suffix}`;
    return exponent === 0 ? `${mantissa}` : `${mantissa}e${exponent}`;
  }
  return '0';
}

/** The canonical text: the largest unit that leaves no fraction. */
export function formatQuantity({ nanos, format }: Quantity): string {
  if (nanos === 0n) return '0';
  const size = nanos < 0n ? -nanos : nanos;
  // Small amounts in binary units, and those with a part of a byte, are shown in decimal ones.
  if (format !== 'BinarySI' || size < 1024n * NANOS || nanos % NANOS !== 0n) {
    return formatDecimal(nanos, format === 'BinarySI' ? 'DecimalSI' : format);
  }
  let value = nanos / NANOS;
  let unit = 0;
  while (value % 1024n === 0n && unit < BINARY_SUFFIXES.length - 1) {
    value /= 1024n;
    unit++;
  }
  return `${value}${BINARY_SUFFIXES[unit] ?? ''}`;
}

/** `1000m` -> `1`. Throws as `parseQuantity` does. */
export function canonicalQuantity(text: string): string {
  return formatQuantity(parseQuantity(text));
}

/** Negative, zero or positive, as for `sort`. */
export function compareQuantities(a: string, b: string): number {
  const left = parseQuantity(a).nanos;
  const right = parseQuantity(b).nanos;
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Whole units, rounded up: cores, bytes, Pods. */
export function quantityValue(text: string): number {
  return Number(divideAwayFromZero(parseQuantity(text).nanos, NANOS));
}

/** Thousandths, rounded up: what CPU is counted in. */
export function quantityMillis(text: string): number {
  return Number(divideAwayFromZero(parseQuantity(text).nanos, 10n ** 6n));
}
