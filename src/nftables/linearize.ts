import { registerLength } from './datatype.ts';
import { datatypeOf, fieldsOf, metaFact, type Expression } from './expression.ts';
import type { Instruction } from './instruction.ts';
import { loadField, loadKey } from './linearize-load.ts';
import { linearizeMatch } from './linearize-match.ts';
import type { KeyLayout } from './key.ts';
import type { DynsetStatement, NatStatement, Statement } from './statement.ts';
import type { Rule } from './table.ts';
import { encodeValue } from './value.ts';

const NFPROTO: Readonly<Record<NatStatement['family'], number>> = { ip: 2, ip6: 10 };

/** A rule as the program that nft would make of it, register for register: nft must recognise it when it lists it. */
export function linearizeRule(family: 'ip' | 'ip6', rule: Rule): readonly Instruction[] {
  return rule.statements.flatMap((statement) => linearizeStatement(family, statement));
}

function linearizeStatement(family: 'ip' | 'ip6', statement: Statement): Instruction[] {
  switch (statement.kind) {
    case 'match':
      return linearizeMatch(statement);
    case 'assign': {
      const { datatype, key } = metaFact(statement.target.name);
      return [...load(statement.value, 0, [datatype]), { kind: 'meta', key, sreg: 0 }];
    }
    case 'verdict':
      return [{ kind: 'immediate', dreg: 'verdict', data: statement.verdict }];
    case 'vmap':
      return [...loadKey(statement.key, 0), { kind: 'lookup', set: statement.map, sreg: 0, dreg: 'verdict' }];
    case 'nat':
      return linearizeNat(statement);
    case 'masquerade':
      // NF_NAT_RANGE_PROTO_RANDOM_FULLY
      return [statement.fullyRandom ? { kind: 'masq', flags: 16 } : { kind: 'masq' }];
    case 'reject':
      if (statement.with === 'tcp reset') return [{ kind: 'reject', type: 1 }];
      // ICMP_PORT_UNREACH, ICMPV6_PORT_UNREACH
      return [{ kind: 'reject', type: 0, code: family === 'ip' ? 3 : 4 }];
    case 'counter':
      return [{ kind: 'counter' }];
    case 'dynset':
      return linearizeDynset(statement);
  }
}

/** Loads a value into the registers from `register` on. `layout` types a constant. */
function load(expression: Expression, register: number, layout: KeyLayout): Instruction[] {
  switch (expression.kind) {
    case 'value': {
      const datatype = layout[0];
      if (datatype === undefined) throw new RangeError(`Cannot load "${expression.text}": its type is not known`);
      return [{ kind: 'immediate', dreg: register, data: encodeValue(datatype, expression.text) }];
    }
    case 'map':
      return [
        ...loadKey(expression.key, register),
        { kind: 'lookup', set: expression.map, sreg: register, dreg: register },
      ];
    default:
      return loadKey(expression, register);
  }
}

function linearizeNat(statement: NatStatement): Instruction[] {
  const address = datatypeOf({ kind: 'payload', name: statement.family === 'ip' ? 'ip daddr' : 'ip6 daddr' });
  // NF_NAT_RANGE_MAP_IPS 1, PROTO_SPECIFIED 2: the kernel sets them itself, and shows them.
  const port = statement.withPort ? { protoMin: registerLength(address) / 4, flags: 3 } : { flags: 1 };
  return [
    ...load(statement.to, 0, [address]),
    { kind: 'nat', type: statement.type === 'dnat' ? 1 : 0, family: NFPROTO[statement.family], addrMin: 0, ...port },
  ];
}

function linearizeDynset(statement: DynsetStatement): Instruction[] {
  const words = fieldsOf(statement.key).reduce((sum, field) => sum + registerLength(datatypeOf(field)) / 4, 0);
  // nft starts the data in the next 128-bit register.
  const sregData = (words + 3) & ~3;
  const { data, timeoutSeconds } = statement;
  return [
    ...loadKey(statement.key, 0),
    ...(data === undefined ? [] : loadField(data, sregData)),
    {
      kind: 'dynset',
      set: statement.set,
      op: { add: 0, update: 1, delete: 2 }[statement.operation],
      sregKey: 0,
      ...(data === undefined ? {} : { sregData }),
      ...(timeoutSeconds === undefined ? {} : { timeoutMs: timeoutSeconds * 1000 }),
    },
  ];
}
