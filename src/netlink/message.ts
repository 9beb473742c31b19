import { align4, NLMSG_HDRLEN } from './align.ts';
import { DecodeError } from './attribute.ts';

/** enum { NLMSG_NOOP = 1, NLMSG_ERROR, NLMSG_DONE, NLMSG_OVERRUN }; types of families start at NLMSG_MIN_TYPE 0x10. */
export const NLMSG_NOOP = 1;
export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;
export const NLMSG_OVERRUN = 4;

export const NLM_F_REQUEST = 0x01;
export const NLM_F_MULTI = 0x02;
export const NLM_F_ACK = 0x04;
export const NLM_F_ECHO = 0x08;
/** The dump ran while the table changed: it may miss entries or hold them twice. */
export const NLM_F_DUMP_INTR = 0x10;

/** Modifiers of a GET request. #define NLM_F_DUMP (NLM_F_ROOT|NLM_F_MATCH) */
export const NLM_F_DUMP = 0x300;

/** Modifiers of a NEW request. */
export const NLM_F_REPLACE = 0x100;
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;
export const NLM_F_APPEND = 0x800;

/** Modifiers of a DELETE request. */
export const NLM_F_NONREC = 0x100;

/** Modifiers of an NLMSG_ERROR: the request is not echoed, attributes follow. */
export const NLM_F_CAPPED = 0x100;
export const NLM_F_ACK_TLVS = 0x200;

/** One message; `payload` shares memory with the datagram it came in. */
export interface Message {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly portId: number;
  readonly payload: Uint8Array;
}

/** struct nfgenmsg, the head of every netfilter message. */
export interface NetfilterHeader {
  readonly family: number;
  readonly version: number;
  readonly resourceId: number;
}

/** sizeof(struct nfgenmsg): attributes of a netfilter message start here. */
export const NFGENMSG_LENGTH = 4;

/** Splits a datagram into its messages. */
export function decodeMessages(bytes: Uint8Array): Message[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const messages: Message[] = [];
  let at = 0;
  while (bytes.length - at >= NLMSG_HDRLEN) {
    const length = view.getUint32(at, true);
    const rest = bytes.length - at;
    if (length < NLMSG_HDRLEN || length > rest) {
      throw new DecodeError(`Cannot decode a message: its length ${length} does not fit the ${rest} bytes left`);
    }
    messages.push({
      type: view.getUint16(at + 4, true),
      flags: view.getUint16(at + 6, true),
      sequence: view.getUint32(at + 8, true),
      portId: view.getUint32(at + 12, true),
      payload: bytes.subarray(at + NLMSG_HDRLEN, at + length),
    });
    at += align4(length);
  }
  if (at < bytes.length) {
    throw new DecodeError(`Cannot decode a message: ${bytes.length - at} bytes are fewer than a header`);
  }
  return messages;
}

/** The fixed head of a message, refused when it is cut short. `what` is the kernel's name of it. */
export function fixedHeader(payload: Uint8Array, length: number, what: string): DataView {
  if (payload.length < length) {
    throw new DecodeError(`Cannot decode struct ${what}: ${payload.length} bytes are fewer than ${length}`);
  }
  return new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
}

export function decodeNetfilterHeader(payload: Uint8Array): NetfilterHeader {
  const view = fixedHeader(payload, NFGENMSG_LENGTH, 'nfgenmsg');
  return { family: view.getUint8(0), version: view.getUint8(1), resourceId: view.getUint16(2, false) };
}
