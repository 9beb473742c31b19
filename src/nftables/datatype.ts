/** How the bytes of a value are ordered: `host` values are compared and printed as little-endian numbers. */
export type ByteOrder = 'host' | 'network';

/**
 * What a value means. `id` is the number by which nft recognises it again in a set (its `enum datatypes`); `perLine` is
 * how many elements of a set nft prints in one line.
 */
export interface Datatype {
  readonly name: string;
  readonly id: number;
  /** In bytes. */
  readonly length: number;
  readonly byteOrder: ByteOrder;
  readonly perLine: number;
}

function define(name: string, id: number, length: number, byteOrder: ByteOrder, perLine: number): Datatype {
  return Object.freeze({ name, id, length, byteOrder, perLine });
}

export const integerType: Datatype = define('integer', 4, 4, 'host', 5);
export const ipv4Type: Datatype = define('ipv4_addr', 7, 4, 'network', 2);
export const ipv6Type: Datatype = define('ipv6_addr', 8, 16, 'network', 1);
export const protocolType: Datatype = define('inet_proto', 12, 1, 'host', 5);
export const portType: Datatype = define('inet_service', 13, 2, 'network', 5);
export const markType: Datatype = define('mark', 19, 4, 'host', 5);
export const priorityType: Datatype = define('classid', 23, 4, 'host', 5);
export const ctStateType: Datatype = define('ct_state', 26, 4, 'host', 5);
export const ctDirectionType: Datatype = define('ct_dir', 27, 1, 'host', 5);
export const ctStatusType: Datatype = define('ct_status', 28, 4, 'host', 5);
export const fibTypeType: Datatype = define('fib_addrtype', 38, 4, 'host', 5);
export const interfaceNameType: Datatype = define('ifname', 41, 16, 'host', 1);

/** Bytes a value takes in a register or in a concatenated key: whole 32-bit registers. */
export function registerLength(datatype: Datatype): number {
  return (datatype.length + 3) & ~3;
}

/** `concat_subtype_add`: six bits for each field. */
export function concatTypeId(datatypes: readonly Datatype[]): number {
  return datatypes.reduce((id, datatype) => (id << 6) | datatype.id, 0);
}
