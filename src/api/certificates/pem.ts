/** One block of a PEM text (RFC 7468). */
export interface PemBlock {
  /** What it says that it is: `CERTIFICATE`. */
  readonly type: string;
  /** Lines `name: value` before the content. */
  readonly headers: readonly string[];
  readonly content: Uint8Array;
}

/** The blocks that are whole, in time that grows with the text alone: what is between them is passed over. */
export function pemBlocks(text: string): readonly PemBlock[] {
  const blocks: PemBlock[] = [];
  let open: { readonly type: string; readonly lines: string[] } | undefined;
  for (const line of text.split('\n').map((one) => one.trim())) {
    const type = /^-----BEGIN (.*)-----$/.exec(line)?.[1];
    if (type !== undefined) {
      open = { type, lines: [] };
    } else if (open !== undefined && line === `-----END ${open.type}-----`) {
      blocks.push(...blockOf(open.type, open.lines));
      open = undefined;
    } else {
      open?.lines.push(line);
    }
  }
  return blocks;
}

function blockOf(type: string, lines: readonly string[]): readonly PemBlock[] {
  const headers = lines.filter((line) => line.includes(':'));
  const body = lines.filter((line) => !line.includes(':')).join('');
  return /^[A-Za-z0-9+/]*=*$/.test(body) ? [{ type, headers, content: Buffer.from(body, 'base64') }] : [];
}
