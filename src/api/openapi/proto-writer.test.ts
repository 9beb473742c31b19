import assert from 'node:assert/strict';
import test from 'node:test';
import { ProtoWriter } from './proto-writer.ts';

const cases: readonly (readonly [name: string, write: (out: ProtoWriter) => void, hex: string])[] = [
  ['a string', (out) => out.string(2, 'testing'), '120774657374696e67'],
  ['a varint', (out) => out.int(1, 150), '089601'],
  ['true', (out) => out.bool(16, true), '800101'],
  ['a double', (out) => out.double(1, 1), '09000000000000f03f'],
  ['a message', (out) => out.message(3, () => out.int(1, 150)), '1a03089601'],
  [
    'a message whose length takes two bytes',
    (out) => out.message(1, () => out.string(1, 'x'.repeat(200))),
    `0acb010ac801${'78'.repeat(200)}`,
  ],
];

for (const [name, write, hex] of cases) {
  test(`ProtoWriter writes ${name}`, () => {
    const out = new ProtoWriter();
    write(out);
    assert.equal(Buffer.from(out.bytes()).toString('hex'), hex);
  });
}

test('ProtoWriter grows', () => {
  const out = new ProtoWriter();
  out.string(1, 'y'.repeat(300_000));
  assert.equal(out.bytes().length, 300_000 + 4);
});
