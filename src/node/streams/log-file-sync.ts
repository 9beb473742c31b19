import { type FileHandle, open } from 'node:fs/promises';
import { errorCode } from '#base/errors.ts';
import { LogFormatter } from './log-formatter.ts';
import type { LogOptions } from './log-options.ts';

const CHUNK_BYTES = 64 * 1024;
const NEWLINE = 10;

/** News of a container that is being followed. */
export interface LogNews {
  /** Resolves true when there may be more to read, false when the container has ended and will write no more. */
  next(): Promise<boolean>;
}

/**
 * The log at `path`, with the older part that rotation has moved to `<path>.1`, as the client gets it. With `news` it goes
 * on until the container ends, over rotations too; stop it by leaving the loop.
 */
export async function* readLog(path: string, options: LogOptions, news?: LogNews): AsyncGenerator<Buffer> {
  const formatter = new LogFormatter(options);
  let file = await openFile(path);
  const older = await openOlder(path, file);
  try {
    const start = await startOf(older, file, options.tailLines);
    if (older !== undefined) yield* readToEnd(older, start.older, formatter);
    let position: { at: number } = { at: start.file };
    for (;;) {
      if (file !== undefined) yield* readToEnd(file, position, formatter);
      if (news === undefined || formatter.full) return;
      const alive = await news.next();
      // What was written before the end, or before a rotation, is still in the file we hold.
      if (file !== undefined) yield* readToEnd(file, position, formatter);
      if (formatter.full) return;
      const newer = await openNewer(path, file);
      if (newer !== undefined) {
        await file?.close();
        file = newer;
        position = { at: 0 };
      } else if (!alive) return;
    }
  } finally {
    await older?.close();
    await file?.close();
  }
}

async function openFile(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** `<path>.1`, unless the file was moved there after we had opened it. */
async function openOlder(path: string, file: FileHandle | undefined): Promise<FileHandle | undefined> {
  const older = await openFile(`${path}.1`);
  if (older === undefined || file === undefined) return older;
  if ((await older.stat()).ino !== (await file.stat()).ino) return older;
  await older.close();
  return undefined;
}

/** The file at `path` when it is another than the one we hold. */
async function openNewer(path: string, file: FileHandle | undefined): Promise<FileHandle | undefined> {
  const newer = await openFile(path);
  if (newer === undefined || file === undefined) return newer;
  if ((await newer.stat()).ino !== (await file.stat()).ino) return newer;
  await newer.close();
  return undefined;
}

/** Yields what is between the position and the last newline, and moves the position there. */
async function* readToEnd(file: FileHandle, position: { at: number }, formatter: LogFormatter): AsyncGenerator<Buffer> {
  let buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  while (!formatter.full) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, position.at);
    const end = buffer.subarray(0, bytesRead).lastIndexOf(NEWLINE) + 1;
    if (end === 0) {
      if (bytesRead < buffer.length) return;
      buffer = Buffer.allocUnsafe(buffer.length * 2);
      continue;
    }
    position.at += end;
    const text = formatter.format(buffer.subarray(0, end));
    // The consumer keeps what it gets until it is sent: it must not be read into again.
    if (text.length > 0) yield text;
  }
}

async function startOf(
  older: FileHandle | undefined,
  file: FileHandle | undefined,
  tailLines: number | undefined,
): Promise<{ older: { at: number }; file: number }> {
  if (tailLines === undefined) return { older: { at: 0 }, file: 0 };
  const newer = file === undefined ? { at: 0, missing: tailLines } : await tailStart(file, tailLines);
  const old = older === undefined ? { at: 0 } : await tailStart(older, newer.missing);
  return { older: { at: old.at }, file: newer.at };
}

/** Where the last `lines` lines begin, and how many lines there are too few. */
async function tailStart(file: FileHandle, lines: number): Promise<{ at: number; missing: number }> {
  const { size } = await file.stat();
  if (lines === 0) return { at: size, missing: 0 };
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  let found = 0;
  for (let end = size; end > 0;) {
    const start = Math.max(0, end - CHUNK_BYTES);
    const { bytesRead } = await file.read(buffer, 0, end - start, start);
    for (let at = bytesRead - 1; at >= 0; at--) {
      // The newline at the very end closes the last line, it begins none.
      if (buffer[at] !== NEWLINE || start + at === size - 1) continue;
      if (++found === lines) return { at: start + at + 1, missing: 0 };
    }
    end = start;
  }
  return { at: 0, missing: size === 0 ? lines : lines - found - 1 };
}
