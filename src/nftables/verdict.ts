import type { AttributeReader } from '#netlink/attribute.ts';
import type { MessageEncoder } from '#netlink/encoder.ts';
import { DATA, space, VERDICT } from './attributes.ts';
import type { Verdict } from './statement.ts';

/** NF_DROP 0, NF_ACCEPT 1, enum nft_verdicts below zero. */
const codes: Readonly<Record<Verdict['kind'], number>> = {
  drop: 0,
  accept: 1,
  continue: -1,
  jump: -3,
  goto: -4,
  return: -5,
};

export function encodeVerdict(encoder: MessageEncoder, verdict: Verdict): void {
  const mark = encoder.beginNested(DATA.VERDICT);
  encoder.be32(VERDICT.CODE, codes[verdict.kind]);
  if ('chain' in verdict) encoder.string(VERDICT.CHAIN, verdict.chain);
  encoder.endNested(mark);
}

const dataSpace = space('DATA', DATA);
const verdictSpace = space('VERDICT', VERDICT);

/** The content of an NFTA_*_DATA attribute: plain bytes, or a verdict. */
export function decodeData(attribute: AttributeReader): Uint8Array | Verdict {
  const reader = attribute.nested(dataSpace);
  let data: Uint8Array | Verdict = new Uint8Array();
  while (reader.next()) {
    if (reader.type === DATA.VALUE) data = reader.bytes();
    else if (reader.type === DATA.VERDICT) data = decodeVerdict(reader.nested(verdictSpace));
  }
  return data;
}

function decodeVerdict(reader: AttributeReader): Verdict {
  let code = 0;
  let chain = '';
  while (reader.next()) {
    if (reader.type === VERDICT.CODE) code = reader.be32() | 0;
    else if (reader.type === VERDICT.CHAIN) chain = reader.string();
  }
  const kind = (Object.keys(codes) as Verdict['kind'][]).find((name) => codes[name] === code) ?? 'continue';
  return kind === 'jump' || kind === 'goto' ? { kind, chain } : { kind };
}
