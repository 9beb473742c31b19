import assert from 'node:assert/strict';
import test from 'node:test';
import { constants, createDeflate } from 'node:zlib';
import { HEADER_DICTIONARY } from './dictionary.ts';
import { HeaderReader, HeaderWriter } from './header-block.ts';

/** Blocks as a Go client compresses them: one deflate stream with the dictionary, flushed after each block. */
async function deflated(blocks: readonly Buffer[]): Promise<Buffer[]> {
  const deflate = createDeflate({ dictionary: HEADER_DICTIONARY });
  const out: Buffer[] = [];
  for (const block of blocks) {
    const chunks: Buffer[] = [];
    const collect = (chunk: Buffer): void => void chunks.push(chunk);
    deflate.on('data', collect);
    deflate.write(block);
    await new Promise<void>((resolve) => deflate.flush(constants.Z_SYNC_FLUSH, () => resolve()));
    deflate.off('data', collect);
    out.push(Buffer.concat(chunks));
  }
  return out;
}

function rawBlock(...pairs: readonly (readonly [string, string])[]): Buffer {
  const word = (value: number): Buffer => Buffer.from(value.toString(16).padStart(8, '0'), 'hex');
  return Buffer.concat([word(pairs.length), ...pairs.flat().flatMap((text) => [word(text.length), Buffer.from(text)])]);
}

test('the dictionary is the one of the protocol', () => {
  let a = 1;
  let b = 0;
  for (const byte of HEADER_DICTIONARY) {
    a = (a + byte) % 65521;
    b = (b + a) % 65521;
  }
  assert.equal((b * 65536 + a).toString(16), 'e3c6a7c2');
});

test('HeaderReader reads block after block', async () => {
  const blocks = await deflated([
    rawBlock(['streamtype', 'error'], ['port', '80']),
    rawBlock(['streamtype', 'data'], ['port', '80'], ['Requestid', '0']),
    rawBlock(),
  ]);
  const reader = new HeaderReader();
  const read: unknown[] = [];
  for (const block of blocks) read.push(Object.fromEntries(await reader.read(block)));
  assert.deepEqual(read, [{ streamtype: 'error', port: '80' }, { streamtype: 'data', port: '80', requestid: '0' }, {}]);
});

test('HeaderWriter writes what a reader with the dictionary understands', async () => {
  const writer = new HeaderWriter();
  const reader = new HeaderReader();
  assert.deepEqual([...(await reader.read(writer.write(new Map())))], []);
  assert.deepEqual([...(await reader.read(writer.write(new Map([['a', 'b']]))))], [['a', 'b']]);
});

test('HeaderReader refuses what is no zlib stream, what ends too soon, and what grows without end', async () => {
  await assert.rejects(new HeaderReader().read(Buffer.from('hello, world')), { code: 'Z_DATA_ERROR' });
  const [short = Buffer.alloc(0)] = await deflated([Buffer.from('00000001', 'hex')]);
  await assert.rejects(new HeaderReader().read(short), { code: 'ERR_SPDY_PROTOCOL' });
  const [bomb = Buffer.alloc(0)] = await deflated([Buffer.alloc(1024 * 1024)]);
  await assert.rejects(new HeaderReader().read(bomb), { code: 'ERR_SPDY_TOO_LARGE' });
});
