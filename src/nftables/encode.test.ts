import assert from 'node:assert/strict';
import test from 'node:test';
import { MessageEncoder } from '#netlink/encoder.ts';
import { decodeMessages } from '#netlink/message.ts';
import { NFNL_MSG_BATCH_BEGIN, NFNL_MSG_BATCH_END, NFT_MSG } from './attributes.ts';
import { BlockWriter } from './block-writer.ts';
import { decodeElements } from './decode-elements.ts';
import { encodeTransaction } from './encode.ts';
import { services } from './golden-table.ts';
import { transaction } from './transaction.ts';

test('a transaction that is too large for one batch becomes several, each whole and within the limit', () => {
  const count = 20_000;
  const writer = new BlockWriter(12, 4);
  for (let i = 0; i < count; i++) {
    const at = writer.next();
    new DataView(writer.bytes.buffer).setUint32(at, i);
    writer.bytes[at + 12] = i & 0xff;
  }
  const add = transaction('ip', 't', [
    { kind: 'add-table' },
    { kind: 'add-set', set: services },
    { kind: 'add-elements', set: services, elements: writer.finish() },
  ]);
  const limit = 200_000;
  const seen = new Set<number>();
  let batches = 0;
  for (const { bytes, subjects } of encodeTransaction(add, new MessageEncoder(), limit)) {
    batches++;
    assert.ok(bytes.length <= limit);
    const messages = decodeMessages(bytes.slice());
    assert.deepEqual([messages[0]?.type, messages.at(-1)?.type], [NFNL_MSG_BATCH_BEGIN, NFNL_MSG_BATCH_END]);
    assert.equal(subjects.length, messages.length - 2);
    const elements = decodeElements(messages.filter(({ type }) => type === NFT_MSG.NEWSETELEM));
    for (const { key } of elements) seen.add(new DataView(key.buffer, key.byteOffset).getUint32(0));
  }
  assert.equal(seen.size, count);
  assert.equal(batches, Math.ceil((count * 36) / limit));
});

test('a transaction without operations is no batch', () => {
  assert.deepEqual([...encodeTransaction(transaction('ip', 't', []), new MessageEncoder(), 1 << 20)], []);
});
