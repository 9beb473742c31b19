import assert from 'node:assert/strict';
import test from 'node:test';
import {
  dataFrameHead,
  type Frame,
  FrameParser,
  goAwayFrame,
  pingFrame,
  rstStreamFrame,
  synReplyFrame,
  synStreamFrame,
} from './frame.ts';

const block = Buffer.from('abc');
const cases: readonly (readonly [name: string, bytes: Buffer, hex: string, frame: Frame])[] = [
  [
    'SYN_STREAM',
    synStreamFrame(1, block, true),
    '800300010100000d00000001000000000000616263',
    { kind: 'synStream', streamId: 1, fin: true, block },
  ],
  [
    'SYN_REPLY',
    synReplyFrame(3, block),
    '800300020000000700000003616263',
    { kind: 'synReply', streamId: 3, fin: false, block },
  ],
  [
    'RST_STREAM',
    rstStreamFrame(5, 3),
    '80030003000000080000000500000003',
    { kind: 'rstStream', streamId: 5, status: 3 },
  ],
  ['PING', pingFrame(7), '800300060000000400000007', { kind: 'ping', id: 7 }],
  ['GOAWAY', goAwayFrame(9), '80030007000000080000000900000000', { kind: 'goAway', lastStreamId: 9, status: 0 }],
  [
    'data',
    Buffer.concat([dataFrameHead(1, 3, true), block]),
    '0000000101000003616263',
    { kind: 'data', streamId: 1, fin: true, bytes: block },
  ],
  [
    'an empty data frame',
    dataFrameHead(1, 0, true),
    '0000000101000000',
    { kind: 'data', streamId: 1, fin: true, bytes: Buffer.alloc(0) },
  ],
];

for (const [name, bytes, hex, frame] of cases) {
  test(`${name}: written and read`, () => {
    assert.equal(bytes.toString('hex'), hex);
    assert.deepEqual(new FrameParser().push(bytes), [frame]);
  });
}

test('FrameParser reads frames that arrive a byte at a time', () => {
  const parser = new FrameParser();
  const all = Buffer.concat([pingFrame(1), dataFrameHead(1, 2, true), Buffer.from('hi'), pingFrame(3)]);
  const frames = [...all].flatMap((byte) => parser.push(Buffer.from([byte])));
  assert.deepEqual(frames, [
    { kind: 'ping', id: 1 },
    { kind: 'data', streamId: 1, fin: false, bytes: Buffer.from('h') },
    { kind: 'data', streamId: 1, fin: true, bytes: Buffer.from('i') },
    { kind: 'ping', id: 3 },
  ]);
});

const broken: readonly (readonly [string, string, string])[] = [
  ['another version', '8002000600000004', 'Cannot read a frame of SPDY version 2: it must be 3'],
  ['a short frame', '800300060000000100', 'Cannot read a frame of type 6: 1 bytes are too few'],
  ['a huge control frame', '8003000100ffffff', 'Cannot read a control frame of 16777215 bytes: the limit is 65536'],
];

for (const [name, hex, message] of broken) {
  test(`FrameParser refuses ${name}`, () => {
    assert.throws(
      () => new FrameParser().push(Buffer.from(`${hex}00000000`.slice(0, name === 'a short frame' ? 18 : 24), 'hex')),
      { message },
    );
  });
}
