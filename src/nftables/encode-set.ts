import type { MessageEncoder } from '#netlink/encoder.ts';
import { DATA_VERDICT, SET, SET_DESC, SET_FLAG } from './attributes.ts';
import { concatTypeId } from './datatype.ts';
import { keyLength, type KeyLayout } from './key.ts';
import { dataLayoutOf, layoutOf, type SetDeclaration } from './table.ts';
import { byteOrderNumber, typeofEntries } from './typeof.ts';
import { commentEntry, joinEntries, numberEntry, SET_COMMENT, userdataEntry } from './userdata.ts';

/** enum nftnl_udata_set_types */
const KEYBYTEORDER = 0;
const DATABYTEORDER = 1;
const KEY_TYPEOF = 3;
const DATA_TYPEOF = 4;
const DATA_INTERVAL = 6;

/** The attributes of NFT_MSG_NEWSET after the names of table and set. `id` names the set within its batch. */
export function encodeSet(encoder: MessageEncoder, declaration: SetDeclaration, id: number): void {
  const { key, data } = kernelTypes(declaration);
  encoder.be32(SET.FLAGS, setFlags(declaration));
  encoder.be32(SET.KEY_TYPE, key.type);
  encoder.be32(SET.KEY_LEN, key.length);
  if (data !== undefined) {
    encoder.be32(SET.DATA_TYPE, data.type);
    encoder.be32(SET.DATA_LEN, data.length);
  }
  const { size, timeoutSeconds } = declaration;
  if (size !== undefined) encoder.nested(SET.DESC, () => encoder.be32(SET_DESC.SIZE, size));
  encoder.be32(SET.ID, id);
  if (timeoutSeconds !== undefined) encoder.be64(SET.TIMEOUT, timeoutSeconds * 1000);
  encoder.bytes(SET.USERDATA, setUserdata(declaration));
}

interface KernelType {
  readonly type: number;
  readonly length: number;
}

export function kernelTypes(declaration: SetDeclaration): { readonly key: KernelType; readonly data?: KernelType } {
  const key = kernelType(layoutOf(declaration.key));
  switch (declaration.kind) {
    case 'set':
      return { key };
    case 'map':
      return { key, data: kernelType(dataLayoutOf(declaration)) };
    case 'vmap':
      return { key, data: { type: DATA_VERDICT, length: 0 } };
  }
}

function kernelType(layout: KeyLayout): KernelType {
  return { type: concatTypeId(layout), length: keyLength(layout) };
}

export function setFlags(declaration: SetDeclaration): number {
  const flags = {
    constant: SET_FLAG.CONSTANT,
    interval: SET_FLAG.INTERVAL,
    dynamic: SET_FLAG.DYNAMIC,
    timeout: SET_FLAG.TIMEOUT,
  };
  const isMap = declaration.kind === 'set' ? 0 : SET_FLAG.MAP;
  return (declaration.flags ?? []).reduce((bits, flag) => bits | flags[flag], isMap as number);
}

/** Entry for entry what nft writes for a set declared with `typeof`. */
export function setUserdata(declaration: SetDeclaration): Uint8Array {
  const { key, kind, comment } = declaration;
  const data = kind === 'vmap' ? 'verdict' : declaration.data;
  return joinEntries(
    numberEntry(KEYBYTEORDER, byteOrderNumber(key)),
    ...(data === undefined ? [] : [numberEntry(DATABYTEORDER, byteOrderNumber(data))]),
    userdataEntry(KEY_TYPEOF, typeofEntries(key)),
    ...(data === undefined ? [] : [userdataEntry(DATA_TYPEOF, typeofEntries(data))]),
    ...(data === undefined ? [] : [numberEntry(DATA_INTERVAL, 0)]),
    ...(comment === undefined ? [] : [commentEntry(SET_COMMENT, comment)]),
  );
}
