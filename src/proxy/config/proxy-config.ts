import { parseCidr, type Cidr } from '#base/cidr.ts';
import { CodedError } from '#base/errors.ts';
import { parseIp, type Ip } from '#base/ip.ts';
import { parseBindAddress, type BindAddress } from './bind-address.ts';
import { configErrors, invalid } from './config-errors.ts';
import type { ConntrackSection, ModeSection, RawConfig } from './config-fields.ts';
import { parseDuration } from './duration.ts';

export type ProxyMode = 'nftables' | 'iptables';

/** How traffic of the cluster's own Pods is told from all other. */
export type LocalDetection =
  | { readonly kind: 'cluster-ranges'; readonly cidrs: readonly Cidr[] }
  /** The node's own part of the Pods' addresses, as its Node says. */
  | { readonly kind: 'node-ranges' }
  | { readonly kind: 'interface'; readonly name: string; readonly isPrefix: boolean };

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

/** The defaults are those of kube-proxy, but for the mode. @throws CodedError `ECONFIG` with all that cannot be, in upstream's words. */
export function resolveConfig(raw: RawConfig): ProxyConfig {
  const mode = modeOf(raw.mode ?? '');
  const errors = configErrors(raw, mode);
  if (errors.length > 0) throw refused(errors);
  const section: ModeSection = raw[mode] ?? {};
  return {
    mode,
    kubeconfig: filled(raw.clientConnection?.kubeconfig),
    nodeName: filled(raw.hostnameOverride)?.trim().toLowerCase(),
    nodeAddress: nodeAddressOf(raw.bindAddress ?? ''),
    local: localDetection(raw),
    nodePortAddresses: nodePortAddresses(raw.nodePortAddresses ?? []),
    localhostNodePorts: section.localhostNodePorts !== false,
    masqueradeAll: section.masqueradeAll === true,
    masqueradeMark: 2 ** (section.masqueradeBit ?? 14),
    healthz: bindAddress(raw.healthzBindAddress ?? '0.0.0.0', HEALTHZ_PORT),
    metrics: bindAddress(raw.metricsBindAddress ?? '127.0.0.1', METRICS_PORT),
    mustBind: raw.bindAddressHardFail === true,
    conntrack: conntrackSettings(raw.conntrack ?? {}),
    oomScoreAdj: raw.oomScoreAdj ?? -999,
  };
}

function modeOf(text: string): ProxyMode {
  if (text === '' || text === 'nftables') return 'nftables';
  if (text === 'iptables') return 'iptables';
  if (text === 'ipvs') {
    throw new CodedError('ECONFIG', 'Cannot use the mode "ipvs": this proxy does not have it', {
      hint: 'use nftables: like ipvs it costs the same at any number of Services',
    });
  }
  const why = 'must be iptables, nftables or blank (blank means the best-available proxy [currently nftables])';
  throw refused([invalid('Mode.ProxyMode', text, why)]);
}

/** 0.0.0.0 and :: mean that the Node says it. */
function nodeAddressOf(text: string): Ip | undefined {
  const ip = parseIp(text);
  return ip?.value === 0n ? undefined : ip;
}

function localDetection(raw: RawConfig): LocalDetection {
  const { bridgeInterface, interfaceNamePrefix } = raw.detectLocal ?? {};
  switch (raw.detectLocalMode) {
    case 'NodeCIDR':
      return { kind: 'node-ranges' };
    case 'BridgeInterface':
      return { kind: 'interface', name: bridgeInterface ?? '', isPrefix: false };
    case 'InterfaceNamePrefix':
      return { kind: 'interface', name: interfaceNamePrefix ?? '', isPrefix: true };
    default:
      return { kind: 'cluster-ranges', cidrs: ranges((raw.clusterCIDR ?? '').split(',')) };
  }
}

function nodePortAddresses(texts: readonly string[]): 'primary' | readonly Cidr[] | undefined {
  if (texts.length === 0) return undefined;
  if (texts[0] === 'primary') return 'primary';
  const chosen = ranges(texts);
  // What is said of one family says nothing of the other.
  const missing = ([4, 6] as const).filter((family) => !chosen.some((range) => range.family === family));
  return [...chosen, ...missing.map((family) => ({ family, base: 0n, prefix: 0 }))];
}

function ranges(texts: readonly string[]): readonly Cidr[] {
  return texts.flatMap((text) => parseCidr(text.trim(), { masked: true }) ?? []);
}

/** Empty means not at all. */
function bindAddress(text: string, port: number): BindAddress | undefined {
  const parsed = text === '' ? undefined : parseBindAddress(text, port);
  return parsed === undefined || 'why' in parsed ? undefined : parsed;
}

function conntrackSettings(raw: ConntrackSection): ConntrackSettings {
  const seconds = (text: string | null | undefined, fallback: number): number =>
    Math.floor((parseDuration(text ?? `${fallback}s`) ?? 0) / 1000);
  return {
    maxPerCore: raw.maxPerCore ?? 32_768,
    min: raw.min ?? 131_072,
    tcpBeLiberal: raw.tcpBeLiberal ?? false,
    tcpEstablished: seconds(raw.tcpEstablishedTimeout, 86_400),
    tcpCloseWait: seconds(raw.tcpCloseWaitTimeout, 3600),
    udp: seconds(raw.udpTimeout, 0),
    udpStream: seconds(raw.udpStreamTimeout, 0),
  };
}

function filled(text: string | null | undefined): string | undefined {
  return text === null || text === '' ? undefined : text;
}

function refused(errors: readonly string[]): CodedError {
  const [first = ''] = errors;
  return new CodedError('ECONFIG', errors.length === 1 ? first : `[${errors.join(', ')}]`, {
    hint: 'see docs/migrate-from-kube-proxy.md for the settings there are',
  });
}
