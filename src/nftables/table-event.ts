import { AttributeReader } from '#netlink/attribute.ts';
import { NFGENMSG_LENGTH, type Message } from '#netlink/message.ts';
import { NFNL_SUBSYS_NFTABLES, NFT_MSG, space, TABLE } from './attributes.ts';
import { familyNumber } from './encode.ts';
import { type Family } from './table.ts';

/** Attribute 1 is the table's name in every message but one. */
const nameSpace = space('TABLE', { NAME: TABLE.NAME });

/** Whether a notification is of a change in this table. */
export function concernsTable(message: Message, family: Family, table: string): boolean {
  if (message.type >> 8 !== NFNL_SUBSYS_NFTABLES || message.type === NFT_MSG.NEWGEN) return false;
  if (message.payload[0] !== familyNumber(family)) return false;
  const reader = new AttributeReader(message.payload, nameSpace, NFGENMSG_LENGTH);
  return reader.next() && reader.type === TABLE.NAME && reader.string() === table;
}
