const MONTHS = 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ');
const DAYS = 'sun mon tue wed thu fri sat'.split(' ');

interface Bounds {
  readonly min: number;
  readonly max: number;
  readonly names?: readonly string[];
}

const FIELDS: readonly Bounds[] = [
  { min: 0, max: 59 },
  { min: 0, max: 23 },
  { min: 1, max: 31 },
  { min: 1, max: 12, names: MONTHS },
  { min: 0, max: 6, names: DAYS },
];

const NAMED = new Set(['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly']);

/** Why a text is no schedule of cron, in the words of the parser that Kubernetes uses; undefined for one that is. */
export function scheduleProblem(text: string): string | undefined {
  if (text.startsWith('@')) {
    if (NAMED.has(text) || /^@every (\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+$/.test(text)) return undefined;
    return `unrecognized descriptor: ${text}`;
  }
  const fields = text.trim().split(/\s+/);
  if (/^(TZ|CRON_TZ)=/.test(text)) fields.shift();
  if (fields.length !== 5) return `expected exactly 5 fields, found ${fields.length}: [${fields.join(' ')}]`;
  for (const [index, field] of fields.entries()) {
    for (const part of field.split(',')) {
      const problem = partProblem(part, FIELDS[index] ?? { min: 0, max: 0 });
      if (problem !== undefined) return problem;
    }
  }
  return undefined;
}

function partProblem(part: string, bounds: Bounds): string | undefined {
  const [range = '', step, ...tooMany] = part.split('/');
  if (tooMany.length > 0) return `too many slashes: ${part}`;
  const ends = range.split('-');
  if (ends.length > 2) return `too many hyphens: ${part}`;
  const isAny = range === '*' || range === '?';
  const numbers = isAny ? [bounds.min, bounds.max] : ends.map((end) => numberOf(end, bounds));
  const bad = numbers.findIndex((number) => Number.isNaN(number));
  if (bad >= 0) return failedInt(ends[bad] ?? '');
  const [start = 0, end = start] = numbers;
  if (step !== undefined && !/^\d+$/.test(step)) return failedInt(step);
  if (step !== undefined && Number(step) === 0) return `step of range should be a positive number: ${part}`;
  return rangeProblem(start, end, bounds, part);
}

function rangeProblem(start: number, end: number, { min, max }: Bounds, part: string): string | undefined {
  if (start < min) return `beginning of range (${start}) below minimum (${min}): ${part}`;
  if (end > max) return `end of range (${end}) above maximum (${max}): ${part}`;
  return start > end ? `beginning of range (${start}) beyond end of range (${end}): ${part}` : undefined;
}

function numberOf(text: string, { names = [], min }: Bounds): number {
  const named = names.indexOf(text.toLowerCase());
  if (named >= 0) return named + min;
  return /^\d+$/.test(text) ? Number(text) : Number.NaN;
}

function failedInt(text: string): string {
  return `failed to parse int from ${text}: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`;
}
