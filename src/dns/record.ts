/** One resource record without its TTL. Names have no trailing dot and are lower-case. */
export type DnsRecord =
  | { readonly kind: 'A' | 'AAAA'; readonly name: string; readonly address: string }
  | { readonly kind: 'CNAME' | 'PTR'; readonly name: string; readonly target: string }
  | { readonly kind: 'SRV'; readonly name: string; readonly target: string; readonly port: number }
  | { readonly kind: 'TXT'; readonly name: string; readonly text: string };

export type RecordKind = DnsRecord['kind'];

/** Two records that say the same have the same text: the form in which they are counted and compared. */
export function recordText(record: DnsRecord): string {
  switch (record.kind) {
    case 'A':
    case 'AAAA':
      return `${record.name} ${record.kind} ${record.address}`;
    case 'CNAME':
    case 'PTR':
      return `${record.name} ${record.kind} ${record.target}`;
    case 'SRV':
      return `${record.name} SRV ${record.port} ${record.target}`;
    case 'TXT':
      return `${record.name} TXT "${record.text}"`;
  }
}
