import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { AttributeReader, DecodeError } from './attribute.ts';
import { hex } from './capture.ts';
import { MessageEncoder } from './encoder.ts';
import { decodeMessages, decodeNetfilterHeader, NFGENMSG_LENGTH } from './message.ts';

const space = { name: 'TEST', types: { ONE: 1 } };

const cases: readonly { name: string; write: (encoder: MessageEncoder) => void; bytes: string }[] = [
  { name: 'u8', write: (e) => e.u8(1, 0xab), bytes: '05 00 01 00 ab 00 00 00' },
  { name: 'u16', write: (e) => e.u16(1, 0xabcd), bytes: '06 00 01 00 cd ab 00 00' },
  { name: 'u32', write: (e) => e.u32(1, 0xdeadbeef), bytes: '08 00 01 00 ef be ad de' },
  { name: 'u64', write: (e) => e.u64(1, 0x0102030405060708n), bytes: '0c 00 01 00 08 07 06 05 04 03 02 01' },
  { name: 'u64 of a number', write: (e) => e.u64(1, 2 ** 40 + 5), bytes: '0c 00 01 00 05 00 00 00 00 01 00 00' },
  { name: 'be16', write: (e) => e.be16(1, 0xabcd), bytes: '06 00 01 00 ab cd 00 00' },
  { name: 'be32', write: (e) => e.be32(1, 0xdeadbeef), bytes: '08 00 01 00 de ad be ef' },
  { name: 'be64', write: (e) => e.be64(1, 0x0102030405060708n), bytes: '0c 00 01 00 01 02 03 04 05 06 07 08' },
  { name: 'be64 of a number', write: (e) => e.be64(1, 2 ** 40 + 5), bytes: '0c 00 01 00 00 00 01 00 00 00 00 05' },
  { name: 'string', write: (e) => e.string(1, 'lo'), bytes: '07 00 01 00 6c 6f 00 00' },
  { name: 'string of whole words', write: (e) => e.string(1, 'eth'), bytes: '08 00 01 00 65 74 68 00' },
  { name: 'empty string', write: (e) => e.string(1, ''), bytes: '05 00 01 00 00 00 00 00' },
  { name: 'string beyond ASCII', write: (e) => e.string(1, 'aé'), bytes: '08 00 01 00 61 c3 a9 00' },
  {
    name: 'bytes',
    write: (e) => e.bytes(1, Uint8Array.of(1, 2, 3, 4, 5)),
    bytes: '09 00 01 00 01 02 03 04 05 00 00 00',
  },
  { name: 'flag', write: (e) => e.flag(1), bytes: '04 00 01 00' },
  {
    name: 'nested',
    write: (e) => e.nested(1, () => e.nested(2, () => e.u8(3, 7))),
    bytes: '10 00 01 80 0c 00 02 80 05 00 03 00 07 00 00 00',
  },
  { name: 'nfgenmsg', write: (e) => e.nfgenmsg(2, 0x0a0b), bytes: '02 00 0a 0b' },
];

for (const { name, write, bytes } of cases) {
  test(`MessageEncoder writes ${name}`, () => {
    const encoder = new MessageEncoder();
    // What lay in the buffer before must not show in the padding.
    encoder.raw(new Uint8Array(64).fill(0xff));
    encoder.reset();
    write(encoder);
    assert.equal(Buffer.from(encoder.finish()).toString('hex'), bytes.replaceAll(' ', ''));
  });
}

test('MessageEncoder numbers messages and patches their lengths', () => {
  const encoder = new MessageEncoder({ capacity: 4, sequence: 0xffffffff });
  assert.equal(encoder.begin(16, 0x605), 0xffffffff);
  encoder.word(1);
  encoder.end();
  assert.equal(encoder.begin(0x10a, 0x8405), 0);
  encoder.end();
  assert.equal(
    hex(encoder.finish()),
    [
      '14 00 00 00 10 00 05 06 ff ff ff ff 00 00 00 00',
      '01 00 00 00 10 00 00 00 0a 01 05 84 00 00 00 00',
      '00 00 00 00',
    ].join('\n'),
  );
  assert.deepEqual(
    decodeMessages(encoder.finish()).map(({ payload, ...head }) => ({ ...head, length: payload.length })),
    [
      { type: 16, flags: 0x605, sequence: 0xffffffff, portId: 0, length: 4 },
      { type: 0x10a, flags: 0x8405, sequence: 0, portId: 0, length: 0 },
    ],
  );
});

test('MessageEncoder refuses what cannot be sent', () => {
  const encoder = new MessageEncoder();
  assert.throws(() => encoder.end(), { message: 'Cannot end a message: none has begun' });
  encoder.begin(16, 0);
  assert.throws(() => encoder.begin(17, 0), { message: 'Cannot begin message 17: the one before has not ended' });
  assert.throws(() => encoder.finish(), { message: 'Cannot finish: the last message has not ended' });
  assert.throws(() => encoder.string(3, 'a\0b'), { message: 'Cannot encode "a\\u0000b": it holds a zero byte' });
  assert.throws(() => encoder.bytes(3, new Uint8Array(65_532)), {
    message: 'Cannot encode attribute 3 of 65532 bytes: its length field ends at 65535',
  });
  const mark = encoder.beginNested(3);
  encoder.bytes(1, new Uint8Array(40_000));
  encoder.bytes(1, new Uint8Array(40_000));
  assert.equal(encoder.nestedLength(mark), 80_012);
  assert.throws(() => encoder.endNested(mark), {
    message: 'Cannot end a nested attribute of 80012 bytes: its length field ends at 65535',
  });
});

type Value =
  | { readonly kind: 'u8' | 'u16' | 'u32' | 'be16' | 'be32'; readonly value: number }
  | { readonly kind: 'u64' | 'be64'; readonly value: bigint }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'bytes'; readonly value: readonly number[] }
  | { readonly kind: 'nested'; readonly value: readonly Value[] };

/** `deepEqual` tells objects without a prototype from others. */
const plain = { noNullPrototype: true };

const { value: anyValue } = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.record({ kind: fc.constant('u8' as const), value: fc.nat(0xff) }, plain),
    fc.record({ kind: fc.constantFrom('u16' as const, 'be16' as const), value: fc.nat(0xffff) }, plain),
    fc.record(
      { kind: fc.constantFrom('u32' as const, 'be32' as const), value: fc.integer({ min: 0, max: 0xffffffff }) },
      plain,
    ),
    fc.record({ kind: fc.constantFrom('u64' as const, 'be64' as const), value: fc.bigInt(0n, 2n ** 64n - 1n) }, plain),
    fc.record(
      {
        kind: fc.constant('string' as const),
        value: fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0')),
      },
      plain,
    ),
    fc.record({ kind: fc.constant('bytes' as const), value: fc.array(fc.nat(255), { maxLength: 80 }) }, plain),
    fc.record({ kind: fc.constant('nested' as const), value: fc.array(tie('value'), { maxLength: 4 }) }, plain),
  ),
}));

function write(encoder: MessageEncoder, values: readonly Value[]): void {
  for (const [index, item] of values.entries()) {
    const type = index + 1;
    if (item.kind === 'string') encoder.string(type, item.value);
    else if (item.kind === 'bytes') encoder.bytes(type, Uint8Array.from(item.value));
    else if (item.kind === 'nested') encoder.nested(type, () => write(encoder, item.value));
    else if (typeof item.value === 'bigint') encoder[item.kind as 'u64' | 'be64'](type, item.value);
    else encoder[item.kind as 'u32'](type, item.value);
  }
}

function read(reader: AttributeReader, like: readonly Value[]): unknown[] {
  const values: unknown[] = [];
  for (const [index, { kind, value }] of like.entries()) {
    assert.equal(reader.next(), true);
    assert.equal(reader.type, index + 1);
    if (kind === 'nested') values.push({ kind, value: read(reader.nested(space), value) });
    else values.push({ kind, value: kind === 'bytes' ? Array.from(reader.bytes()) : reader[kind]() });
  }
  assert.equal(reader.next(), false);
  return values;
}

test('AttributeReader reads back what MessageEncoder writes', () => {
  const encoder = new MessageEncoder({ capacity: 8 });
  fc.assert(
    fc.property(fc.array(anyValue, { maxLength: 8 }), (values) => {
      encoder.reset();
      encoder.begin(0x100, 0);
      encoder.nfgenmsg(10, 7);
      write(encoder, values);
      encoder.end();
      const [message] = decodeMessages(encoder.finish());
      assert.ok(message !== undefined);
      assert.deepEqual(decodeNetfilterHeader(message.payload), { family: 10, version: 0, resourceId: 7 });
      assert.deepEqual(read(new AttributeReader(message.payload, space, NFGENMSG_LENGTH), values), values);
    }),
    { numRuns: 300 },
  );
});

const broken: readonly {
  name: string;
  bytes: readonly number[];
  read: (r: AttributeReader) => unknown;
  message: string;
}[] = [
  {
    name: 'a length beyond the end',
    bytes: [9, 0, 1, 0, 1, 2, 3, 4],
    read: () => 0,
    message: 'Cannot decode attribute TEST_ONE: its length 9 does not fit the 8 bytes left',
  },
  {
    name: 'a length below the header',
    bytes: [3, 0, 2, 0],
    read: () => 0,
    message: 'Cannot decode attribute TEST_2: its length 3 does not fit the 4 bytes left',
  },
  {
    name: 'a number of the wrong size',
    bytes: [6, 0, 1, 0, 1, 2, 0, 0],
    read: (reader) => reader.u32(),
    message: 'Cannot decode attribute TEST_ONE: it has 2 bytes, not 4',
  },
  {
    name: 'bytes of the wrong size',
    bytes: [6, 0, 1, 0x80, 1, 2, 0, 0],
    read: (reader) => reader.bytes(16),
    message: 'Cannot decode attribute TEST_ONE: it has 2 bytes, not 16',
  },
];

for (const { name, bytes, read, message } of broken) {
  test(`AttributeReader refuses ${name}`, () => {
    const reader = new AttributeReader(Uint8Array.from(bytes), space);
    assert.throws(
      () => {
        reader.next();
        read(reader);
      },
      (error) => {
        assert.ok(error instanceof DecodeError);
        assert.deepEqual([error.code, error.message], ['ERR_NETLINK_DECODE', message]);
        return true;
      },
    );
  });
}

test('AttributeReader passes over bytes that are fewer than a header', () => {
  const reader = new AttributeReader(Uint8Array.of(4, 0, 1, 0, 0, 0), space);
  assert.deepEqual([reader.next(), reader.type, reader.length, reader.next()], [true, 1, 0, false]);
});
