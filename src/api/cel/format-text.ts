import { CelError } from './cel-error.ts';
import {
  CelDuration,
  CelList,
  type CelMap,
  CelTimestamp,
  CelTypeValue,
  CelUint,
  isMap,
  type CelValue,
} from './cel-value.ts';
import { goFloat } from './go-number.ts';
import { durationText, timestampText } from './time-text.ts';
import { valueType } from './value-type.ts';

const PRECISION = 6;

/** `text` with its `%` clauses filled in from `args`. */
export function formatText(text: string, args: readonly CelValue[]): string {
  let next = 0;
  return text.replaceAll(/%(%|(?:\.(\d+))?([\s\S])?)/g, (_, clause: string, digits?: string, letter?: string) => {
    if (clause === '%') return '%';
    const arg = args[next];
    if (arg === undefined) throw new CelError(`index ${next} out of range`);
    next += 1;
    if (letter === undefined) throw new CelError('unexpected end of string');
    return formatClause(letter, digits === undefined ? PRECISION : Number(digits), arg);
  });
}

function wrong(what: string, takes: string, value: CelValue): CelError {
  const { name } = valueType(value);
  return new CelError(`error during formatting: ${what} clause can only be used on ${takes}, was given ${name}`);
}

function integer(value: CelValue): bigint | undefined {
  if (typeof value === 'bigint') return value;
  return value instanceof CelUint ? value.value : undefined;
}

function float(value: CelValue): number | undefined {
  if (typeof value === 'number') return value;
  return value === 'NaN' || value === 'Infinity' || value === '-Infinity' ? Number(value) : undefined;
}

function formatClause(letter: string, precision: number, value: CelValue): string {
  switch (letter) {
    case 's':
      return plainText(value);
    case 'd': {
      const whole = integer(value);
      if (whole === undefined) throw wrong('decimal', 'integers', value);
      return String(whole);
    }
    case 'f': {
      const number = float(value);
      if (number === undefined) throw wrong('fixed-point', 'doubles', value);
      return Number.isFinite(number) ? number.toFixed(precision) : String(number).replace('Infinity', '∞');
    }
    case 'e': {
      const number = float(value);
      if (number === undefined) throw wrong('scientific', 'doubles', value);
      return scientific(number, precision);
    }
    case 'b':
      if (typeof value === 'boolean') return value ? '1' : '0';
      return inBase(2, 'binary', 'integers and bools', value);
    case 'o':
      return inBase(8, 'octal', 'integers', value);
    case 'x':
      return hex(value);
    case 'X':
      return hex(value).toUpperCase();
    default:
      throw new CelError(`could not parse formatting clause: unrecognized formatting clause "${letter}"`);
  }
}

const RAISED = '⁰¹²³⁴⁵⁶⁷⁸⁹';

/** As Kubernetes writes it for people: `1.5 × 10⁰³`, with narrow spaces. */
function scientific(value: number, precision: number): string {
  const [mantissa = '', exponent = '0'] = value.toExponential(precision).split('e');
  const digits = exponent.replace(/^[+-]/, '').padStart(2, '0');
  const raised = Array.from(digits, (digit) => RAISED[Number(digit)] ?? '').join('');
  return `${mantissa}\u202F×\u202F10${exponent.startsWith('-') ? '⁻' : ''}${raised}`;
}

function inBase(base: number, what: string, takes: string, value: CelValue): string {
  const whole = integer(value);
  if (whole === undefined) throw wrong(what, takes, value);
  return whole.toString(base);
}

function hex(value: CelValue): string {
  if (typeof value === 'string') return Buffer.from(value).toString('hex');
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  return inBase(16, 'hex', 'integers, byte buffers, and strings', value);
}

function plainText(value: CelValue): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return goFloat(value);
  if (value instanceof CelTimestamp) return timestampText(value.nanos);
  if (value instanceof CelDuration) return durationText(value);
  if (typeof value === 'boolean' || typeof value === 'bigint' || value === null) return String(value);
  if (value instanceof CelUint) return String(value.value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString();
  if (value instanceof CelTypeValue) return value.type.name;
  if (value instanceof CelList) return listText(value);
  if (isMap(value)) return mapText(value);
  throw wrong('string', 'strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps', value);
}

/** Within lists and maps values are written as an expression would have them. */
function innerText(value: CelValue): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (value instanceof Uint8Array) return `b${JSON.stringify(plainText(value))}`;
  if (typeof value === 'number')
    return Number.isFinite(value) ? value.toFixed(PRECISION) : JSON.stringify(goFloat(value));
  if (value instanceof CelTimestamp) return `timestamp("${plainText(value)}")`;
  if (value instanceof CelDuration) return `duration("${plainText(value)}")`;
  return plainText(value);
}

function listText(list: CelList): string {
  return `[${[...list].map(innerText).join(', ')}]`;
}

function mapText(map: CelMap): string {
  const entries = [...map.keys()].map((key) => [innerText(key), innerText(map.get(key) ?? null)] as const);
  const ordered = entries.toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${ordered.map(([key, value]) => `${key}:${value}`).join(', ')}}`;
}
