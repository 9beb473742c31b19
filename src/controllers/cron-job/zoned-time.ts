export interface WallClock {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  readonly day: number;
  /** 0 is Sunday. */
  readonly weekday: number;
  readonly hour: number;
  readonly minute: number;
}

const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(zone: string): Intl.DateTimeFormat {
  let format = formats.get(zone);
  if (format === undefined) {
    const options = { year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric' } as const;
    format = new Intl.DateTimeFormat('en-US', { timeZone: zone, hourCycle: 'h23', era: 'short', ...options });
    formats.set(zone, format);
  }
  return format;
}

/** Whether it is a name of the time zone database. */
export function isTimeZone(zone: string): boolean {
  try {
    formatOf(zone);
    return true;
  } catch {
    return false;
  }
}

/** What clocks on the wall show in the zone. */
export function wallClock(ms: number, zone: string): WallClock {
  const parts = new Map(
    formatOf(zone)
      .formatToParts(ms)
      .map(({ type, value }) => [type, Number(value)]),
  );
  const [year = 0, month = 0, day = 0] = [parts.get('year'), parts.get('month'), parts.get('day')];
  const weekday = new Date(Date.UTC(year, month - 1, day)).getUTCDay();
  return { year, month, day, weekday, hour: parts.get('hour') ?? 0, minute: parts.get('minute') ?? 0 };
}

/** The start of a local day; an hour off where clocks are changed at midnight. Months and days may overflow. */
export function startOfDay(year: number, month: number, day: number, zone: string): number {
  const wanted = Date.UTC(year, month - 1, day);
  const shown = (ms: number): number => {
    const { year: y, month: m, day: d, hour, minute } = wallClock(ms, zone);
    return Date.UTC(y, m - 1, d, hour, minute);
  };
  const first = wanted - (shown(wanted) - wanted);
  return first - (shown(first) - wanted);
}
