import type { Backend } from './frontend.ts';

/** nft prints no comments longer than 127 bytes. */
const NAME_MAX = 110;
const DIGITS = 8;

/**
 * The comment of a frontend in the kernel: whose it is, for people, and a digest of its slots, for the next process. By it
 * a restart knows that they are what they should be without reading them.
 */
export function noteOf(
  service: string,
  slots: readonly Backend[],
  ids: ReadonlyMap<string, number> | undefined,
): string {
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
  return `${service.slice(0, NAME_MAX)} ${hex(a)}${hex(b)}`;
}

/** Whether a note is of that Service. */
export function isNoteOf(note: string, service: string): boolean {
  const name = service.slice(0, NAME_MAX);
  return note.length === name.length + 1 + 2 * DIGITS && note.startsWith(name);
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(DIGITS, '0');
}
