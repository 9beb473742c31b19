import { parseCidr } from '#base/cidr.ts';
import { parseIp } from '#base/ip.ts';
import { parseBindAddress } from './bind-address.ts';
import type { ConntrackSection, RawConfig } from './config-fields.ts';
import { formatDuration, parseDuration } from './duration.ts';

const ROOT = 'KubeProxyConfiguration';
const LOCAL_MODES = ['ClusterCIDR', 'NodeCIDR', 'BridgeInterface', 'InterfaceNamePrefix', ''];
const SYNC_PERIOD = 30_000;
const MIN_SYNC_PERIOD = 1000;
/** #define IFNAMSIZ 16, with the zero at the end. */
const MAX_INTERFACE = 15;

/**
 * Everything that cannot be, in upstream's words and order (pkg/proxy/apis/config/validation/validation.go), also of what
 * changes nothing here: a file that kube-proxy refuses has a mistake in it. Several ranges of Pods in one family are no mistake.
 */
export function configErrors(raw: RawConfig, mode: 'nftables' | 'iptables'): readonly string[] {
  return [
    ...masqueradeBit('KubeProxyIPTablesConfiguration', raw.iptables?.masqueradeBit),
    ...(mode === 'nftables' ? masqueradeBit('KubeProxyNFTablesConfiguration', raw.nftables?.masqueradeBit) : []),
    ...conntrack(raw.conntrack ?? {}),
    ...inRange('KubeProxyLinuxConfiguration.OOMScoreAdj', raw.oomScoreAdj, -1000, 1000),
    ...notNegative('ClientConnection.Burst', raw.clientConnection?.burst),
    ...periods(raw, mode),
    ...bindAddress(raw.bindAddress ?? ''),
    ...hostPort('HealthzBindAddress', raw.healthzBindAddress),
    ...hostPort('MetricsBindAddress', raw.metricsBindAddress),
    ...nodePortAddresses(raw.nodePortAddresses ?? []),
    ...localMode(raw),
  ];
}

/** As the API's machinery prints it. */
export function invalid(field: string, value: unknown, why: string): string {
  return `${ROOT}.${field}: Invalid value: ${JSON.stringify(value)}: ${why}`;
}

function masqueradeBit(section: string, bit: number | null | undefined): readonly string[] {
  return inRange(`${section}.MasqueradeBit`, bit, 0, 31);
}

function inRange(field: string, value: number | null | undefined, first: number, last: number): readonly string[] {
  if (value === undefined || value === null || (value >= first && value <= last)) return [];
  return [invalid(field, value, `must be within the range [${first}, ${last}]`)];
}

function notNegative(field: string, value: number | null | undefined): readonly string[] {
  return (value ?? 0) >= 0 ? [] : [invalid(field, value, 'must be greater than or equal to 0')];
}

function conntrack(section: ConntrackSection): readonly string[] {
  const at = (name: string): string => `KubeProxyLinuxConfiguration.KubeProxyConntrackConfiguration.${name}`;
  const duration = (name: string, text: string | null | undefined): readonly string[] => {
    const ms = milliseconds(text);
    return ms >= 0 ? [] : [invalid(at(name), formatDuration(ms), 'must be greater than or equal to 0')];
  };
  return [
    ...notNegative(at('MaxPerCore'), section.maxPerCore),
    ...notNegative(at('Min'), section.min),
    ...duration('TCPEstablishedTimeout', section.tcpEstablishedTimeout),
    ...duration('TCPCloseWaitTimeout', section.tcpCloseWaitTimeout),
    ...duration('UDPTimeout', section.udpTimeout),
    ...duration('UDPStreamTimeout', section.udpStreamTimeout),
  ];
}

/** Zero stands for the default in all three. */
function periods(raw: RawConfig, mode: 'nftables' | 'iptables'): readonly string[] {
  const errors: string[] = [];
  const config = milliseconds(raw.configSyncPeriod);
  const period = milliseconds(raw[mode]?.syncPeriod) || SYNC_PERIOD;
  const least = milliseconds(raw[mode]?.minSyncPeriod) || MIN_SYNC_PERIOD;
  const isWrong = (field: string, ms: number, why: string): void => {
    errors.push(invalid(field, formatDuration(ms), why));
  };
  if (config < 0) isWrong('ConfigSyncPeriod', config, 'must be greater than 0');
  if (period < 0) isWrong('SyncPeriod', period, 'must be greater than 0');
  if (least < 0) isWrong('MinSyncPeriod', least, 'must be greater than or equal to 0');
  if (least > period) isWrong('SyncPeriod', least, `must be greater than or equal to ${ROOT}.MinSyncPeriod`);
  return errors;
}

function milliseconds(text: string | null | undefined): number {
  return parseDuration(text ?? '0') ?? 0;
}

function bindAddress(text: string): readonly string[] {
  if (text === '' || parseIp(text) !== undefined) return [];
  return [invalid('BindAddress', text, 'not a valid textual representation of an IP address')];
}

/** Empty is for none. */
function hostPort(field: string, text: string | null | undefined): readonly string[] {
  const parsed = (text ?? '') === '' ? undefined : parseBindAddress(text ?? '', 1);
  return parsed !== undefined && 'why' in parsed ? [invalid(field, parsed.value, parsed.why)] : [];
}

function nodePortAddresses(texts: readonly string[]): readonly string[] {
  const errors: string[] = [];
  for (const [i, text] of texts.entries()) {
    const field = `NodePortAddresses[${i}]`;
    if (text === 'primary') {
      if (texts.length > 1) errors.push(invalid(field, text, "can't use both 'primary' and CIDRs"));
      break;
    }
    if (parseCidr(text, { masked: true }) === undefined) errors.push(invalid(field, text, 'must be a valid CIDR'));
  }
  return errors;
}

function localMode(raw: RawConfig): readonly string[] {
  const { bridgeInterface, interfaceNamePrefix } = raw.detectLocal ?? {};
  const mode = raw.detectLocalMode ?? '';
  switch (mode) {
    case '':
    case 'ClusterCIDR':
      return clusterCidrs(raw.clusterCIDR ?? '');
    case 'BridgeInterface':
      return interfaceName('DetectLocalConfiguration.InterfaceName', bridgeInterface ?? '');
    case 'InterfaceNamePrefix':
      return interfaceName('DetectLocalConfiguration.InterfacePrefix', interfaceNamePrefix ?? '');
    case 'NodeCIDR':
      return [];
    default: {
      const known = LOCAL_MODES.map((one) => `"${one}"`).join(', ');
      return [`${ROOT}.DetectLocalMode: Unsupported value: ${JSON.stringify(mode)}: supported values: ${known}`];
    }
  }
}

function clusterCidrs(text: string): readonly string[] {
  if (text === '') return [];
  return text.split(',').flatMap((one, i) => {
    if (parseCidr(one.trim(), { masked: true }) !== undefined) return [];
    const why = 'must be a valid CIDR block (e.g. 10.100.0.0/16 or fde4:8dba:82e1::/48)';
    return [invalid(`DetectLocalConfiguration.ClusterCIDRs[${i}]`, one, why)];
  });
}

/** Only the first is upstream's: the others would fail in the rules. */
function interfaceName(field: string, name: string): readonly string[] {
  if (name === '') return [invalid(field, name, 'must not be empty')];
  if (name.length > MAX_INTERFACE) return [invalid(field, name, `length must not be longer than ${MAX_INTERFACE}`)];
  const isName = /^[\x21-\x7e]+$/.test(name) && !/["/*\\]/.test(name);
  return isName ? [] : [invalid(field, name, 'not the name of an interface')];
}
