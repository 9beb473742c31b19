import { registerLength, type Datatype } from './datatype.ts';
import { encodeValue, formatValue, readNumber } from './value.ts';

/** The layout of a key or of a map's data: one field, or several that each start in a 32-bit register of their own. */
export type KeyLayout = readonly Datatype[];

/** Bytes on the wire: a field that stands alone is not padded. */
export function keyLength(layout: KeyLayout): number {
  if (layout.length === 1) return layout[0]?.length ?? 0;
  return layout.reduce((sum, datatype) => sum + registerLength(datatype), 0);
}

/** `['10.96.0.1', 'tcp', '80']` as bytes. */
export function encodeKey(layout: KeyLayout, texts: readonly string[]): Uint8Array {
  if (texts.length !== layout.length) {
    throw new RangeError(
      `Cannot encode key "${texts.join(' . ')}": it has ${texts.length} fields, not ${layout.length}`,
    );
  }
  const bytes = new Uint8Array(keyLength(layout));
  let at = 0;
  layout.forEach((datatype, i) => {
    bytes.set(encodeValue(datatype, texts[i] ?? ''), at);
    at += registerLength(datatype);
  });
  return bytes;
}

/** `10.96.0.1 . tcp . 80` */
export function formatKey(layout: KeyLayout, bytes: Uint8Array): string {
  return keyFields(layout, bytes)
    .map(([datatype, field]) => formatValue(datatype, field))
    .join(' . ');
}

function keyFields(layout: KeyLayout, bytes: Uint8Array): [Datatype, Uint8Array][] {
  let at = 0;
  return layout.map((datatype) => {
    const field = bytes.subarray(at, at + datatype.length);
    at += registerLength(datatype);
    return [datatype, field];
  });
}

/**
 * The order in which nft lists elements: a single value in its own byte order, a concatenation as one number of which the
 * last byte counts most.
 */
export function compareKeys(layout: KeyLayout, a: Uint8Array, b: Uint8Array): number {
  const [datatype] = layout;
  if (layout.length !== 1 || datatype === undefined) return compareReversed(a, b);
  if (datatype.byteOrder === 'host' && datatype.length <= 4) return readNumber(datatype, a) - readNumber(datatype, b);
  return compareBytes(a, b);
}

function compareReversed(a: Uint8Array, b: Uint8Array): number {
  for (let i = Math.max(a.length, b.length) - 1; i >= 0; i--) {
    const order = (a[i] ?? 0) - (b[i] ?? 0);
    if (order !== 0) return order;
  }
  return 0;
}

export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const order = (a[i] ?? 0) - (b[i] ?? 0);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

/** Bytes as a string of as many characters, for use as a key of a Map. */
export function byteString(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}
