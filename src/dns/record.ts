import type { WireName } from './name.ts';

/** One resource record without its TTL. */
export type DnsRecord =
  | { readonly kind: 'A'; readonly name: WireName; readonly address: number }
  | { readonly kind: 'AAAA'; readonly name: WireName; readonly address: string }
  | { readonly kind: 'CNAME' | 'PTR' | 'NS'; readonly name: WireName; readonly target: WireName }
  | {
      readonly kind: 'SRV';
      readonly name: WireName;
      readonly target: WireName;
      readonly port: number;
      readonly weight: number;
    }
  | { readonly kind: 'TXT' | 'HINFO'; readonly name: WireName; readonly text: string }
  | { readonly kind: 'SOA'; readonly name: WireName };
