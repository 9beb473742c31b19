import { NFGENMSG_LENGTH, type Message } from '#netlink/message.ts';
import { DATA, LIST_ELEM, SET_ELEM, SET_ELEM_LIST } from './attributes.ts';

/** struct nlattr { __u16 nla_len; __u16 nla_type; } */
const HEADER = 4;
/** NLA_TYPE_MASK: the upper bits say "nested" and "network byte order". */
const TYPE_MASK = 0x3fff;
const NONE = new Uint8Array();

/**
 * Keys and data of a dump, for maps of many thousand elements: `decodeElements` makes objects that a restart with a
 * million elements has no time for. The bytes are lent for the time of the call; verdicts read as no data.
 */
export function visitKeys(
  messages: readonly Message[],
  visit: (key: Uint8Array, data: Uint8Array, userdata: Uint8Array) => void,
): void {
  const [key, data] = [new Loan(), new Loan()];
  for (const { payload } of messages) {
    const list = find(payload, NFGENMSG_LENGTH, payload.length, SET_ELEM_LIST.ELEMENTS);
    if (list < 0) continue;
    const end = list + lengthAt(payload, list);
    for (let at = list + HEADER; at + HEADER <= end; at += align(lengthAt(payload, at))) {
      const length = lengthAt(payload, at);
      // A length that goes nowhere would never end.
      if (length < HEADER) break;
      if (typeAt(payload, at) !== LIST_ELEM) continue;
      visit(
        valueOf(payload, at, length, SET_ELEM.KEY, key),
        valueOf(payload, at, length, SET_ELEM.DATA, data),
        attributeOf(payload, at, length, SET_ELEM.USERDATA),
      );
    }
  }
}

/** The same array for all elements of a set: to make one for each takes longer than all else. */
class Loan {
  #bytes = NONE;

  of(bytes: Uint8Array, start: number, end: number): Uint8Array {
    if (this.#bytes.length !== end - start) this.#bytes = new Uint8Array(end - start);
    for (let i = start; i < end; i++) this.#bytes[i - start] = bytes[i] ?? 0;
    return this.#bytes;
  }
}

/** The DATA.VALUE inside of an attribute of an element. */
function valueOf(bytes: Uint8Array, element: number, length: number, type: number, loan: Loan): Uint8Array {
  const attribute = find(bytes, element + HEADER, element + length, type);
  if (attribute < 0) return NONE;
  const value = find(bytes, attribute + HEADER, attribute + lengthAt(bytes, attribute), DATA.VALUE);
  return value < 0 ? NONE : loan.of(bytes, value + HEADER, value + lengthAt(bytes, value));
}

function attributeOf(bytes: Uint8Array, element: number, length: number, type: number): Uint8Array {
  const at = find(bytes, element + HEADER, element + length, type);
  return at < 0 ? NONE : bytes.subarray(at + HEADER, at + lengthAt(bytes, at));
}

/** Where the first attribute of a type starts, -1 where there is none. */
function find(bytes: Uint8Array, start: number, end: number, type: number): number {
  for (let at = start; at + HEADER <= end;) {
    const length = lengthAt(bytes, at);
    if (length < HEADER) return -1;
    if (typeAt(bytes, at) === type) return at;
    at += align(length);
  }
  return -1;
}

function lengthAt(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
}

function typeAt(bytes: Uint8Array, at: number): number {
  return ((bytes[at + 2] ?? 0) | ((bytes[at + 3] ?? 0) << 8)) & TYPE_MASK;
}

/** NLA_ALIGN */
function align(length: number): number {
  return (length + 3) & ~3;
}
