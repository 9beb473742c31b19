import assert from 'node:assert/strict';
import test from 'node:test';
import { decode, encode } from 'dns-packet';
import fc from 'fast-check';
import { forwardedReply } from './forwarded-reply.ts';
import { wireName } from './name.ts';
import { keyOf, parseQuery } from './query.ts';
import { queryBytes, responseText } from './testing/ask.ts';
import { a, soa } from './testing/upstream-server.ts';
import { parseUpstreamAnswer } from './upstream-answer.ts';

const key = keyOf(wireName('www.example.test') ?? '', 1);
const opt = {
  type: 'OPT',
  name: '.',
  udpPayloadSize: 1232,
  extendedRcode: 0,
  ednsVersion: 0,
  flags: 0,
  flag_do: false,
  options: [],
} as const;

function answerBytes(): Buffer {
  return encode({
    type: 'response',
    id: 1,
    flags: 0x180,
    questions: [{ type: 'A', name: 'WWW.example.test' }],
    answers: [{ type: 'CNAME', name: 'www.example.test', ttl: 100, data: 'a.test' }, a('a.test', '192.0.2.1', 50)],
    authorities: [soa('test', 300, 30)],
    additionals: [a('ns.test', '192.0.2.2', 10), { ...opt, options: [] }],
  });
}

/** A message by hand as servers write it: every name but the question's a pointer. */
const compressed = Buffer.from(
  '000181800001000200000000' +
    '03777777076578616d706c65047465737400' +
    '00010001' +
    'c00c000100010000003c0004c0000201' +
    'c00c000100010000003c0004c0000202',
  'hex',
);

test('keeps everything but OPT, for as long as the shortest of its records', () => {
  const answer = parseUpstreamAnswer(answerBytes(), key);
  assert.ok(answer !== undefined);
  assert.equal(answer.ttl, 30);
  const query = parseQuery(queryBytes('wWw.example.test', 'A', { edns: 1232 }));
  assert.ok(query.kind === 'query');
  assert.equal(
    responseText(forwardedReply({ answer, age: 20, stale: false }, query, 1232), true),
    'NOERROR -aa | www.example.test 80 CNAME a.test | a.test 30 A 192.0.2.1 | ! test 280 SOA ns hm 30' +
      ' | + ns.test 0 A 192.0.2.2 | + OPT 1232 0',
  );
  assert.equal(
    responseText(forwardedReply({ answer, age: 20, stale: false }, query, 90)),
    'NOERROR -aa tc | www.example.test CNAME a.test | + OPT 1232 0',
  );
});

test('names that point to the question follow its case', () => {
  const answer = parseUpstreamAnswer(compressed, key);
  const query = parseQuery(queryBytes('wWw.example.test'));
  assert.ok(answer !== undefined && query.kind === 'query');
  assert.equal(answer.ttl, 60);
  assert.equal(
    responseText(forwardedReply({ answer, age: 0, stale: false }, query, 512)),
    'NOERROR -aa | wWw.example.test A 192.0.2.1 | wWw.example.test A 192.0.2.2',
  );
});

test('no answer brings it down, and what is passed on has a whole number of records', () => {
  const query = parseQuery(queryBytes('www.example.test', 'A', { edns: 1232 }));
  assert.ok(query.kind === 'query');
  const changed = fc
    .tuple(
      fc.constantFrom(answerBytes(), compressed),
      fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { maxLength: 4 }),
      fc.nat(250),
    )
    .map(([bytes, changes, length]) => {
      const copy = Buffer.from(bytes);
      for (const [at, value] of changes) copy[at % copy.length] = value;
      return copy.subarray(0, Math.max(length, 20));
    });
  fc.assert(
    fc.property(changed, fc.integer({ min: 60, max: 1232 }), (bytes, limit) => {
      const answer = parseUpstreamAnswer(bytes, key);
      if (answer === undefined) return;
      const reply = forwardedReply({ answer, age: 1000, stale: false }, query, Math.max(limit, query.questionEnd + 11));
      const counts = [6, 8, 10].map((at) => reply.readUInt16BE(at));
      assert.equal(counts.reduce((sum, count) => sum + count, 0) - 1 <= answer.ends.length - 1, true);
      assert.ok(reply.length <= Math.max(limit, query.questionEnd + 11));
    }),
    { numRuns: 3000, interruptAfterTimeLimit: 5000 },
  );
  assert.equal(decode(answerBytes()).answers?.length, 2);
});
