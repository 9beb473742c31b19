/** One element of DER (X.690): what ASN.1 is written in. */
export interface DerElement {
  /** The identifier octet: class, constructed, number. */
  readonly tag: number;
  readonly content: Uint8Array;
  /** With its head. */
  readonly whole: Uint8Array;
}

export const TAG = { bits: 0x03, octets: 0x04, oid: 0x06, sequence: 0x30, set: 0x31 } as const;

/** The elements that follow each other in `bytes`. @throws {SyntaxError} when they are not whole */
export function derElements(bytes: Uint8Array): DerElement[] {
  const elements: DerElement[] = [];
  for (let at = 0; at < bytes.length;) {
    const { start, end } = extentOf(bytes, at);
    const whole = bytes.subarray(at, end);
    elements.push({ tag: bytes[at] ?? 0, content: bytes.subarray(start, end), whole });
    at = end;
  }
  return elements;
}

/** Where the content of the element at `at` starts and ends. */
function extentOf(bytes: Uint8Array, at: number): { readonly start: number; readonly end: number } {
  const first = bytes[at + 1];
  const isMultiByteTag = ((bytes[at] ?? 0) & 0x1f) === 0x1f;
  if (first === undefined || isMultiByteTag) throw new SyntaxError('asn1: syntax error: truncated tag or length');
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
  if (first === 0x80 || lengthBytes > 4) throw new SyntaxError('asn1: structure error: length too large');
  const start = at + 2 + lengthBytes;
  let length = first < 0x80 ? first : 0;
  for (const byte of bytes.subarray(at + 2, start)) length = length * 256 + byte;
  if (start + length > bytes.length) throw new SyntaxError('asn1: syntax error: data truncated');
  return { start, end: start + length };
}

/** The only element there is, of a kind. */
export function derElement(bytes: Uint8Array, tag: number): DerElement {
  const [element, ...more] = derElements(bytes);
  if (element?.tag !== tag) throw new SyntaxError("asn1: structure error: tags don't match");
  if (more.length > 0) throw new SyntaxError('asn1: syntax error: trailing data');
  return element;
}

/** `1.2.840.113549` of an object identifier's content. */
export function oidText(content: Uint8Array): string {
  const numbers: number[] = [];
  let value = 0;
  for (const byte of content) {
    value = value * 128 + (byte & 0x7f);
    if (byte & 0x80) continue;
    numbers.push(value);
    value = 0;
  }
  const [first = 0, ...rest] = numbers;
  const top = Math.min(Math.floor(first / 40), 2);
  return [top, first - top * 40, ...rest].join('.');
}
