/** RFC 1035 3.2.2, 3596, 2782, 6891, 8482. */
export const RECORD_TYPES = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  HINFO: 13,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  OPT: 41,
  HTTPS: 65,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
} as const;

const names = new Map<number, string>(Object.entries(RECORD_TYPES).map(([name, type]) => [type, name]));

/** `TYPE64` for one that has no name here (RFC 3597 5). */
export function typeName(type: number): string {
  return names.get(type) ?? `TYPE${type}`;
}

/** RFC 1035 4.1.1, RFC 6891. */
export const RCODES = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5, BADVERS: 16 } as const;
export type Rcode = keyof typeof RCODES;

/** Class IN; no other is served. */
export const CLASS_IN = 1;
