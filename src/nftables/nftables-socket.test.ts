import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync } from 'node:fs';
import test, { type TestContext } from 'node:test';
import { errorCode } from '#base/errors.ts';
import { isolateTestFile } from '#netlink/isolated-test.ts';
import { createNetns, inNetns, settleInOwnNetns } from '#netlink/namespace.ts';
import { BlockWriter } from './block-writer.ts';
import { diffTables, type Programmed } from './diff.ts';
import { payload } from './expression.ts';
import { NftablesSocket } from './nftables-socket.ts';
import { renderTable } from './render.ts';
import { renderTransaction } from './render-transaction.ts';
import { accept, drop, goTo, matchSet, verdict } from './statement.ts';
import { chain, rule, type SetDeclaration, type Table } from './table.ts';
import { element, endpoints, goldenTable, lookupTable, services } from './golden-table.ts';
import { transaction, type Operation } from './transaction.ts';

isolateTestFile();
settleInOwnNetns();

interface Kernel {
  readonly socket: NftablesSocket;
  /** Output of nft in the same namespace; undefined where it is not installed. */
  readonly nft: (...args: readonly string[]) => string | undefined;
}

function kernel(t: TestContext): Kernel {
  const netns = createNetns();
  const socket = inNetns(netns, () => NftablesSocket.open());
  t.after(() => {
    socket[Symbol.dispose]();
    closeSync(netns);
  });
  const nft = (...args: readonly string[]): string | undefined => {
    const result = inNetns(netns, () => spawnSync('nft', args, { encoding: 'utf8' }));
    if (result.error !== undefined) return undefined;
    assert.deepEqual([result.status, result.signal], [0, null], result.stderr);
    return result.stdout;
  };
  return { socket, nft };
}

function programmed(socket: NftablesSocket, table: Table): Programmed | undefined {
  const found = socket.readTable(table.family, table.name);
  if (found === undefined) return undefined;
  const present = new Set(found.sets.map(({ name }) => name));
  const elements = table.sets
    .filter(({ declaration }) => present.has(declaration.name))
    .map(({ declaration }) => [declaration.name, socket.readElements(table.family, table.name, declaration)] as const);
  return { ...found, elements: new Map(elements) };
}

for (const table of [goldenTable, lookupTable]) {
  test(`table ${table.name}: what is programmed reads back as declared, and nft lists it as it renders`, (t) => {
    const { socket, nft } = kernel(t);
    assert.equal(socket.commit(diffTables(table, undefined)), 1);
    assert.equal(renderTransaction(diffTables(table, programmed(socket, table))), '');
    nft('-j', 'list', 'ruleset');
    const listed = nft('list', 'ruleset');
    if (listed === undefined) return t.skip('nft is not installed');
    assert.equal(listed, renderTable(table));
  });
}

const addresses: SetDeclaration = { kind: 'set', name: 'addresses', key: payload('ip daddr') };
const ports: SetDeclaration = { kind: 'set', name: 'addresses', key: payload('th dport') };
const forward = { type: 'filter', hook: 'forward', priority: 0 } as const;

function small(sets: Table['sets'], chains: Table['chains']): Table {
  return { kind: 'table', family: 'ip', name: 'small', sets, chains };
}

const before = small(
  [{ declaration: addresses, elements: [element(addresses, '10.0.0.1'), element(addresses, '10.0.0.2')] }],
  [
    chain('leaf', [rule([verdict(drop)])]),
    chain('base', [rule([matchSet(payload('ip daddr'), 'addresses'), verdict(goTo('leaf'))])], { hook: forward }),
  ],
);

const changes: readonly { readonly name: string; readonly after: Table; readonly expected: string }[] = [
  { name: 'nothing', after: before, expected: '' },
  {
    name: 'elements',
    after: small(
      [{ declaration: addresses, elements: [element(addresses, '10.0.0.2'), element(addresses, '10.0.0.3')] }],
      before.chains,
    ),
    expected: `delete element ip small addresses { 10.0.0.1 }
add element ip small addresses { 10.0.0.3 }
`,
  },
  {
    name: 'a rule',
    after: small(before.sets, [chain('leaf', [rule([verdict(accept)], 'now accepted')]), ...before.chains.slice(1)]),
    expected: `flush chain ip small leaf
add rule ip small leaf accept comment "now accepted"
`,
  },
  {
    name: 'the type of a set, which takes its users along',
    after: small(
      [{ declaration: ports, elements: [element(ports, '80')] }],
      [
        chain('leaf', [rule([verdict(drop)])]),
        chain('base', [rule([matchSet(payload('th dport'), 'addresses'), verdict(goTo('leaf'))])], { hook: forward }),
      ],
    ),
    expected: `flush chain ip small base
delete set ip small addresses
table ip small {
	set addresses {
		typeof th dport
	}
}
add element ip small addresses { 80 }
add rule ip small base th dport @addresses goto leaf
`,
  },
  {
    name: 'the priority of a base chain, which is a chain anew',
    after: small(before.sets, [
      chain('leaf', [rule([verdict(drop)])]),
      chain('base', [rule([matchSet(payload('ip daddr'), 'addresses'), verdict(goTo('leaf'))])], {
        hook: { ...forward, priority: -10 },
      }),
    ]),
    expected: `flush chain ip small base
delete chain ip small base
table ip small {
	chain base {
		type filter hook forward priority filter - 10; policy accept;
	}
}
add rule ip small base ip daddr @addresses goto leaf
`,
  },
  {
    name: 'all but a chain',
    after: small([], [chain('leaf', [rule([verdict(drop)])])]),
    expected: `flush chain ip small base
delete set ip small addresses
delete chain ip small base
`,
  },
];

for (const { name, after, expected } of changes) {
  test(`diffTables() changes ${name}, and the kernel takes it`, (t) => {
    const { socket } = kernel(t);
    socket.commit(diffTables(before, undefined));
    const change = diffTables(after, programmed(socket, before));
    assert.equal(renderTransaction(change), expected);
    socket.commit(change);
    assert.equal(renderTransaction(diffTables(after, programmed(socket, after))), '');
    socket.commit(diffTables(before, programmed(socket, before)));
    assert.equal(renderTransaction(diffTables(before, programmed(socket, before))), '');
  });
}

function block(...keys: readonly Uint8Array[]): BlockWriter {
  const writer = new BlockWriter(12, 0);
  for (const key of keys) {
    const at = writer.next();
    writer.bytes.set(key, at);
  }
  return writer;
}

const missing = element(services, '10.96.0.9', 'udp', '53');
const refused: readonly { readonly name: string; readonly operation: Operation; readonly message: RegExp }[] = [
  {
    name: 'a chain',
    operation: { kind: 'delete-chain', chain: 'none' },
    message: /^Cannot delete chain "none" in table ip lookups: ENOENT/,
  },
  {
    name: 'a set that is in use',
    operation: { kind: 'delete-set', set: 'services' },
    message: /^Cannot delete set "services" in table ip lookups: EBUSY/,
  },
  {
    name: 'a rule',
    operation: { kind: 'add-rule', chain: 'dispatch', rule: rule([matchSet(payload('ip daddr'), 'none')]) },
    message: /^Cannot add a rule to chain "dispatch" in table ip lookups: ENOENT/,
  },
  {
    name: 'one of several elements',
    operation: {
      kind: 'delete-elements',
      set: services,
      elements: block(element(services, '10.96.0.1', 'tcp', '80').key, missing.key).finish(),
    },
    message: /^Cannot delete element 10.96.0.9 . udp . 53 of "services" in table ip lookups: ENOENT/,
  },
  {
    name: 'an element',
    operation: { kind: 'delete-elements', set: services, elements: [missing] },
    message: /^Cannot delete element 10.96.0.9 . udp . 53 of "services" in table ip lookups: ENOENT/,
  },
];

for (const { name, operation, message } of refused) {
  test(`commit() that fails at ${name} names it, and changes nothing`, (t) => {
    const { socket } = kernel(t);
    socket.commit(diffTables(lookupTable, undefined));
    const first = { ...element(services, '10.96.0.1', 'tcp', '80'), data: new Uint8Array(4) };
    socket.commit(transaction('ip', 'lookups', [{ kind: 'add-elements', set: services, elements: [first] }]));
    const second = { ...element(services, '10.96.0.2', 'tcp', '80'), data: new Uint8Array(4) };
    assert.throws(
      () =>
        socket.commit(
          transaction('ip', 'lookups', [{ kind: 'add-elements', set: services, elements: [second] }, operation]),
        ),
      { name: 'NftablesError', message },
    );
    assert.equal(socket.readElements('ip', 'lookups', services).length, 1);
  });
}

test('commit() takes more elements than a send buffer does, and visitElements() finds them all', (t) => {
  const { socket } = kernel(t);
  const writer = new BlockWriter(16, 8);
  const count = 30_000;
  for (let i = 0; i < count; i++) {
    const at = writer.next();
    new DataView(writer.bytes.buffer).setUint32(at, i);
  }
  socket.commit(
    transaction('ip', 'large', [
      { kind: 'add-table' },
      { kind: 'add-set', set: endpoints },
      { kind: 'add-elements', set: endpoints, elements: writer.finish() },
    ]),
  );
  const read = (): number => {
    const seen = new Set<number>();
    socket.visitElements('ip', 'large', 'endpoints', (key) => {
      const { size } = seen;
      return seen.add(new DataView(key.buffer, key.byteOffset).getUint32(0)).size > size;
    });
    return seen.size;
  };
  assert.equal(untilWhole(read), count);
  assert.equal(socket.readElements('ip', 'large', endpoints).length, count);
});

/** The kernel rehashes the table while we read it. */
function untilWhole<T>(read: () => T): T {
  for (let tries = 0; tries < 1000; tries++) {
    try {
      return read();
    } catch (error) {
      assert.equal(errorCode(error), 'ERR_NFTABLES_TORN');
    }
  }
  return assert.fail('the table is still being rehashed after 1000 dumps');
}

test('readTable() of a table that is not there is undefined', (t) => {
  assert.equal(kernel(t).socket.readTable('ip', 'none'), undefined);
});
