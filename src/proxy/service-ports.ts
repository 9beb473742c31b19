import type { Service, ServiceSpec } from '#api/generated/types.ts';
import { parseCidr, type Cidr } from '#base/cidr.ts';
import { formatIp, parseIp, type IpFamily } from '#base/ip.ts';
import { writeIpv4 } from '#nftables/address.ts';
import { exact } from './exact-list.ts';
import { isNodePort, type Protocol } from './frontend.ts';
import { PortLists } from './port-lists.ts';

/** One port of a Service at all of its addresses. */
export interface ServicePortInfo {
  /** Joins it with the slices' ports; empty when the Service has a single unnamed port. */
  readonly name: string;
  readonly protocol: Protocol;
  readonly port: number;
  /** 0 for none. */
  readonly nodePort: number;
}

export interface ServiceInfo {
  /** Canonical; at most one of each family. */
  readonly clusterIps: readonly string[];
  /** External IPs. */
  readonly externalIps: readonly string[];
  /** Addresses of load balancers: only these are guarded by `sourceRanges`. */
  readonly loadBalancerIps: readonly string[];
  /** Absent for everybody. */
  readonly sourceRanges?: readonly Cidr[] | undefined;
  readonly ports: readonly ServicePortInfo[];
  readonly isInternalLocal: boolean;
  readonly isExternalLocal: boolean;
  /** 0 without session affinity. */
  readonly affinitySeconds: number;
  /** Where health checks of load balancers ask whether the node has backends; 0 for none. */
  readonly healthCheckPort: number;
}

const portLists = new PortLists<ServicePortInfo>();
const protocols: Readonly<Record<string, Protocol>> = { TCP: 'tcp', UDP: 'udp', SCTP: 'sctp' };
const NONE: readonly string[] = Object.freeze([]);
/** What the API server fills in: three hours. */
const AFFINITY_SECONDS = 10_800;

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
  const clusterIps = addresses(spec.clusterIPs ?? [spec.clusterIP ?? '']);
  if (clusterIps.length === 0) return undefined;
  const externalIps = ofFamilies(clusterIps, addresses(spec.externalIPs ?? NONE));
  const loadBalancerIps = ofFamilies(clusterIps, loadBalancerAddresses(service));
  const hasNodePorts = spec.type === 'NodePort' || spec.type === 'LoadBalancer';
  const isExternalLocal = spec.externalTrafficPolicy === 'Local' && (hasNodePorts || externalIps.length > 0);
  const healthCheckPort = spec.type === 'LoadBalancer' && isExternalLocal ? spec.healthCheckNodePort : 0;
  return {
    clusterIps: exact(clusterIps),
    externalIps: exact(externalIps),
    loadBalancerIps: exact(loadBalancerIps),
    sourceRanges: spec.type === 'LoadBalancer' ? sourceRanges(spec) : undefined,
    ports: portLists.shared(servicePorts(spec, hasNodePorts)),
    isInternalLocal: spec.internalTrafficPolicy === 'Local',
    isExternalLocal,
    affinitySeconds: affinitySeconds(spec),
    healthCheckPort: isPort(healthCheckPort) ? healthCheckPort : 0,
  };
}

function servicePorts(spec: ServiceSpec, hasNodePorts: boolean): readonly ServicePortInfo[] {
  return (spec.ports ?? []).flatMap(({ name = '', protocol, port, nodePort }) => {
    const parsed = parseProtocol(protocol);
    if (parsed === undefined || !isPort(port)) return [];
    return [{ name, protocol: parsed, port, nodePort: hasNodePorts && isPort(nodePort) ? nodePort : 0 }];
  });
}

function addresses(texts: readonly string[]): string[] {
  return [...new Set(texts.flatMap((text) => canonicalIp(text) ?? []))].filter((address) => !isNodePort(address));
}

function ofFamilies(clusterIps: readonly string[], texts: readonly string[]): readonly string[] {
  if (texts.length === 0) return NONE;
  return texts.filter((text) => clusterIps.some((address) => familyOf(address) === familyOf(text)));
}

/** KEP-1860: with mode Proxy the load balancer wants to see the traffic itself. */
function loadBalancerAddresses({ spec, status }: Service): readonly string[] {
  const ingress = spec?.type === 'LoadBalancer' ? status?.loadBalancer?.ingress : undefined;
  if (ingress === undefined) return NONE;
  return addresses(ingress.flatMap(({ ip, ipMode }) => (ip === undefined || ipMode === 'Proxy' ? [] : [ip])));
}

/** Ranges that cannot be read let nobody pass: the others do not make up for them. */
function sourceRanges(spec: ServiceSpec): readonly Cidr[] | undefined {
  const texts = spec.loadBalancerSourceRanges ?? NONE;
  if (texts.length === 0) return undefined;
  return texts.flatMap((text) => parseCidr(text.trim(), { masked: true }) ?? []);
}

function affinitySeconds(spec: ServiceSpec): number {
  if (spec.sessionAffinity !== 'ClientIP') return 0;
  const seconds = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? AFFINITY_SECONDS;
  return Number.isInteger(seconds) && seconds > 0 ? Math.min(seconds, 86_400) : AFFINITY_SECONDS;
}

const scratch = new Uint8Array(4);

/** Zeros in front of a decimal number, which old objects may have (CVE-2021-29923: never octal). */
const LEADING_ZEROS = /(?<=^|\.)0+(?=\d)/g;

/** `None` and what is no address is undefined. All others are brought to their canonical spelling. */
export function canonicalIp(text: string): string | undefined {
  if (!text.includes(':')) {
    if (writeIpv4(scratch, 0, text)) return text;
    const plain = text.replaceAll(LEADING_ZEROS, '');
    return writeIpv4(scratch, 0, plain) ? plain : undefined;
  }
  const ip = parseIp(text);
  return ip === undefined ? undefined : formatIp(ip);
}

export function familyOf(address: string): IpFamily {
  return address.includes(':') ? 6 : 4;
}

export function isPort(port: number | undefined): port is number {
  return port !== undefined && Number.isInteger(port) && port > 0 && port < 65_536;
}
