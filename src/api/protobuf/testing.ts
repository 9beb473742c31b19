import { readFileSync } from 'node:fs';

/** The bytes of `testdata/<name>.hex`. */
export function fixture(name: string): Uint8Array {
  const hex = readFileSync(new URL(`testdata/${name}.hex`, import.meta.url), 'latin1');
  return Buffer.from(hex.replaceAll('\n', ''), 'hex');
}

export function text(value: string): Uint8Array {
  return Buffer.from(value);
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return [...bytes, rest];
}

/** A field that has a length: text, bytes or a message. */
export function message(field: number, content: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from([...varint(field * 8 + 2), ...varint(content.length)]), content]);
}

/** An object's message as clients send it. */
export function envelope(apiVersion: string, kind: string, raw: Uint8Array): Uint8Array {
  const typeMeta = Buffer.concat([message(1, text(apiVersion)), message(2, text(kind))]);
  return Buffer.concat([text('k8s\0'), message(1, typeMeta), message(2, raw)]);
}
