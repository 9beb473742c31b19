/**
 * Userdata is nft's own notebook in the kernel: a list of { u8 type; u8 length; bytes }, numbers in host order. From it
 * nft prints comments, and what a set is a set of.
 */

/** NFTNL_UDATA_{TABLE,CHAIN,RULE,SET_ELEM}_COMMENT are all 0; NFTNL_UDATA_SET_COMMENT is 7. */
export const COMMENT = 0;
export const SET_COMMENT = 7;

export function userdataEntry(type: number, content: Uint8Array): Uint8Array {
  if (content.length > 255) throw new RangeError(`Cannot encode userdata of ${content.length} bytes: 255 is the most`);
  return Uint8Array.of(type, content.length, ...content);
}

export function numberEntry(type: number, value: number): Uint8Array {
  const content = new Uint8Array(4);
  new DataView(content.buffer).setUint32(0, value, true);
  return userdataEntry(type, content);
}

/** NFTNL_UDATA_COMMENT_MAXLEN: nft refuses to print what is longer. */
export const COMMENT_MAX = 128;

export function commentEntry(type: number, text: string): Uint8Array {
  const bytes = new TextEncoder().encode(`${text}\0`);
  if (bytes.length > COMMENT_MAX)
    throw new RangeError(`Cannot encode comment "${text}": ${COMMENT_MAX} bytes are the most`);
  return userdataEntry(type, bytes);
}

export function joinEntries(...entries: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(entries.flatMap((entry) => [...entry]));
}

/** The comment in a list of entries, if it has one. Malformed lists have none: they are notes, not rules. */
export function findComment(type: number, userdata: Uint8Array): string | undefined {
  for (let at = 0; at + 2 <= userdata.length;) {
    const length = userdata[at + 1] ?? 0;
    if (userdata[at] === type) {
      const text = userdata.subarray(at + 2, at + 2 + length);
      return new TextDecoder().decode(text.at(-1) === 0 ? text.subarray(0, -1) : text);
    }
    at += 2 + length;
  }
  return undefined;
}
