import { CelError } from '../cel-error.ts';
import type { CelDuration, CelTimestamp } from '../cel-value.ts';
import { type CelFunction, define, type Definition } from './cel-function.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const NANOS_PER_MS = 1_000_000n;

const FIELDS = new Map<string, Intl.DateTimeFormat>();

/** How far a named zone is from UTC at a time, in milliseconds. */
function zoneOffset(zone: string, ms: number): number {
  const fixed = /^([+-]?)(\d\d):(\d\d)$/.exec(zone);
  if (fixed !== null) {
    const minutes = Number(fixed[2]) * 60 + Number(fixed[3]);
    return (fixed[1] === '-' ? -minutes : minutes) * MINUTE_MS;
  }
  try {
    const format = FIELDS.get(zone) ?? new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' });
    FIELDS.set(zone, format);
    const name = format.formatToParts(ms).find(({ type }) => type === 'timeZoneName')?.value ?? '';
    const [, sign = '', hours = '0', minutes = '0'] = /([+-])(\d\d):(\d\d)/.exec(name) ?? [];
    return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * MINUTE_MS;
  } catch {
    throw new CelError(`unknown time zone ${zone}`);
  }
}

function local({ nanos }: CelTimestamp, zone: string): Date {
  const ms = Number((nanos - (((nanos % NANOS_PER_MS) + NANOS_PER_MS) % NANOS_PER_MS)) / NANOS_PER_MS);
  return new Date(zone === '' || zone === 'UTC' ? ms : ms + zoneOffset(zone, ms));
}

function ofTime(read: (date: Date) => number): readonly Definition[] {
  return [
    ['timestamp.() -> int', (time: CelTimestamp) => BigInt(read(local(time, '')))],
    ['timestamp.(string) -> int', (time: CelTimestamp, zone: string) => BigInt(read(local(time, zone)))],
  ];
}

function ofDuration(unit: bigint): Definition {
  return ['duration.() -> int', ({ nanos }: CelDuration) => nanos / unit];
}

export const TIME_FUNCTIONS: readonly CelFunction[] = [
  define('getFullYear', ...ofTime((date) => date.getUTCFullYear())),
  define('getMonth', ...ofTime((date) => date.getUTCMonth())),
  define(
    'getDayOfYear',
    ...ofTime((date) => Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / DAY_MS)),
  ),
  define('getDayOfMonth', ...ofTime((date) => date.getUTCDate() - 1)),
  define('getDate', ...ofTime((date) => date.getUTCDate())),
  define('getDayOfWeek', ...ofTime((date) => date.getUTCDay())),
  define('getHours', ...ofTime((date) => date.getUTCHours()), ofDuration(3_600_000_000_000n)),
  define('getMinutes', ...ofTime((date) => date.getUTCMinutes()), ofDuration(60_000_000_000n)),
  define('getSeconds', ...ofTime((date) => date.getUTCSeconds()), ofDuration(1_000_000_000n)),
  define('getMilliseconds', ...ofTime((date) => date.getUTCMilliseconds()), ofDuration(1_000_000n)),
];
