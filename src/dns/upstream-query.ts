import { HEADER_BYTES, OPT_BYTES } from './query.ts';
import { CLASS_IN } from './record-type.ts';
import { writeOpt } from './reply.ts';

export interface UpstreamQueryFlags {
  readonly edns: boolean;
  readonly dnssecOk?: boolean;
  readonly checkingDisabled?: boolean;
}

/** A question of our own for a key (name, then type): nothing of what a client sent beside it is passed on. */
export function upstreamQuery(key: string, flags: UpstreamQueryFlags): Buffer {
  const questionEnd = HEADER_BYTES + key.length + 2;
  const query = Buffer.alloc(flags.edns ? questionEnd + OPT_BYTES : questionEnd);
  // RD, and AD (RFC 6840 5.7): say whether you have checked it, even without the signatures.
  query.writeUInt16BE(0x0120 | (flags.checkingDisabled === true ? 0x10 : 0), 2);
  query.writeUInt16BE(1, 4);
  query.write(key, HEADER_BYTES, 'latin1');
  query.writeUInt16BE(CLASS_IN, questionEnd - 2);
  if (!flags.edns) return query;
  query.writeUInt16BE(1, 10);
  writeOpt(query, questionEnd, flags.dnssecOk === true);
  return query;
}
