import { type Service } from '#api/generated/types.ts';
import { formatIp, parseIp, type IpFamily } from '#base/ip.ts';
import { writeIpv4 } from '#nftables/address.ts';
import { type Protocol } from './frontend.ts';

/** One port of a Service at all of its cluster addresses. */
export interface ServicePortInfo {
  /** Joins it with the slices' ports; empty when the Service has a single unnamed port. */
  readonly name: string;
  readonly protocol: Protocol;
  readonly port: number;
}

export interface ServiceInfo {
  /** Canonical; at most one of each family. */
  readonly clusterIps: readonly string[];
  readonly ports: readonly ServicePortInfo[];
}

const protocols: Readonly<Record<string, Protocol>> = { TCP: 'tcp', UDP: 'udp', SCTP: 'sctp' };

export function parseProtocol(text: string | undefined): Protocol | undefined {
  return protocols[text ?? 'TCP'];
}

/** Another proxy takes care of such a Service, or nobody should. */
const NOT_OURS = ['service.kubernetes.io/service-proxy-name', 'service.kubernetes.io/headless'] as const;

/** What the proxy needs of a Service; undefined for those that are not its business. */
export function parseService(service: Service): ServiceInfo | undefined {
  const { spec, metadata } = service;
  if (spec === undefined || spec.type === 'ExternalName') return undefined;
  if (NOT_OURS.some((label) => metadata.labels?.[label] !== undefined)) return undefined;
  const clusterIps = (spec.clusterIPs ?? [spec.clusterIP ?? '']).flatMap((text) => canonicalIp(text) ?? []);
  if (clusterIps.length === 0) return undefined;
  const ports = (spec.ports ?? []).flatMap(({ name = '', protocol, port }) => {
    const parsed = parseProtocol(protocol);
    return parsed === undefined || !isPort(port) ? [] : [{ name, protocol: parsed, port }];
  });
  return { clusterIps, ports };
}

const scratch = new Uint8Array(4);

/** `None` and what is no address is undefined. IPv4 has one spelling only; IPv6 is brought to the canonical one. */
export function canonicalIp(text: string): string | undefined {
  if (!text.includes(':')) return writeIpv4(scratch, 0, text) ? text : undefined;
  const ip = parseIp(text);
  return ip === undefined ? undefined : formatIp(ip);
}

export function familyOf(address: string): IpFamily {
  return address.includes(':') ? 6 : 4;
}

export function isPort(port: number | undefined): port is number {
  return port !== undefined && Number.isInteger(port) && port > 0 && port < 65_536;
}
