import type { Backend } from './frontend.ts';

/** nft prints no comments longer than 127 bytes. */
const NAME_MAX = 110;
const DIGITS = 8;

type Ids = ReadonlyMap<string, number> | undefined;

/** Of the slots that it was last asked for, in two halves. */
const digest: [number, number] = [0, 0];

/**
 * The comment of a frontend in the kernel: whose it is, for people, and a digest of its slots, for the next process. By it
 * a restart knows that they are what they should be without reading them.
 */
export function noteOf(service: string, slots: readonly Backend[], ids: Ids): string {
  digestSlots(slots, ids);
  return `${service.slice(0, NAME_MAX)} ${hex(digest[0])}${hex(digest[1])}`;
}

/** Whether a note is `noteOf` the rest, without a text for each. */
export function isNoteOfSlots(note: string, service: string, slots: readonly Backend[], ids: Ids): boolean {
  if (!isNoteOf(note, service)) return false;
  digestSlots(slots, ids);
  const at = note.length - 2 * DIGITS;
  return readHex(note, at) === digest[0] && readHex(note, at + DIGITS) === digest[1];
}

function digestSlots(slots: readonly Backend[], ids: Ids): void {
  // FNV-1a twice, from different starts: 64 bits. Written out, because restarts spend their time here.
  let a = 0x811c9dc5;
  let b = 0x01000193;
  for (const backend of slots) {
    const { address, port } = backend;
    for (let i = 0; i < address.length; i++) {
      const code = address.charCodeAt(i);
      a = Math.imul(a ^ code, 0x01000193);
      b = Math.imul(b ^ code, 0x5bd1e995);
    }
    a = Math.imul(a ^ port ^ 0x10000, 0x01000193);
    b = Math.imul(b ^ port ^ 0x10000, 0x5bd1e995);
    b ^= b >>> 15;
    if (ids === undefined) continue;
    const id = ids.get(`${address} ${port}`) ?? 0;
    a = Math.imul(a ^ id, 0x01000193);
    b = Math.imul(b ^ id, 0x5bd1e995);
  }
  digest[0] = a >>> 0;
  digest[1] = b >>> 0;
}

/** Whether a note is of that Service. */
export function isNoteOf(note: string, service: string): boolean {
  const name = service.slice(0, NAME_MAX);
  return note.length === name.length + 1 + 2 * DIGITS && note.startsWith(name);
}

function hex(word: number): string {
  return word.toString(16).padStart(DIGITS, '0');
}

/** Of digits as `hex` writes them. */
function readHex(text: string, start: number): number {
  let word = 0;
  for (let at = start; at < start + DIGITS; at++) {
    const code = text.charCodeAt(at);
    // '0' is 0x30, 'a' is 0x61.
    word = word * 16 + (code < 0x3a ? code - 0x30 : code - 0x57);
  }
  return word;
}
