import type { Clock } from '#base/clock.ts';

/** What part of a container's log is wanted, as the query of `/containerLogs` says it. */
export interface LogOptions {
  readonly follow: boolean;
  readonly previous: boolean;
  readonly timestamps: boolean;
  /** Entries before this are left out. RFC 3339 in UTC with nine digits: it compares as text. */
  readonly since: string | undefined;
  readonly tailLines: number | undefined;
  readonly limitBytes: number | undefined;
  readonly stream: 'stdout' | 'stderr' | undefined;
}

/** Throws `RangeError` with a text for the client. */
export function parseLogOptions(query: URLSearchParams, clock: Pick<Clock, 'now'>): LogOptions {
  const sinceSeconds = integer(query, 'sinceSeconds', 1);
  const sinceTime = query.get('sinceTime') || undefined;
  return {
    follow: flag(query, 'follow'),
    previous: flag(query, 'previous'),
    timestamps: flag(query, 'timestamps'),
    since:
      sinceSeconds === undefined
        ? sinceTime && utcNano(sinceTime)
        : utcNano(new Date(clock.now() - sinceSeconds * 1000).toISOString()),
    tailLines: integer(query, 'tailLines', 0),
    limitBytes: integer(query, 'limitBytes', 1),
    stream: streamOf(query.get('stream')),
  };
}

function flag(query: URLSearchParams, name: string): boolean {
  return ['true', '1', 't', 'True', 'TRUE', 'T'].includes(query.get(name) ?? '');
}

function integer(query: URLSearchParams, name: string, least: number): number | undefined {
  const text = query.get(name);
  if (text === null || text === '') return undefined;
  const value = Number(text);
  if (!/^-?\d+$/.test(text)) throw new RangeError(`Cannot read ${name} "${text}": it must be a whole number`);
  if (value < least) throw new RangeError(`Cannot use ${name} "${text}": it must be at least ${least}`);
  return value;
}

/** Any RFC 3339 time in UTC with nine digits of fraction. */
function utcNano(text: string): string {
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) throw new RangeError(`Cannot read sinceTime "${text}": it must be a time of RFC 3339`);
  const fraction = /\.(\d+)/.exec(text)?.[1] ?? '';
  return new Date(ms).toISOString().replace(/\.\d+Z$/, `.${fraction.slice(0, 9).padEnd(9, '0')}Z`);
}

function streamOf(name: string | null): 'stdout' | 'stderr' | undefined {
  const known = { Stdout: 'stdout', Stderr: 'stderr' } as const;
  return name === 'Stdout' || name === 'Stderr' ? known[name] : undefined;
}
