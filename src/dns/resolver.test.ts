import assert from 'node:assert/strict';
import test from 'node:test';
import { decode } from 'dns-packet';
import fc from 'fast-check';
import type { Resolve } from './resolver.ts';
import { ask, queryBytes, responseText } from './testing/ask.ts';
import { testZone } from './testing/cluster.ts';
import { testResolver } from './testing/resolver.ts';

const web = 'web.ns.svc.cluster.local';
const ANSWER = `NOERROR | ${web} A 10.96.0.7`;
const resolve = testResolver(testZone());

async function respond(bytes: Buffer, transport: 'udp' | 'tcp' = 'udp', by: Resolve = resolve): Promise<Buffer> {
  return Buffer.from((await by(bytes, transport)) ?? []);
}

test('EDNS0 is answered with our size and without options; cookies are ignored', async () => {
  const cookie = { type: 'OPTION', code: 10, data: Buffer.from('0123456789abcdef', 'hex') } as never;
  assert.equal(await ask(resolve, `${web} A`, { edns: 4096 }), `${ANSWER} | + OPT 1232 0`);
  assert.equal(await ask(resolve, `${web} A`, { edns: 0, dnssecOk: true }), `${ANSWER} | + OPT 1232 do 0`);
  assert.equal(await ask(resolve, `${web} A`, { edns: 4096, options: [cookie] }), `${ANSWER} | + OPT 1232 0`);
  const nothing = await ask(resolve, `none.${web} A`, { edns: 1232 });
  assert.match(nothing, /^NXDOMAIN \| ! cluster.local SOA .* \| \+ OPT 1232 0$/);
});

test('a version of EDNS that nobody knows gets BADVERS', async () => {
  const bytes = queryBytes(web, 'A', { edns: 1232 });
  bytes[bytes.length - 5] = 1;
  assert.equal(
    (await respond(bytes)).toString('hex'),
    ['0007810000000000', '00000001', '00', '0029', '04d0', '01', '00', '0000', '0000'].join(''),
  );
});

const malformed: readonly (readonly [string, string, string])[] = [
  ['nothing', '', ''],
  ['less than a header', '0007', ''],
  ['a response', '000780000000000000000000', ''],
  ['another opcode', '000728000001000000000000', '0007a8040000000000000000'],
  ['a notification', '000720000001000000000000', '0007a0040000000000000000'],
  ['no question', '000701000000000000000000', '000781010000000000000000'],
  ['two questions', '000701000002000000000000', '000781010000000000000000'],
  ['a question cut short', '0007010000010000000000000377', '000781010000000000000000'],
  ['a name that points to itself', '000701000001000000000000c00c00010001', '000781010000000000000000'],
  ['a label of 64 bytes', `00070100000100000000000040${'61'.repeat(64)}0000010001`, '000781010000000000000000'],
  [
    'a name of 257 bytes',
    `000701000001000000000000${`3f${'61'.repeat(63)}`.repeat(4)}0000010001`,
    '000781010000000000000000',
  ],
  ['no type', '00070100000100000000000000', '000781010000000000000000'],
  ['a record cut short', '000701000001000000000001000001000100002904', '000781010000000000000000'],
  [
    'two OPTs',
    `000701000001000000000002000001000100002904d000000000000000002904d0000000000000`,
    '000781010000000000000000',
  ],
];

for (const [name, bytes, expected] of malformed) {
  test(`${name} -> ${expected || 'silence'}`, async () => {
    assert.equal((await respond(Buffer.from(bytes, 'hex'))).toString('hex'), expected);
  });
}

test('other classes are refused, also of names that are there', async () => {
  assert.equal(await ask(resolve, `${web} A`), ANSWER);
  assert.equal(await ask(resolve, `${web} A`, { class: 'CH' }), 'REFUSED -aa');
  assert.equal(await ask(resolve, 'version.bind TXT', { class: 'CH' }), 'REFUSED -aa');
  assert.equal(await ask(resolve, `${web} A`, { class: 'ANY' }), 'REFUSED -aa');
});

test('id, RD and CD come back, and the name as it was asked', async () => {
  const bytes = queryBytes('wEb.Ns.SVC.cluster.LOCAL', 'A', { id: 0xbeef });
  bytes.writeUInt16BE(0x0010, 2);
  const answer = await respond(bytes);
  assert.equal(answer.subarray(0, 12).toString('hex'), 'beef84900001000100000000');
  assert.equal(answer.toString('latin1', 12, bytes.length), bytes.toString('latin1', 12));
  // The owner of the record is a pointer to the question, the answer as small as it gets.
  assert.equal(answer.subarray(bytes.length).toString('hex'), 'c00c000100010000000500040a600007');
});

test('SERVFAIL until the state is known whole', async () => {
  const early = testResolver(testZone(), { isReady: () => false });
  assert.equal(await ask(early, `${web} A`), 'SERVFAIL -aa');
});

test('what does not fit is left out record by record, with TC', async () => {
  const many = 'many.ns.svc.cluster.local';
  const counts = async (bytes: Buffer, transport: 'udp' | 'tcp' = 'udp'): Promise<string> => {
    const answer = await respond(bytes, transport);
    const { answers = [], additionals = [], flag_tc } = decode(answer);
    return `${flag_tc ? 'tc ' : ''}${answers.length} ${additionals.length} ${answer.length}`;
  };
  assert.equal(await counts(queryBytes(many)), 'tc 29 0 507');
  assert.equal(await counts(queryBytes(many, 'A', { edns: 100 })), 'tc 28 1 502');
  assert.equal(await counts(queryBytes(many, 'A', { edns: 1232 })), 'tc 73 1 1222');
  assert.equal(await counts(queryBytes(many, 'A', { edns: 65_535 })), 'tc 73 1 1222');
  assert.equal(await counts(queryBytes(many), 'tcp'), '200 0 3243');
  // SRV: the answers fit sooner than the addresses of their targets.
  assert.equal(await counts(queryBytes(many, 'SRV'), 'tcp'), '200 200 14593');
  assert.equal(await counts(queryBytes(many, 'SRV', { edns: 1232 })), 'tc 20 1 1184');
});

test('every part of a large answer is the first now and then', async () => {
  const seen = new Set<string>();
  for (let i = 0; i < 200; i++) {
    for (const record of responseText(await respond(queryBytes('many.ns.svc.cluster.local')))
      .split(' | ')
      .slice(1)) {
      seen.add(record);
    }
  }
  assert.equal(seen.size, 200);
});

test('no bytes bring it down, and every answer is one', () => {
  const names = [
    web,
    'many.ns.svc.cluster.local',
    'a.b.cluster.local',
    '7.0.96.10.in-addr.arpa',
    'chain.ns.svc.cluster.local',
  ];
  const mutated = fc
    .tuple(
      fc.constantFrom(...names),
      fc.constantFrom('A', 'SRV', 'PTR', 'ANY'),
      fc.boolean(),
      fc.array(fc.tuple(fc.nat(80), fc.nat(255)), { maxLength: 3 }),
    )
    .map(([name, type, edns, changes]) => {
      const bytes = queryBytes(name, type, edns ? { edns: 1232 } : {});
      for (const [at, value] of changes) bytes[at % bytes.length] = value;
      return bytes;
    });
  const anything = fc.uint8Array({ maxLength: 600 }).map((bytes) => Buffer.from(bytes));
  fc.assert(
    fc.property(fc.oneof(mutated, anything), (bytes) => {
      const answer = resolve(bytes, 'udp');
      if (answer instanceof Promise) return void answer.catch(() => {});
      if (answer === undefined) return;
      assert.ok(answer.length <= 1232);
      const packet = decode(Buffer.from(answer));
      assert.equal(packet.id, bytes.readUInt16BE(0));
    }),
    { numRuns: 3000, interruptAfterTimeLimit: 5000 },
  );
});
