import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { AttributeReader } from '#netlink/attribute.ts';
import { MessageEncoder } from '#netlink/encoder.ts';
import { decodeMessages, NFGENMSG_LENGTH, type Message } from '#netlink/message.ts';
import { NFT_MSG, SET_ELEM_LIST, space } from './attributes.ts';
import { decodeChain, decodeRule, decodeSet, decodeTableName } from './decode.ts';
import { decodeElements } from './decode-elements.ts';
import { describeRule, diffTables } from './diff.ts';
import { visitKeys } from './element-reader.ts';
import { encodeTransaction } from './encode.ts';
import { renderTable } from './render.ts';
import { goldenTable } from './golden-table.ts';

const file = readFileSync(new URL('testdata/golden.txt', import.meta.url), 'utf8');

interface Captured {
  readonly type: number;
  readonly flags: number;
  readonly payload: Uint8Array;
}

const captured: readonly Captured[] = file
  .split('\n')
  .filter((line) => line.startsWith('NEW'))
  .map((line) => {
    const [name = '', flags, hex = ''] = line.split(' ');
    const type = Object.entries(NFT_MSG).find(([known]) => known === name)?.[1] ?? 0;
    return { type, flags: Number(flags), payload: new Uint8Array(Buffer.from(hex, 'hex')) };
  });

/** Sets are numbered within a batch, in whatever order; NFTA_SET_ID is 8 bytes: 0800 0a00, then the number. */
function withoutSetId(hex: string): string {
  return hex.replace(/08000a00000000../, '');
}

/** nft repeats the set's number beside its name; what counts is the list. */
function elementList(payload: Uint8Array): string {
  const reader = new AttributeReader(payload, space('SET_ELEM_LIST', SET_ELEM_LIST), NFGENMSG_LENGTH);
  while (reader.next()) if (reader.type === SET_ELEM_LIST.ELEMENTS) return Buffer.from(reader.bytes()).toString('hex');
  return '';
}

function describe(message: Captured): string {
  const isElements = message.type === NFT_MSG.NEWSETELEM;
  const hex = isElements ? elementList(message.payload) : Buffer.from(message.payload).toString('hex');
  return `${message.type.toString(16)} ${message.flags.toString(16)} ${withoutSetId(hex)}`;
}

function encoded(): Message[] {
  const [batch, ...more] = encodeTransaction(diffTables(goldenTable, undefined), new MessageEncoder(), 1 << 20);
  assert.equal(more.length, 0);
  const messages = decodeMessages(batch?.bytes.slice() ?? new Uint8Array());
  return messages.filter(({ type }) => type >= NFT_MSG.NEWTABLE);
}

test('the golden table renders as the text that nft made its bytes from', () => {
  const text = file
    .split('\n')
    .filter((line) => line.startsWith('#   '))
    .map((line) => `${line.slice(4)}\n`)
    .join('');
  assert.equal(renderTable(goldenTable), text);
});

test('the golden table encodes to the bytes that nft sends', () => {
  assert.deepEqual(encoded().map(describe).sort(), captured.map(describe).sort());
});

test('the bytes that nft sends decode to what the golden table declares', () => {
  const messages = captured.map((one): Message => ({ ...one, sequence: 0, portId: 0 }));
  const of = (type: number): Message[] => messages.filter((message) => message.type === type);
  assert.deepEqual(of(NFT_MSG.NEWTABLE).map(decodeTableName), ['golden']);
  assert.deepEqual(
    of(NFT_MSG.NEWRULE).map((message) => decodeRule(message).rule),
    goldenTable.chains.flatMap((chain) => chain.rules.map((rule) => describeRule('ip', rule))),
  );
  assert.deepEqual(
    of(NFT_MSG.NEWCHAIN).map((message) => decodeChain(message).chain.name),
    goldenTable.chains.map(({ name }) => name),
  );
  assert.deepEqual(
    of(NFT_MSG.NEWSET).map((message) => decodeSet(message).set.name),
    goldenTable.sets.map(({ declaration }) => declaration.name),
  );
  assert.deepEqual(
    of(NFT_MSG.NEWSETELEM).flatMap((message) => decodeElements([message]).map(plain)),
    goldenTable.sets.flatMap(({ elements = [] }) => elements.map(plain)),
  );
});

function plain(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_, field: unknown) =>
      field instanceof Uint8Array ? Buffer.from(field).toString('hex') : field,
    ),
  );
}

test('a program reads as a list of instructions', () => {
  const rule = goldenTable.chains.flatMap((chain) => chain.rules).find(({ comment }) => comment === 'a rule');
  assert.ok(rule !== undefined);
  assert.equal(
    describeRule('ip', rule),
    [
      '[ payload dreg=0 base=1 offset=16 length=4 ]',
      '[ bitwise sreg=0 dreg=0 length=4 mask=0xfff00000 xor=0x00000000 ]',
      '[ cmp sreg=0 op=0 data=0x0a600000 ]',
      '[ immediate dreg=verdict data=drop ]',
      '# a rule',
    ].join(' '),
  );
});

test('visitKeys() reads the same keys and data as decodeElements()', () => {
  const lists = captured.filter(({ type }) => type === NFT_MSG.NEWSETELEM);
  const messages = lists.map((one): Message => ({ ...one, sequence: 0, portId: 0 }));
  const seen: unknown[] = [];
  visitKeys(messages, (key, data) => seen.push(plain({ key, data })));
  const none = new Uint8Array();
  assert.deepEqual(
    seen,
    decodeElements(messages).map(({ key, data = none }) => plain({ key, data })),
  );
});
