import { hash as sha256 } from 'node:crypto';
import type { Backend, Protocol } from '../frontend.ts';

/** Chains that every Service has rules in. */
export type SharedChain = 'KUBE-SERVICES' | 'KUBE-EXTERNAL-SERVICES' | 'KUBE-NODEPORTS' | 'KUBE-PROXY-FIREWALL';

/**
 * Chains of one port of a Service: `SVC` chooses among all endpoints, `SVL` among those of this node, `EXT` takes what comes
 * to addresses for the outside, `FW` lets only some clients on to `EXT`.
 */
export type PortChainKind = 'SVC' | 'SVL' | 'EXT' | 'FW';

/** `name` is `namespace/name:port`. The same as kube-proxy's (pkg/proxy/iptables/proxier.go: portProtoHash). */
export function portChain(kind: PortChainKind, name: string, protocol: Protocol): string {
  return `KUBE-${kind}-${hash(name + protocol)}`;
}

/** The chain of one endpoint of one port of a Service. */
export function endpointChain(name: string, protocol: Protocol, backend: Backend): string {
  return `KUBE-SEP-${hash(name + protocol + endpointText(backend))}`;
}

/** Whether a chain belongs to a Service: where nobody wants it, it can go. */
export function isServiceChain(name: string): boolean {
  return /^KUBE-(SVC|SVL|EXT|FW|SEP)-/.test(name);
}

/** `10.244.0.5:8080`, `[fd00::5]:8080`. */
export function endpointText({ address, port }: Pick<Backend, 'address' | 'port'>): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** The first 80 bits of SHA-256, five at a time: the name of a chain has at most 28 characters. */
function hash(text: string): string {
  const digest = sha256('sha256', text, 'buffer');
  return base32(digest.readUIntBE(0, 5)) + base32(digest.readUIntBE(5, 5));
}

/** Of 40 bits, which a number holds. */
function base32(bits: number): string {
  let text = '';
  for (let rest = bits, i = 0; i < 8; i++, rest = Math.floor(rest / 32)) text = (BASE32[rest % 32] ?? '') + text;
  return text;
}
