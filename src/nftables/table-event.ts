import { AttributeReader } from '#netlink/attribute.ts';
import { NFGENMSG_LENGTH, type Message } from '#netlink/message.ts';
import { CHAIN, NFNL_SUBSYS_NFTABLES, NFT_MSG, RULE, space, TABLE } from './attributes.ts';
import { familyNumber } from './encode.ts';
import type { Family } from './table.ts';

/** Attribute 1 is the table's name in every message but one. */
const nameSpace = space('TABLE', { NAME: TABLE.NAME });

/** Whether a notification is of a change in this table. */
export function concernsTable(message: Message, family: Family, table: string): boolean {
  if (message.type >> 8 !== NFNL_SUBSYS_NFTABLES || message.type === NFT_MSG.NEWGEN) return false;
  if (message.payload[0] !== familyNumber(family)) return false;
  const reader = new AttributeReader(message.payload, nameSpace, NFGENMSG_LENGTH);
  return reader.next() && reader.type === TABLE.NAME && reader.string() === table;
}

/** Where a notification's change is; without a chain it is of the whole table. */
export interface ChangedChain {
  readonly table: string;
  readonly chain: string | undefined;
}

/** undefined for notifications of other families, of sets, and of nothing. */
export function changedChain(message: Message, family: Family): ChangedChain | undefined {
  if (message.payload[0] !== familyNumber(family)) return undefined;
  const at = chainAttributes.get(message.type);
  if (at === undefined) return undefined;
  const reader = new AttributeReader(message.payload, nameSpace, NFGENMSG_LENGTH);
  let table: string | undefined;
  let chain: string | undefined;
  while (reader.next()) {
    if (reader.type === TABLE.NAME) table = reader.string();
    else if (reader.type === at) chain = reader.string();
  }
  return table === undefined ? undefined : { table, chain };
}

/** Which attribute names the chain, by kind of message. */
const chainAttributes: ReadonlyMap<number, number> = new Map([
  [NFT_MSG.NEWTABLE, -1],
  [NFT_MSG.DELTABLE, -1],
  [NFT_MSG.NEWCHAIN, CHAIN.NAME],
  [NFT_MSG.DELCHAIN, CHAIN.NAME],
  [NFT_MSG.NEWRULE, RULE.CHAIN],
  [NFT_MSG.DELRULE, RULE.CHAIN],
]);
