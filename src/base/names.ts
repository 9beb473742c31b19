import { randomInt } from 'node:crypto';

/** Letters and digits that spell no words: no vowels, no 0, 1 or 3. Kubernetes draws name suffixes from the same set. */
const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';

/** A random name suffix of `length` characters, 5 as `generateName` has it. */
export function randomSuffix(length: number = 5): string {
  let text = '';
  for (let i = 0; i < length; i++) text += ALPHABET[randomInt(ALPHABET.length)];
  return text;
}

/** A hash in the same alphabet-safe form, for `pod-template-hash` and the like. */
export function safeEncode(text: string): string {
  let out = '';
  for (const char of text) out += ALPHABET[char.charCodeAt(0) % ALPHABET.length];
  return out;
}

/** FNV-1a, 32 bits, unsigned. */
export function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    hash ^= text.charCodeAt(i);
    hash = Math.imul(hash, 0x01000193);
  }
  return hash >>> 0;
}
