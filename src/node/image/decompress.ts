import { createHash, type Hash } from 'node:crypto';
import { pipeline, Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';

/** The bytes of a blob without their compression, which is told by how they begin: media types have been wrong. */
export async function* decompress(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const iterator = source[Symbol.asyncIterator]();
  const head: Uint8Array[] = [];
  let length = 0;
  while (length < 4) {
    const { done, value } = await iterator.next();
    if (done === true) break;
    head.push(value);
    length += value.length;
  }
  const whole = joined(Buffer.concat(head), iterator);
  const magic = Buffer.concat(head).toString('hex', 0, 4);
  const decoder = magic.startsWith('1f8b') ? createGunzip() : magic === '28b52ffd' ? createZstdDecompress() : undefined;
  if (decoder === undefined) {
    yield* whole;
    return;
  }
  // Its errors come out of the decoder as well.
  pipeline(Readable.from(whole), decoder, () => {});
  yield* decoder as AsyncIterable<Uint8Array>;
}

async function* joined(head: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (head.length > 0) yield head;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}

/** Passes everything on, and knows the digest of it at the end. */
export class DigestStream {
  readonly #hash: Hash = createHash('sha256');
  readonly #source: AsyncIterable<Uint8Array>;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for await (const chunk of this.#source) {
      this.#hash.update(chunk);
      yield chunk;
    }
  }

  /** Once. */
  digest(): string {
    return `sha256:${this.#hash.digest('hex')}`;
  }
}
