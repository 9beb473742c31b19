import { CodedError } from '#base/errors.ts';

/** A frame of SPDY/3.1. Header blocks are still compressed. A data frame may come in several pieces, `fin` on the last. */
export type Frame =
  | { readonly kind: 'data'; readonly streamId: number; readonly fin: boolean; readonly bytes: Buffer }
  | { readonly kind: 'synStream'; readonly streamId: number; readonly fin: boolean; readonly block: Buffer }
  | { readonly kind: 'synReply'; readonly streamId: number; readonly fin: boolean; readonly block: Buffer }
  | { readonly kind: 'headers'; readonly streamId: number; readonly fin: boolean; readonly block: Buffer }
  | { readonly kind: 'rstStream'; readonly streamId: number; readonly status: number }
  | { readonly kind: 'ping'; readonly id: number }
  | { readonly kind: 'goAway'; readonly lastStreamId: number; readonly status: number }
  /** SETTINGS, WINDOW_UPDATE and what we do not know: no peer of ours keeps to windows, TCP does that for them. */
  | { readonly kind: 'other'; readonly type: number };

export type SpdyErrorCode = 'ERR_SPDY_PROTOCOL' | 'ERR_SPDY_TOO_LARGE';

export class SpdyError extends CodedError {
  declare readonly code: SpdyErrorCode;

  constructor(code: SpdyErrorCode, message: string) {
    super(code, message);
    this.name = 'SpdyError';
  }
}

const VERSION = 3;
const SYN_STREAM = 1;
const SYN_REPLY = 2;
const RST_STREAM = 3;
const PING = 6;
const GOAWAY = 7;
const HEADERS = 8;
const FLAG_FIN = 1;
const HEAD_BYTES = 8;

/** Control frames of kubectl take some hundred bytes. */
const MAX_CONTROL_BYTES = 64 * 1024;
const MAX_DATA_BYTES = 0xff_ffff;

/** Cuts a byte stream into frames. */
export class FrameParser {
  #pending: Buffer = Buffer.alloc(0);
  #data: { streamId: number; fin: boolean; left: number } | undefined;

  /** The frames that `chunk` completes. Throws `SpdyError`. */
  push(chunk: Buffer): Frame[] {
    const frames: Frame[] = [];
    let bytes = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    for (;;) {
      if (this.#data !== undefined) {
        if (bytes.length === 0 && this.#data.left > 0) break;
        const { streamId, fin, left } = this.#data;
        const piece = bytes.subarray(0, left);
        bytes = bytes.subarray(piece.length);
        const done = piece.length === left;
        this.#data = done ? undefined : { streamId, fin, left: left - piece.length };
        frames.push({ kind: 'data', streamId, fin: fin && done, bytes: piece });
        continue;
      }
      if (bytes.length < HEAD_BYTES) break;
      const length = bytes.readUIntBE(5, 3);
      const head = bytes.readUInt32BE(0);
      if (head < 0x8000_0000) {
        this.#data = { streamId: head, fin: ((bytes[4] ?? 0) & FLAG_FIN) !== 0, left: length };
        bytes = bytes.subarray(HEAD_BYTES);
        continue;
      }
      if (length > MAX_CONTROL_BYTES) {
        throw new SpdyError(
          'ERR_SPDY_TOO_LARGE',
          `Cannot read a control frame of ${length} bytes: the limit is ${MAX_CONTROL_BYTES}`,
        );
      }
      if (bytes.length < HEAD_BYTES + length) break;
      frames.push(controlFrame(bytes.subarray(0, HEAD_BYTES + length)));
      bytes = bytes.subarray(HEAD_BYTES + length);
    }
    this.#pending = bytes;
    return frames;
  }
}

function controlFrame(bytes: Buffer): Frame {
  const version = bytes.readUInt16BE(0) & 0x7fff;
  if (version !== VERSION) {
    throw new SpdyError('ERR_SPDY_PROTOCOL', `Cannot read a frame of SPDY version ${version}: it must be ${VERSION}`);
  }
  const type = bytes.readUInt16BE(2);
  const fin = ((bytes[4] ?? 0) & FLAG_FIN) !== 0;
  const body = bytes.subarray(HEAD_BYTES);
  const needed = { [SYN_STREAM]: 10, [SYN_REPLY]: 4, [RST_STREAM]: 8, [PING]: 4, [GOAWAY]: 8, [HEADERS]: 4 }[type] ?? 0;
  if (body.length < needed) {
    throw new SpdyError('ERR_SPDY_PROTOCOL', `Cannot read a frame of type ${type}: ${body.length} bytes are too few`);
  }
  const streamId = needed === 0 ? 0 : body.readUInt32BE(0) & 0x7fff_ffff;
  switch (type) {
    case SYN_STREAM:
      // Associated stream, priority and credential slot stand between the stream and its headers.
      return { kind: 'synStream', streamId, fin, block: body.subarray(10) };
    case SYN_REPLY:
      return { kind: 'synReply', streamId, fin, block: body.subarray(4) };
    case HEADERS:
      return { kind: 'headers', streamId, fin, block: body.subarray(4) };
    case RST_STREAM:
      return { kind: 'rstStream', streamId, status: body.readUInt32BE(4) };
    case PING:
      return { kind: 'ping', id: body.readUInt32BE(0) };
    case GOAWAY:
      return { kind: 'goAway', lastStreamId: streamId, status: body.readUInt32BE(4) };
    default:
      return { kind: 'other', type };
  }
}

function control(type: number, flags: number, body: readonly Uint8Array[]): Buffer {
  const bytes = Buffer.concat(body);
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt16BE(0x8000 | VERSION, 0);
  head.writeUInt16BE(type, 2);
  head.writeUInt8(flags, 4);
  head.writeUIntBE(bytes.length, 5, 3);
  return Buffer.concat([head, bytes]);
}

function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, index * 4);
  return bytes;
}

export function synStreamFrame(streamId: number, block: Uint8Array, fin: boolean = false): Buffer {
  return control(SYN_STREAM, fin ? FLAG_FIN : 0, [words(streamId, 0), Buffer.alloc(2), block]);
}

export function synReplyFrame(streamId: number, block: Uint8Array): Buffer {
  return control(SYN_REPLY, 0, [words(streamId), block]);
}

export function rstStreamFrame(streamId: number, status: number): Buffer {
  return control(RST_STREAM, 0, [words(streamId, status)]);
}

export function pingFrame(id: number): Buffer {
  return control(PING, 0, [words(id)]);
}

export function goAwayFrame(lastStreamId: number): Buffer {
  return control(GOAWAY, 0, [words(lastStreamId, 0)]);
}

/** The eight bytes in front of a data frame's bytes. */
export function dataFrameHead(streamId: number, length: number, fin: boolean): Buffer {
  if (length > MAX_DATA_BYTES) {
    throw new SpdyError(
      'ERR_SPDY_TOO_LARGE',
      `Cannot send a data frame of ${length} bytes: the limit is ${MAX_DATA_BYTES}`,
    );
  }
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32BE(streamId, 0);
  head.writeUInt8(fin ? FLAG_FIN : 0, 4);
  head.writeUIntBE(length, 5, 3);
  return head;
}
