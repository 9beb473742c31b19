const MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};
const PART = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)/gy;

/** Milliseconds of what Go's time.ParseDuration reads: `1h0m0s`, `1.5h`, `250ms`, `0`; undefined for all else. */
export function parseDuration(text: string): number | undefined {
  if (text === '0') return 0;
  const sign = text.startsWith('-') ? -1 : 1;
  const body = text.replace(/^[+-]/, '');
  let sum = 0;
  let end = 0;
  for (const [part, number, unit = ''] of body.matchAll(PART)) {
    sum += Number(number) * (MS[unit] ?? Number.NaN);
    end += part.length;
  }
  return end > 0 && end === body.length ? sign * sum : undefined;
}
