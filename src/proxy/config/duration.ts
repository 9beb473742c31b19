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

/** As Go prints it: `1h0m0s`, `1m30s`, `250ms`, `0s`. */
export function formatDuration(ms: number): string {
  const sign = ms < 0 ? '-' : '';
  const size = Math.abs(ms);
  if (size === 0) return '0s';
  if (size < 1000) return size < 1 ? `${sign}${size * 1000}µs` : `${sign}${size}ms`;
  const hours = Math.floor(size / 3_600_000);
  const minutes = Math.floor((size % 3_600_000) / 60_000);
  const parts = hours > 0 ? [`${hours}h`, `${minutes}m`] : minutes > 0 ? [`${minutes}m`] : [];
  return `${sign}${parts.join('')}${(size % 60_000) / 1000}s`;
}
