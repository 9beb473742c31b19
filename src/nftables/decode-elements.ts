import { AttributeReader } from '#netlink/attribute.ts';
import { NFGENMSG_LENGTH, type Message } from '#netlink/message.ts';
import { ELEM_INTERVAL_END, LIST_ELEM, SET_ELEM, SET_ELEM_LIST, space } from './attributes.ts';
import { compareBytes } from './key.ts';
import type { Verdict } from './statement.ts';
import type { Element } from './table.ts';
import { COMMENT, findComment } from './userdata.ts';
import { decodeData } from './verdict.ts';

const listSpace = space('SET_ELEM_LIST', SET_ELEM_LIST);
const elementsSpace = space('LIST', { ELEM: LIST_ELEM });
const elementSpace = space('SET_ELEM', SET_ELEM);

/** One element as the kernel has it: an interval is two of them. */
interface RawElement {
  readonly key: Uint8Array;
  readonly data?: Uint8Array | Verdict;
  readonly isEnd: boolean;
  readonly comment?: string;
}

/** The elements in NFT_MSG_NEWSETELEM messages, each handed on as it is met; its bytes are those of the message. */
function forEachElement(messages: readonly Message[], visit: (element: RawElement) => void): void {
  for (const message of messages) {
    const reader = new AttributeReader(message.payload, listSpace, NFGENMSG_LENGTH);
    while (reader.next()) {
      if (reader.type !== SET_ELEM_LIST.ELEMENTS) continue;
      const list = reader.nested(elementsSpace);
      while (list.next()) visit(decodeElement(list.nested(elementSpace)));
    }
  }
}

/** All elements of a set that is not an interval set. */
export function decodeElements(messages: readonly Message[]): Element[] {
  const elements: Element[] = [];
  forEachElement(messages, ({ key, data, comment }) => elements.push({ key, ...split(data), ...noted(comment) }));
  return elements;
}

/** The elements of an interval set: starts paired with the ends that follow them. */
export function decodeIntervals(messages: readonly Message[]): Element[] {
  const raw: RawElement[] = [];
  forEachElement(messages, (element) => raw.push(element));
  // At the same key an interval ends before the next one starts.
  raw.sort((a, b) => compareBytes(a.key, b.key) || Number(b.isEnd) - Number(a.isEnd));
  const elements: Element[] = [];
  raw.forEach((element, i) => {
    if (element.isEnd) return;
    const next = raw[i + 1];
    const end = next === undefined ? {} : { end: next.key };
    elements.push({ key: element.key, ...end, ...split(element.data), ...noted(element.comment) });
  });
  return elements;
}

function split(data: Uint8Array | Verdict | undefined): { data?: Uint8Array; verdict?: Verdict } {
  if (data === undefined) return {};
  return data instanceof Uint8Array ? { data } : { verdict: data };
}

function noted(comment: string | undefined): { comment?: string } {
  return comment === undefined ? {} : { comment };
}

function decodeElement(reader: AttributeReader): RawElement {
  let key: Uint8Array = new Uint8Array();
  let data: Uint8Array | Verdict | undefined;
  let isEnd = false;
  let comment: string | undefined;
  while (reader.next()) {
    switch (reader.type) {
      case SET_ELEM.KEY: {
        const bytes = decodeData(reader);
        if (bytes instanceof Uint8Array) key = bytes;
        break;
      }
      case SET_ELEM.DATA:
        data = decodeData(reader);
        break;
      case SET_ELEM.FLAGS:
        isEnd = (reader.be32() & ELEM_INTERVAL_END) !== 0;
        break;
      case SET_ELEM.USERDATA:
        comment = findComment(COMMENT, reader.bytes());
        break;
      default:
    }
  }
  return { key, isEnd, ...(data === undefined ? {} : { data }), ...noted(comment) };
}
