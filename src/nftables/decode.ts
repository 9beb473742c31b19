import { AttributeReader } from '#netlink/attribute.ts';
import { NFGENMSG_LENGTH, type Message } from '#netlink/message.ts';
import { CHAIN, HOOK, RULE, SET, SET_DESC, space, TABLE } from './attributes.ts';
import { formatInstruction } from './instruction.ts';
import { decodeInstructions } from './instruction-codec.ts';
import { COMMENT, findComment } from './userdata.ts';

/** What the kernel says of a table, a chain, a rule, a set: enough to tell whether it is the declared one. */
export interface ProgrammedChain {
  readonly name: string;
  readonly hook?: { readonly type: string; readonly number: number; readonly priority: number };
  /** Policy drop is 0. */
  readonly policy?: number;
  /** One text a rule: its program, and its comment. */
  readonly rules: readonly string[];
}

export interface ProgrammedSet {
  readonly name: string;
  readonly flags: number;
  readonly keyType: number;
  readonly keyLength: number;
  readonly dataType: number;
  readonly dataLength: number;
  readonly timeoutMs: number;
  readonly size: number;
  /** As hexadecimal: `typeof` and the comment. */
  readonly userdata: string;
}

const tableSpace = space('TABLE', TABLE);
const chainSpace = space('CHAIN', CHAIN);
const hookSpace = space('HOOK', HOOK);
const ruleSpace = space('RULE', RULE);
const setSpace = space('SET', SET);
const descSpace = space('SET_DESC', SET_DESC);

/** The name in an NFT_MSG_NEWTABLE message. */
export function decodeTableName(message: Message): string {
  const reader = new AttributeReader(message.payload, tableSpace, NFGENMSG_LENGTH);
  let name = '';
  while (reader.next()) if (reader.type === TABLE.NAME) name = reader.string();
  return name;
}

export function decodeChain(message: Message): { readonly table: string; readonly chain: ProgrammedChain } {
  const reader = new AttributeReader(message.payload, chainSpace, NFGENMSG_LENGTH);
  let table = '';
  let name = '';
  let type = '';
  let policy: number | undefined;
  let hook: { number: number; priority: number } | undefined;
  while (reader.next()) {
    if (reader.type === CHAIN.TABLE) table = reader.string();
    else if (reader.type === CHAIN.NAME) name = reader.string();
    else if (reader.type === CHAIN.TYPE) type = reader.string();
    else if (reader.type === CHAIN.POLICY) policy = reader.be32();
    else if (reader.type === CHAIN.HOOK) hook = decodeHook(reader.nested(hookSpace));
  }
  const base = hook === undefined ? {} : { hook: { type, ...hook } };
  return { table, chain: { name, rules: [], ...base, ...(policy === undefined ? {} : { policy }) } };
}

function decodeHook(reader: AttributeReader): { number: number; priority: number } {
  const hook = { number: 0, priority: 0 };
  while (reader.next()) {
    if (reader.type === HOOK.HOOKNUM) hook.number = reader.be32();
    else if (reader.type === HOOK.PRIORITY) hook.priority = reader.be32() | 0;
  }
  return hook;
}

export function decodeRule(message: Message): { readonly chain: string; readonly rule: string } {
  const reader = new AttributeReader(message.payload, ruleSpace, NFGENMSG_LENGTH);
  let chain = '';
  let program: string[] = [];
  let comment: string | undefined;
  while (reader.next()) {
    if (reader.type === RULE.CHAIN) chain = reader.string();
    else if (reader.type === RULE.EXPRESSIONS) program = decodeInstructions(reader).map(formatInstruction);
    else if (reader.type === RULE.USERDATA) comment = findComment(COMMENT, reader.bytes());
  }
  return { chain, rule: formatProgram(program, comment) };
}

/** The form in which declared and programmed rules are compared. */
export function formatProgram(program: readonly string[], comment: string | undefined): string {
  return comment === undefined ? program.join(' ') : `${program.join(' ')} # ${comment}`;
}

export function decodeSet(message: Message): { readonly table: string; readonly set: ProgrammedSet } {
  const reader = new AttributeReader(message.payload, setSpace, NFGENMSG_LENGTH);
  let table = '';
  const set = {
    name: '',
    flags: 0,
    keyType: 0,
    keyLength: 0,
    dataType: 0,
    dataLength: 0,
    timeoutMs: 0,
    size: 0,
    userdata: '',
  };
  const fields: Readonly<Record<number, () => void>> = {
    [SET.TABLE]: () => (table = reader.string()),
    [SET.NAME]: () => (set.name = reader.string()),
    [SET.FLAGS]: () => (set.flags = reader.be32()),
    [SET.KEY_TYPE]: () => (set.keyType = reader.be32()),
    [SET.KEY_LEN]: () => (set.keyLength = reader.be32()),
    [SET.DATA_TYPE]: () => (set.dataType = reader.be32()),
    [SET.DATA_LEN]: () => (set.dataLength = reader.be32()),
    [SET.TIMEOUT]: () => (set.timeoutMs = Number(reader.be64())),
    [SET.DESC]: () => (set.size = decodeSize(reader.nested(descSpace))),
    [SET.USERDATA]: () => (set.userdata = Buffer.from(reader.bytes()).toString('hex')),
  };
  while (reader.next()) fields[reader.type]?.();
  return { table, set };
}

function decodeSize(reader: AttributeReader): number {
  let size = 0;
  while (reader.next()) if (reader.type === SET_DESC.SIZE) size = reader.be32();
  return size;
}
