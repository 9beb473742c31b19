import { bitwise, concat, ct, fib, map, meta, numgen, payload, value } from './expression.ts';
import * as statement from './statement.ts';
import { chain, layoutOf, rule, type Element, type SetDeclaration, type Table } from './table.ts';
import { encodeKey } from './key.ts';

const source = payload('ip saddr');
const destination = payload('ip daddr');
const port = payload('th dport');
const protocol = meta('l4proto');
const mark = meta('mark');
const priority = meta('priority');
const frontend = concat(destination, protocol, port);

export const services: SetDeclaration = {
  kind: 'map',
  name: 'services',
  key: frontend,
  data: priority,
  comment: 'frontend : backends',
};
export const pick: SetDeclaration = { kind: 'vmap', name: 'pick', key: priority };
export const endpoints: SetDeclaration = {
  kind: 'map',
  name: 'endpoints',
  key: concat(destination, protocol, port, numgen('random', 1024)),
  data: concat(destination, port),
};
export const sources: SetDeclaration = { kind: 'set', name: 'sources', key: source, flags: ['interval'] };
export const marks: SetDeclaration = { kind: 'set', name: 'marks', key: ct('mark') };
export const affinity: SetDeclaration = {
  kind: 'map',
  name: 'affinity',
  key: concat(source, destination, protocol, port),
  data: priority,
  size: 65_535,
  flags: ['dynamic', 'timeout'],
  timeoutSeconds: 10_800,
};

const protocols: SetDeclaration = { kind: 'set', name: 'protocols', key: protocol };

export function element(declaration: SetDeclaration, ...texts: readonly string[]): Element {
  return { key: encodeKey(layoutOf(declaration.key), texts) };
}

const go = statement.verdict;

/** Every kind of set, statement and operand that nft itself sends just as we do: `testdata/golden.txt` has its bytes. */
export const goldenTable: Table = {
  kind: 'table',
  family: 'ip',
  name: 'golden',
  comment: 'a table',
  sets: [
    {
      declaration: services,
      elements: [{ ...element(services, '10.96.0.1', 'tcp', '443'), data: encodeKey(layoutOf(priority), ['6b70:3']) }],
    },
    { declaration: pick, elements: [{ ...element(pick, '6b70:3'), verdict: statement.goTo('leaf') }] },
    {
      declaration: endpoints,
      elements: [
        {
          ...element(endpoints, '10.96.0.1', 'udp', '53', '258'),
          data: encodeKey(layoutOf(concat(destination, port)), ['10.0.0.1', '5353']),
        },
      ],
    },
    { declaration: sources, elements: [] },
    { declaration: marks, elements: [{ ...element(marks, '1'), comment: 'one' }] },
    { declaration: { kind: 'set', name: 'originals', key: ct('original ip daddr') }, elements: [] },
    { declaration: { kind: 'set', name: 'kinds', key: fib('daddr', 'type') }, elements: [] },
    { declaration: affinity, elements: [] },
  ],
  chains: [
    chain(
      'leaf',
      [
        rule([statement.assign(priority, value('none'))]),
        rule([statement.matchFlags(ct('state'), 'established,related'), go(statement.accept)]),
        rule([statement.matchValue(ct('state'), 'new', '!='), statement.counter, go(statement.drop)]),
        rule([statement.matchPrefix(destination, '10.96.0.0/12'), go(statement.drop)], 'a rule'),
        rule([statement.matchPrefix(destination, '10.96.0.0/16'), go(statement.drop)]),
        rule([statement.matchPrefix(source, '127.0.0.0/8', '!='), go({ kind: 'return' })]),
        rule([statement.matchRange(port, '30000-32767'), go(statement.accept)]),
        rule([statement.matchRange(port, '30000-32767', '!='), go(statement.accept)]),
        rule([statement.matchValue(fib('daddr', 'type'), 'local'), go(statement.accept)]),
        rule([statement.reject('port-unreachable')]),
        rule([statement.matchValue(meta('iifname'), '"lo"'), go(statement.accept)]),
        rule([statement.matchValue(ct('original ip daddr'), '10.0.0.1'), go(statement.accept)]),
      ],
      { comment: 'a chain' },
    ),
    chain('post', [rule([statement.matchFlags(ct('status'), 'dnat'), statement.masquerade({ fullyRandom: true })])], {
      hook: { type: 'nat', hook: 'postrouting', priority: 100 },
    }),
    chain('in', [rule([go(statement.jump('leaf'))])], { hook: { type: 'filter', hook: 'input', priority: -90 } }),
  ],
};

/** What the golden table lacks because nft adds attributes that say nothing new: numbers of sets beside their names. */
export const lookupTable: Table = {
  kind: 'table',
  family: 'ip',
  name: 'lookups',
  sets: [
    { declaration: services, elements: [] },
    { declaration: pick, elements: [{ ...element(pick, '6b70:3'), verdict: statement.goTo('pick-3') }] },
    { declaration: endpoints, elements: [] },
    {
      declaration: sources,
      elements: [
        { ...element(sources, '10.96.0.0'), end: encodeKey(layoutOf(source), ['10.112.0.0']) },
        { ...element(sources, '10.200.0.1'), end: encodeKey(layoutOf(source), ['10.200.0.8']) },
        { ...element(sources, '192.168.0.1'), end: encodeKey(layoutOf(source), ['192.168.0.2']) },
        element(sources, '255.0.0.0'),
      ],
    },
    { declaration: affinity, elements: [] },
    {
      declaration: protocols,
      elements: [element(protocols, 'tcp'), element(protocols, 'udp'), element(protocols, 'sctp')],
    },
  ],
  chains: [
    chain('pick-3', [
      rule([statement.assign(priority, value('none'))]),
      rule([
        statement.matchSet(protocol, 'protocols'),
        statement.dnat('ip', map(concat(destination, protocol, port, numgen('random', 3)), 'endpoints'), {
          withPort: true,
        }),
      ]),
    ]),
    chain('dispatch', [
      rule([statement.assign(priority, map(frontend, 'services')), statement.vmap(priority, 'pick')], 'two lookups'),
    ]),
    chain('sticky', [
      rule([statement.matchSet(source, 'sources', '!='), go({ kind: 'return' })]),
      rule([
        statement.dynset('update', 'affinity', concat(source, destination, protocol, port), {
          data: priority,
          timeoutSeconds: 10_800,
        }),
      ]),
      rule([statement.dynset('delete', 'affinity', concat(source, destination, protocol, port), { data: priority })]),
    ]),
    chain('marks', [
      rule([statement.assign(mark, bitwise(mark, '|', 0x4000))]),
      rule([statement.assign(mark, bitwise(mark, '^', 0x4000))]),
      rule([statement.matchValue(bitwise(mark, '&', 0x4000), '0x00004000'), go({ kind: 'return' })]),
      rule([statement.matchValue(protocol, 'tcp'), statement.reject('tcp reset')]),
      rule([statement.matchValue(bitwise(mark, '&', 0x4000), '0x00000000', '!='), statement.counter]),
    ]),
    chain('nat', [rule([go(statement.goTo('dispatch'))])], {
      hook: { type: 'nat', hook: 'prerouting', priority: -100 },
    }),
  ],
};
