export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface LogRecord {
  readonly level: LogLevel;
  readonly room: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Where records go. The composition root chooses; everything else only writes. */
export type LogSink = (record: LogRecord) => void;

export interface Log {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

export function createLog(room: string, sink: LogSink): Log {
  const at =
    (level: LogLevel) =>
    (message: string, fields: Readonly<Record<string, unknown>> = {}): void =>
      sink({ level, room, message, fields });
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** One line: `warn proxy: commit failed errno=16 error="no such device"`. */
export function formatRecord(record: LogRecord): string {
  const fields = Object.entries(record.fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}=${fieldText(value)}`)
    .join('');
  return `${record.level} ${record.room}: ${record.message}${fields}`;
}

/** Any value at all: a line that cannot be written must not break what wrote it. */
function fieldText(value: unknown): string {
  if (value instanceof Error) return JSON.stringify(value.message);
  if (typeof value === 'string') return /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
  try {
    return JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'bigint' ? `${inner}` : inner));
  } catch {
    return Object.prototype.toString.call(value);
  }
}

export const silentLog: Log = createLog('silent', () => {});
