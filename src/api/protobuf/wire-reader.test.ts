import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtobufError } from './protobuf-error.ts';
import { WireReader } from './wire-reader.ts';

type Read = (reader: WireReader) => unknown;

const int32: Read = (reader) => reader.int32();
const int64: Read = (reader) => reader.int64();
const boolean: Read = (reader) => reader.boolean();
const text: Read = (reader) => reader.text();
const base64: Read = (reader) => reader.base64();
const double: Read = (reader) => reader.double();

const values: readonly (readonly [string, Read, unknown])[] = [
  ['00', int32, 0],
  ['7f', int32, 127],
  ['8001', int32, 128],
  ['ffffffff07', int32, 2 ** 31 - 1],
  ['ffffffffffffffffff01', int32, -1],
  ['80808080f8ffffffff01', int32, -(2 ** 31)],
  ['ac02', int64, 300],
  ['ffffffffffffff0f', int64, 2 ** 53 - 1],
  ['80808080808080808001', int64, -(2 ** 63)],
  ['ffffffffffffffffff01', int64, -1],
  ['ffffffffffffffff7f', int64, 2 ** 63],
  ['fdffffffffffff1f', int64, 18014398509481980],
  ['00', boolean, false],
  ['01', boolean, true],
  ['8080808010', boolean, true],
  ['8080808000', boolean, false],
  ['00', text, ''],
  ['036162c3', text, 'ab\ufffd'],
  ['04f09fa68a', text, '🦊'],
  [`1a${'61'.repeat(26)}`, text, 'a'.repeat(26)],
  ['03000102', base64, 'AAEC'],
  ['000000000000e0bf', double, -0.5],
];

for (const [hex, read, expected] of values) {
  test(`${hex} is ${JSON.stringify(expected)}`, () => {
    const reader = new WireReader(Buffer.from(hex, 'hex'));
    assert.deepEqual([read(reader), reader.more], [expected, false]);
  });
}

const errors: readonly (readonly [string, Read, string])[] = [
  ['', int32, 'Cannot read protobuf at byte 0: it ends within a field'],
  ['80', int64, 'Cannot read protobuf at byte 1: it ends within a field'],
  ['80808080808080808080', int64, 'Cannot read protobuf at byte 10: an integer has more than 64 bits'],
  ['80808080808080808080', int32, 'Cannot read protobuf at byte 10: an integer has more than 64 bits'],
  ['0461', text, 'Cannot read protobuf at byte 1: a length of 4 is more than the 1 bytes that are left'],
  [
    'ffffffffffffffffff01',
    text,
    'Cannot read protobuf at byte 10: a length of 4294967295 is more than the 0 bytes that are left',
  ],
  ['80808080808000', text, 'Cannot read protobuf at byte 7: a length of 0 is more than the 0 bytes that are left'],
  ['00000000', double, 'Cannot read protobuf at byte 0: it ends within a number'],
  ['02', (reader) => reader.tag(), 'Cannot read protobuf at byte 1: the field number is 0'],
  ['0c', (reader) => reader.skip(reader.tag()), 'Cannot read protobuf at byte 1: a group ends that has not begun'],
  [
    '0f',
    (reader) => reader.skip(reader.tag()),
    'Cannot read protobuf at byte 1: a field is of the unknown wire type 7',
  ],
  ['0b08', (reader) => reader.skip(reader.tag()), 'Cannot read protobuf at byte 2: it ends within a field'],
];

for (const [hex, read, message] of errors) {
  test(`refuses ${hex || 'nothing'}: ${message}`, () => {
    assert.throws(() => read(new WireReader(Buffer.from(hex, 'hex'))), new ProtobufError('Malformed', message));
  });
}

test('reading ends where the message entered ends', () => {
  const reader = new WireReader(Buffer.from('0308010805', 'hex'));
  const outer = reader.enter();
  assert.deepEqual([reader.tag(), reader.int32(), reader.more], [8, 1, true]);
  assert.throws(
    () => [reader.tag(), reader.int32()],
    new ProtobufError('Malformed', 'Cannot read protobuf at byte 4: it ends within a field'),
  );
  reader.leave(outer);
  assert.equal(reader.more, true);
});

test('groups are skipped whole, however deep', () => {
  const deep = Buffer.alloc(100_000, 0x0b);
  const reader = new WireReader(Buffer.concat([deep, Buffer.alloc(100_000, 0x0c), Buffer.from([0x08, 0x01])]));
  reader.skip(reader.tag());
  assert.deepEqual([reader.tag(), reader.int32(), reader.more], [8, 1, false]);
});
