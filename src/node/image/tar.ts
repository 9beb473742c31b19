import { ImageFormatError } from './manifest.ts';

export type TarKind = 'file' | 'link' | 'symlink' | 'directory' | 'fifo' | 'device';

export interface TarEntry {
  readonly kind: TarKind;
  /** As the archive has it: may be absolute or lead out, so never to be used as it is. */
  readonly path: string;
  readonly linkPath: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  /** Seconds since 1970. */
  readonly mtime: number;
  /** Names without `SCHILY.xattr.`; values as they are. */
  readonly xattrs: ReadonlyMap<string, Buffer>;
}

export interface TarReader {
  /** The next entry; what of the body before was not read is passed over. */
  next(): Promise<TarEntry | undefined>;
  /** The entry's content, chunk by chunk. */
  body(): AsyncIterable<Buffer>;
  /** Reads what follows the last entry, so that nothing of the source is left. */
  drain(): Promise<void>;
}

const BLOCK = 512;

/** ustar with the extensions of GNU and POSIX (pax). */
export function readTar(source: AsyncIterable<Uint8Array>): TarReader {
  const bytes = new ByteReader(source);
  let left = 0;
  let padding = 0;
  const skip = async (): Promise<void> => {
    await bytes.skip(left + padding);
    left = 0;
    padding = 0;
  };
  async function* body(): AsyncGenerator<Buffer> {
    while (left > 0) {
      const chunk = await bytes.some(left);
      left -= chunk.length;
      yield chunk;
    }
  }
  const text = async (size: number): Promise<Buffer> => {
    if (size > MAX_EXTENSION) throw new ImageFormatError('an extended header of the archive is too large');
    const value = await bytes.exactly(size);
    await bytes.skip(paddingOf(size));
    return value;
  };
  return {
    body,
    drain: () => bytes.drain(),
    async next() {
      await skip();
      const extra = new Map<string, Buffer>();
      for (;;) {
        const header = await bytes.block();
        if (header === undefined || header.every((byte) => byte === 0)) return undefined;
        checkSum(header);
        const size = number(header, 124, 12);
        const type = String.fromCharCode(header[156] ?? 0);
        if (type === 'x') for (const [key, value] of paxRecords(await text(size))) extra.set(key, value);
        else if (type === 'g') await text(size);
        else if (type === 'L') extra.set('path', cString(await text(size)));
        else if (type === 'K') extra.set('linkpath', cString(await text(size)));
        else {
          const entry = entryOf(header, type, size, extra);
          left = entry.kind === 'file' ? entry.size : 0;
          padding = paddingOf(left);
          return entry;
        }
      }
    },
  };
}

const MAX_EXTENSION = 1 << 20;

function entryOf(header: Buffer, type: string, size: number, extra: ReadonlyMap<string, Buffer>): TarEntry {
  const prefix = header.toString('latin1', 257, 262) === 'ustar' ? string(header, 345, 155) : '';
  const plain = string(header, 0, 100);
  const given = (key: string): string | undefined => extra.get(key)?.toString();
  const path = given('path') ?? (prefix === '' ? plain : `${prefix}/${plain}`);
  if ([...extra.keys()].some((key) => key.startsWith('GNU.sparse.'))) {
    throw new ImageFormatError(`sparse file ${JSON.stringify(path)} is not supported`);
  }
  const xattrs = [...extra].flatMap(([key, value]) =>
    key.startsWith(XATTR) ? [[key.slice(XATTR.length), value] as const] : [],
  );
  return {
    kind: kindOf(type, path),
    path,
    linkPath: given('linkpath') ?? string(header, 157, 100),
    mode: number(header, 100, 8) & 0o7777,
    uid: Number(given('uid') ?? number(header, 108, 8)),
    gid: Number(given('gid') ?? number(header, 116, 8)),
    size: Number(given('size') ?? size),
    mtime: time(Number(given('mtime') ?? number(header, 136, 12))),
    xattrs: new Map(xattrs),
  };
}

/** Whatever the archive says, something that a date can be made of. */
function time(seconds: number): number {
  return Number.isNaN(seconds) ? 0 : Math.max(-MAX_SECONDS, Math.min(MAX_SECONDS, seconds));
}

/** ECMA-262, 21.4.1.1. */
const MAX_SECONDS = 8.64e12;

const XATTR = 'SCHILY.xattr.';

function kindOf(type: string, path: string): TarKind {
  switch (type) {
    case '1':
      return 'link';
    case '2':
      return 'symlink';
    case '3':
    case '4':
      return 'device';
    case '5':
      return 'directory';
    case '6':
      return 'fifo';
    case '0':
    case '7':
    case '\0':
      return path.endsWith('/') ? 'directory' : 'file';
    default:
      throw new ImageFormatError(
        `entry ${JSON.stringify(path)} of the archive has unknown type ${JSON.stringify(type)}`,
      );
  }
}

/** Records of `<length> <key>=<value>\n`, the length counting all of it. */
function paxRecords(bytes: Buffer): readonly (readonly [string, Buffer])[] {
  const records: (readonly [string, Buffer])[] = [];
  for (let at = 0; at < bytes.length;) {
    const space = bytes.indexOf(0x20, at);
    const length = Number(bytes.toString('latin1', at, space));
    const equals = bytes.indexOf(0x3d, space);
    if (space < 0 || equals < 0 || !(length > 0))
      throw new ImageFormatError('an extended header of the archive is broken');
    records.push([bytes.toString('utf8', space + 1, equals), bytes.subarray(equals + 1, at + length - 1)]);
    at += length;
  }
  return records;
}

/** Octal digits, or with the highest bit set the number itself, the highest byte first, in two's complement. */
function number(header: Buffer, at: number, length: number): number {
  if ((header[at] ?? 0) & 0x80) return Number(header.readBigInt64BE(at + length - 8));
  return Number.parseInt(string(header, at, length).trim() || '0', 8);
}

function string(header: Buffer, at: number, length: number): string {
  return cString(header.subarray(at, at + length)).toString();
}

function cString(bytes: Buffer): Buffer {
  const end = bytes.indexOf(0);
  return end < 0 ? bytes : bytes.subarray(0, end);
}

function checkSum(header: Buffer): void {
  let sum = 8 * 0x20;
  for (let at = 0; at < BLOCK; at++) if (at < 148 || at >= 156) sum += header[at] ?? 0;
  if (sum !== number(header, 148, 8))
    throw new ImageFormatError('the archive is broken: a header has a wrong checksum');
}

function paddingOf(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK;
}

class ByteReader {
  readonly #source: AsyncIterator<Uint8Array>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** At least one byte and at most `max`. */
  async some(max: number): Promise<Buffer> {
    if (this.#rest.length === 0 && !(await this.#more())) throw cut();
    const chunk = this.#rest.subarray(0, max);
    this.#rest = this.#rest.subarray(chunk.length);
    return chunk;
  }

  async exactly(size: number): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for (let left = size; left > 0;) {
      const chunk = await this.some(left);
      chunks.push(chunk);
      left -= chunk.length;
    }
    return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
  }

  async skip(size: number): Promise<void> {
    for (let left = size; left > 0;) left -= (await this.some(left)).length;
  }

  async drain(): Promise<void> {
    do this.#rest = this.#rest.subarray(this.#rest.length);
    while (await this.#more());
  }

  /** The next block, undefined at the end of the file: not every writer ends with blocks of zeros. */
  async block(): Promise<Buffer | undefined> {
    if (this.#rest.length === 0 && !(await this.#more())) return undefined;
    return this.exactly(BLOCK);
  }

  async #more(): Promise<boolean> {
    for (;;) {
      const { done, value } = await this.#source.next();
      if (done === true) return false;
      if (value.length === 0) continue;
      this.#rest = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
      return true;
    }
  }
}

function cut(): ImageFormatError {
  return new ImageFormatError('the archive is broken: it ends in the middle of an entry');
}
