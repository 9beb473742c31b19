import type { MessageEncoder } from '#netlink/encoder.ts';
import { DATA, ELEM_INTERVAL_END, LIST_ELEM, SET_ELEM } from './attributes.ts';
import type { Element, ElementBlock } from './table.ts';
import { COMMENT, COMMENT_MAX, commentEntry } from './userdata.ts';
import { encodeVerdict } from './verdict.ts';

/** One element, or two where it is an interval: the end is an element of its own. */
export function encodeElement(encoder: MessageEncoder, element: Element): void {
  const mark = encoder.beginNested(LIST_ELEM);
  encodeKey(encoder, element.key);
  const { data, verdict } = element;
  if (data !== undefined) encoder.nested(SET_ELEM.DATA, () => encoder.bytes(DATA.VALUE, data));
  if (verdict !== undefined) encoder.nested(SET_ELEM.DATA, () => encodeVerdict(encoder, verdict));
  if (element.comment !== undefined) encoder.bytes(SET_ELEM.USERDATA, commentEntry(COMMENT, element.comment));
  encoder.endNested(mark);
  if (element.end === undefined) return;
  const end = encoder.beginNested(LIST_ELEM);
  encoder.be32(SET_ELEM.FLAGS, ELEM_INTERVAL_END);
  encodeKey(encoder, element.end);
  encoder.endNested(end);
}

/** Record `index` of a block. This is the loop that a load of a million elements spends its time in. */
export function encodeRecord(encoder: MessageEncoder, block: ElementBlock, index: number): void {
  const { keyLength, dataLength, bytes } = block;
  const at = index * (keyLength + dataLength);
  const mark = encoder.beginNested(LIST_ELEM);
  encodeKey(encoder, bytes.subarray(at, at + keyLength));
  if (dataLength > 0) {
    const data = encoder.beginNested(SET_ELEM.DATA);
    encoder.bytes(DATA.VALUE, bytes.subarray(at + keyLength, at + keyLength + dataLength));
    encoder.endNested(data);
  }
  const comment = block.comments?.[index];
  if (comment !== undefined) encoder.bytes(SET_ELEM.USERDATA, asciiComment(comment));
  encoder.endNested(mark);
}

const scratch = new Uint8Array(2 + COMMENT_MAX);

/** As `commentEntry`, for comments by the hundred thousand; valid until the next call. */
function asciiComment(text: string): Uint8Array {
  if (text.length >= COMMENT_MAX) throw new RangeError(`Cannot encode comment "${text}": it is too long`);
  scratch[0] = COMMENT;
  scratch[1] = text.length + 1;
  for (let i = 0; i < text.length; i++) scratch[2 + i] = text.charCodeAt(i);
  scratch[2 + text.length] = 0;
  return scratch.subarray(0, text.length + 3);
}

function encodeKey(encoder: MessageEncoder, key: Uint8Array): void {
  const mark = encoder.beginNested(SET_ELEM.KEY);
  encoder.bytes(DATA.VALUE, key);
  encoder.endNested(mark);
}
