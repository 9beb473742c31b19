import { readFileSync } from 'node:fs';

/** Bytes of a real conversation with the kernel, from `testdata/`. Each file's first line says what made them. */
export function readCapture(name: string): Uint8Array {
  const text = readFileSync(new URL(`testdata/${name}.hex`, import.meta.url), 'latin1');
  return Uint8Array.from(Buffer.from(text.replaceAll(/#.*|\s/g, ''), 'hex'));
}

/** In lines of 16 bytes, so that a difference shows where it is. */
export function hex(bytes: Uint8Array): string {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += 16) {
    lines.push(Array.from(bytes.subarray(at, at + 16), (byte) => byte.toString(16).padStart(2, '0')).join(' '));
  }
  return lines.join('\n');
}
