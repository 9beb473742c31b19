import { formatIp, parseIp } from '#base/ip.ts';

export interface BindAddress {
  readonly host: string;
  readonly port: number;
}

/** `10.0.0.1:80`, `[::1]:80`, and an address alone, with the port that was not said; otherwise upstream's words for why not. */
export function parseBindAddress(text: string, port: number): BindAddress | { readonly value: string; why: string } {
  const alone = parseIp(text);
  if (alone !== undefined) return { host: formatIp(alone), port };
  const [, bracketed, plain, portText = ''] = /^(?:\[([^[\]]*)\]|([^:[\]]*)):([^:]*)$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined) return { value: text, why: 'must be IP:port' };
  const ip = parseIp(host);
  if (ip === undefined) return { value: host, why: 'must be a valid IP' };
  const number = /^\d{1,5}$/.test(portText) ? Number(portText) : 0;
  if (number < 1 || number > 65_535) return { value: portText, why: 'must be a valid port' };
  return { host: formatIp(ip), port: number };
}
