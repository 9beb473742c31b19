import type { Readable } from 'node:stream';
import type { Status } from '#api/object.ts';
import type { TerminalSize } from '../runtime.ts';

/** The client's end of an exec or attach, whatever it is carried by. */
export interface RemoteSession {
  /** What the client types; ends when it closes its input. Absent when it asked for none. */
  readonly stdin: Readable | undefined;
  /** Resolves when the connection can take more. Bytes of a stream that the client did not ask for are dropped. */
  write(stream: 'stdout' | 'stderr', bytes: Uint8Array): Promise<void>;
  onResize(listener: (size: TerminalSize) => void): void;
  /** Ends all streams, tells the outcome and closes the connection. */
  finish(outcome: Status): Promise<void>;
  /** Aborts when the client goes away. */
  readonly gone: AbortSignal;
}

/** Which streams the client wants. */
export interface StdioRequest {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

/** A resize message: `{"Width":80,"Height":24}`. */
export function parseTerminalSize(text: string): TerminalSize | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { Width: columns, Height: rows } = (value ?? {}) as { Width?: unknown; Height?: unknown };
  const fits = (size: unknown): size is number =>
    Number.isInteger(size) && (size as number) > 0 && (size as number) < 65536;
  return fits(columns) && fits(rows) ? { columns, rows } : undefined;
}
