import { CodedError } from '#base/errors.ts';
import { startOfDay, wallClock } from './zoned-time.ts';

/** Five fields as sets of values, or a fixed distance. */
export type CronSchedule =
  | {
      readonly kind: 'fields';
      readonly minutes: ReadonlySet<number>;
      readonly hours: ReadonlySet<number>;
      readonly days: ReadonlySet<number>;
      readonly months: ReadonlySet<number>;
      readonly weekdays: ReadonlySet<number>;
      /** Neither field of days is a star: then one that matches is enough. */
      readonly eitherDay: boolean;
    }
  | { readonly kind: 'every'; readonly ms: number };

const MACROS: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

interface Field {
  readonly min: number;
  readonly max: number;
  readonly names: readonly string[];
}

const FIELDS: readonly Field[] = [
  { min: 0, max: 59, names: [] },
  { min: 0, max: 23, names: [] },
  { min: 1, max: 31, names: [] },
  { min: 1, max: 12, names: MONTHS },
  { min: 0, max: 6, names: WEEKDAYS },
];

function refuse(text: string, why: string): never {
  throw new CodedError('InvalidSchedule', `Cannot parse schedule "${text}": ${why}`);
}

export function parseSchedule(text: string): CronSchedule {
  const trimmed = text.trim();
  if (trimmed.startsWith('@every ')) return { kind: 'every', ms: parseEvery(text, trimmed.slice('@every '.length)) };
  const expanded = trimmed.startsWith('@') ? (MACROS[trimmed] ?? refuse(text, 'unknown macro')) : trimmed;
  const parts = expanded.split(/\s+/);
  if (parts.length !== FIELDS.length) refuse(text, `expected 5 fields, found ${expanded === '' ? 0 : parts.length}`);
  const [minutes, hours, days, months, weekdays] = FIELDS.map((field, i) => parseField(text, parts[i] ?? '', field));
  const isStar = (i: number): boolean => (parts[i] ?? '').split(',').some((part) => /^[*?](\/1)?$/.test(part));
  const none = new Set<number>();
  return {
    kind: 'fields',
    minutes: minutes ?? none,
    hours: hours ?? none,
    days: days ?? none,
    months: months ?? none,
    weekdays: weekdays ?? none,
    eitherDay: !isStar(2) && !isStar(4),
  };
}

/** Lists of `*`, `n`, `n-m`, each with a step after a slash. */
function parseField(text: string, part: string, field: Field): ReadonlySet<number> {
  const values = new Set<number>();
  for (const item of part.split(',')) {
    const [range = '', step, ...more] = item.split('/');
    if (more.length > 0 || !/^[1-9]\d*$/.test(step ?? '1')) refuse(text, `bad step in "${item}"`);
    const { first, last } = parseRange(text, range, field, step !== undefined);
    for (let value = first; value <= last; value += Number(step ?? 1)) values.add(value);
  }
  return values;
}

/** With a step `5` means from 5 on. */
function parseRange(text: string, range: string, field: Field, isOpen: boolean): { first: number; last: number } {
  if (range === '*' || range === '?') return { first: field.min, last: field.max };
  const [from = '', to, ...rest] = range.split('-');
  if (rest.length > 0) refuse(text, `bad range "${range}"`);
  const first = parseValue(text, from, field);
  const last = to === undefined && isOpen ? field.max : parseValue(text, to ?? from, field);
  return first > last ? refuse(text, `bad range "${range}"`) : { first, last };
}

function parseValue(text: string, token: string, { min, max, names }: Field): number {
  const named = names.indexOf(token.toLowerCase());
  if (named < 0 && !/^\d+$/.test(token)) refuse(text, `bad value "${token}"`);
  const value = named >= 0 ? named + min : Number(token);
  return value >= min && value <= max ? value : refuse(text, `${value} is not within ${min} and ${max}`);
}

const UNITS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };

/** Whole seconds, one at least. */
function parseEvery(text: string, duration: string): number {
  if (!/^(\d+(\.\d+)?(h|ms|m|s))+$/.test(duration)) refuse(text, `bad duration "${duration}"`);
  const parts = duration.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|s)/g);
  const ms = [...parts].reduce((sum, [, count, unit]) => sum + Number(count) * (UNITS[unit ?? ''] ?? 0), 0);
  return Math.max(1000, Math.floor(ms / 1000) * 1000);
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** 29 February on a given weekday can take 28 years, and 40 over a century's end. */
const HORIZON = 41 * 366 * 24 * HOUR;

/**
 * The first time after `after`, ms; undefined for a date that never comes. Times that clocks skip are skipped, times that
 * they show twice are met twice.
 */
export function nextTime(schedule: CronSchedule, after: number, zone: string): number | undefined {
  if (schedule.kind === 'every') return Math.floor(after / 1000) * 1000 + schedule.ms;
  const { months, hours, minutes } = schedule;
  let time = (Math.floor(after / MINUTE) + 1) * MINUTE;
  while (time - after < HORIZON) {
    const { year, month, day, weekday, hour, minute } = wallClock(time, zone);
    let next: number;
    if (!months.has(month)) next = startOfDay(year, month + 1, 1, zone);
    else if (!matchesDay(schedule, day, weekday)) next = startOfDay(year, month, day + 1, zone);
    else if (!hours.has(hour)) next = time + HOUR - minute * MINUTE;
    else if (!minutes.has(minute)) next = time + MINUTE;
    else return time;
    time = next > time ? next : time + HOUR;
  }
  return undefined;
}

function matchesDay(schedule: CronSchedule & { kind: 'fields' }, day: number, weekday: number): boolean {
  const byDay = schedule.days.has(day);
  const byWeekday = schedule.weekdays.has(weekday);
  return schedule.eitherDay ? byDay || byWeekday : byDay && byWeekday;
}

/** The last time that has come since `since`, and about how many have; undefined when none has. */
export function lastTime(
  schedule: CronSchedule,
  since: number,
  now: number,
  zone: string,
): { readonly at: number; readonly missed: number } | undefined {
  const first = nextTime(schedule, since, zone);
  if (first === undefined || first > now) return undefined;
  const second = nextTime(schedule, first, zone);
  if (second === undefined || second > now) return { at: first, missed: 1 };
  const gap = second - first;
  // Looks back further and further: after a long sleep there is no need to walk through years of minutes.
  for (let window = 8 * gap; ; window *= 8) {
    const from = Math.max(first, now - window);
    let at = first;
    for (let next = nextTime(schedule, from, zone); next !== undefined && next <= now;) {
      at = next;
      next = nextTime(schedule, at, zone);
    }
    if (at > first || from === first) return { at, missed: Math.floor((now - first) / gap) + 1 };
  }
}
