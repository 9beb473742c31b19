import { parseCidr, type Cidr } from '#base/cidr.ts';
import { CodedError } from '#base/errors.ts';
import { formatIp, parseIp, type Ip } from '#base/ip.ts';
import type { ConntrackSection, ModeSection, RawConfig } from './config-fields.ts';
import { parseDuration } from './duration.ts';

export type ProxyMode = 'nftables' | 'iptables';

/** How traffic of the cluster's own Pods is told from all other. */
export type LocalDetection =
  | { readonly kind: 'cluster-ranges'; readonly cidrs: readonly Cidr[] }
  /** The node's own part of the Pods' addresses, as its Node says. */
  | { readonly kind: 'node-ranges' }
  | { readonly kind: 'interface'; readonly name: string; readonly isPrefix: boolean };

export interface BindAddress {
  readonly host: string;
  readonly port: number;
}

export interface ConntrackSettings {
  /** 0 leaves the limit alone. */
  readonly maxPerCore: number;
  readonly min: number;
  readonly tcpBeLiberal: boolean;
  /** Seconds; 0 leaves the kernel's. */
  readonly tcpEstablished: number;
  readonly tcpCloseWait: number;
  readonly udp: number;
  readonly udpStream: number;
}

/** All that a proxy of one node goes by. */
export interface ProxyConfig {
  readonly mode: ProxyMode;
  /** Absent in a Pod. */
  readonly kubeconfig: string | undefined;
  /** Absent for the name of the machine. */
  readonly nodeName: string | undefined;
  /** The node's primary address of its family, whatever its Node says. */
  readonly nodeAddress: Ip | undefined;
  readonly local: LocalDetection;
  /** Absent for what the mode has as its own. */
  readonly nodePortAddresses: 'primary' | readonly Cidr[] | undefined;
  readonly localhostNodePorts: boolean;
  readonly masqueradeAll: boolean;
  readonly masqueradeMark: number;
  /** Absent for none. */
  readonly healthz: BindAddress | undefined;
  readonly metrics: BindAddress | undefined;
  /** Ports that cannot be had end the program. */
  readonly mustBind: boolean;
  readonly conntrack: ConntrackSettings;
  readonly oomScoreAdj: number;
}

const HEALTHZ_PORT = 10_256;
const METRICS_PORT = 10_249;

/** The defaults are those of kube-proxy, but for the mode. @throws CodedError `ECONFIG` in upstream's words. */
export function resolveConfig(raw: RawConfig): ProxyConfig {
  const mode = modeOf(raw.mode ?? '');
  const section: ModeSection = raw[mode] ?? {};
  const bit = inRange(`${sectionName(mode)}.MasqueradeBit`, section.masqueradeBit ?? 14, 0, 31);
  const bind = (field: string, text: string | null | undefined, host: string, port: number): BindAddress | undefined =>
    bindAddress(field, text ?? `${host}:${port}`, port);
  return {
    mode,
    kubeconfig: filled(raw.clientConnection?.kubeconfig),
    nodeName: filled(raw.hostnameOverride)?.trim().toLowerCase(),
    nodeAddress: nodeAddressOf(raw.bindAddress ?? ''),
    local: localDetection(raw),
    nodePortAddresses: nodePortAddresses(raw.nodePortAddresses ?? []),
    localhostNodePorts: section.localhostNodePorts !== false,
    masqueradeAll: section.masqueradeAll === true,
    masqueradeMark: 2 ** bit,
    healthz: bind('HealthzBindAddress', raw.healthzBindAddress, '0.0.0.0', HEALTHZ_PORT),
    metrics: bind('MetricsBindAddress', raw.metricsBindAddress, '127.0.0.1', METRICS_PORT),
    mustBind: raw.bindAddressHardFail === true,
    conntrack: conntrackSettings(raw.conntrack ?? {}),
    oomScoreAdj: inRange('Linux.OOMScoreAdj', raw.oomScoreAdj ?? -999, -1000, 1000),
  };
}

function inRange(field: string, value: number, first: number, last: number): number {
  if (value >= first && value <= last) return value;
  throw invalid(field, value, `must be within the range [${first}, ${last}]`);
}

function modeOf(text: string): ProxyMode {
  if (text === '' || text === 'nftables') return 'nftables';
  if (text === 'iptables') return 'iptables';
  if (text === 'ipvs') {
    throw new CodedError('ECONFIG', 'Cannot use the mode "ipvs": this proxy does not have it', {
      hint: 'use nftables: like ipvs it costs the same at any number of Services',
    });
  }
  throw invalid('Mode.ProxyMode', text, 'must be nftables or iptables, or blank for nftables');
}

function sectionName(mode: ProxyMode): string {
  return mode === 'nftables' ? 'KubeProxyNFTablesConfiguration' : 'KubeProxyIPTablesConfiguration';
}

/** 0.0.0.0 and :: mean that the Node says it. */
function nodeAddressOf(text: string): Ip | undefined {
  if (text === '') return undefined;
  const ip = parseIp(text);
  if (ip === undefined) throw invalid('BindAddress', text, 'not a valid textual representation of an IP address');
  return ip.value === 0n ? undefined : ip;
}

function localDetection(raw: RawConfig): LocalDetection {
  const { bridgeInterface, interfaceNamePrefix } = raw.detectLocal ?? {};
  const mode = filled(raw.detectLocalMode) ?? 'ClusterCIDR';
  switch (mode) {
    case 'ClusterCIDR':
      return { kind: 'cluster-ranges', cidrs: ranges('ClusterCIDR', split(raw.clusterCIDR ?? '')) };
    case 'NodeCIDR':
      return { kind: 'node-ranges' };
    case 'BridgeInterface':
      return {
        kind: 'interface',
        name: interfaceName('DetectLocal.BridgeInterface', bridgeInterface),
        isPrefix: false,
      };
    case 'InterfaceNamePrefix':
      return {
        kind: 'interface',
        name: interfaceName('DetectLocal.InterfaceNamePrefix', interfaceNamePrefix),
        isPrefix: true,
      };
    default:
      throw invalid(
        'DetectLocalMode',
        mode,
        'must be ClusterCIDR, NodeCIDR, BridgeInterface or InterfaceNamePrefix, or blank for ClusterCIDR',
      );
  }
}

/** IFNAMSIZ counts the zero at the end. */
function interfaceName(field: string, text: string | null | undefined): string {
  if (filled(text) === undefined) throw invalid(field, text ?? '', 'must be set for this detectLocalMode');
  const name = text ?? '';
  if (name.length > 15) throw invalid(field, name, 'length must not be longer than 15');
  if (!/^[\x21-\x7e]+$/.test(name) || /["/*\\]/.test(name)) throw invalid(field, name, 'not the name of an interface');
  return name;
}

function nodePortAddresses(texts: readonly string[]): 'primary' | readonly Cidr[] | undefined {
  if (texts.length === 0) return undefined;
  if (texts.length === 1 && texts[0] === 'primary') return 'primary';
  return ranges('NodePortAddresses', texts);
}

function ranges(field: string, texts: readonly string[]): readonly Cidr[] {
  return texts.map((text) => {
    const cidr = parseCidr(text.trim(), { masked: true });
    if (cidr === undefined) throw invalid(field, text, 'must be a valid CIDR');
    return cidr;
  });
}

function split(text: string): readonly string[] {
  return text === '' ? [] : text.split(',');
}

/** An address may come without a port, and empty means not at all. */
function bindAddress(field: string, text: string, port: number): BindAddress | undefined {
  if (text === '') return undefined;
  const alone = parseIp(text.replace(/^\[(.*)\]$/, '$1'));
  if (alone !== undefined) return { host: formatIp(alone), port };
  const colon = text.lastIndexOf(':');
  const ip = parseIp(text.slice(0, colon).replace(/^\[(.*)\]$/, '$1'));
  if (ip === undefined) throw invalid(field, text, 'must be IP:port');
  const number = Number(text.slice(colon + 1));
  if (!Number.isInteger(number) || number < 0 || number > 65_535) throw invalid(field, text, 'must be a valid port');
  // Upstream's way to switch a server off that has a default.
  return number === 0 ? undefined : { host: formatIp(ip), port: number };
}

function conntrackSettings(raw: ConntrackSection): ConntrackSettings {
  const count = (field: string, value: number): number => {
    if (value < 0) throw invalid(`KubeConntrackConfiguration.${field}`, value, 'must be greater than or equal to 0');
    return value;
  };
  const seconds = (field: string, text: string | null | undefined, fallback: number): number => {
    const ms = parseDuration(text ?? `${fallback}s`);
    if (ms !== undefined && ms >= 0) return Math.floor(ms / 1000);
    throw invalid(`KubeConntrackConfiguration.${field}`, text ?? '', 'must be greater than or equal to 0');
  };
  return {
    maxPerCore: count('MaxPerCore', raw.maxPerCore ?? 32_768),
    min: count('Min', raw.min ?? 131_072),
    tcpBeLiberal: raw.tcpBeLiberal ?? false,
    tcpEstablished: seconds('TCPEstablishedTimeout', raw.tcpEstablishedTimeout, 86_400),
    tcpCloseWait: seconds('TCPCloseWaitTimeout', raw.tcpCloseWaitTimeout, 3600),
    udp: seconds('UDPTimeout', raw.udpTimeout, 0),
    udpStream: seconds('UDPStreamTimeout', raw.udpStreamTimeout, 0),
  };
}

function filled(text: string | null | undefined): string | undefined {
  return text === null || text === '' ? undefined : text;
}

function invalid(field: string, value: string | number, why: string): CodedError {
  return new CodedError('ECONFIG', `KubeProxyConfiguration.${field}: Invalid value: ${JSON.stringify(value)}: ${why}`, {
    hint: 'see docs/migrate-from-kube-proxy.md for the settings there are',
  });
}
