import type { CodedError } from '#base/errors.ts';
import { parseIp } from '#base/ip.ts';
import { parseDuration } from '#proxy/config/duration.ts';
import { usageError } from './usage-error.ts';

export type FlagKind = 'text' | 'boolean' | 'integer' | 'duration' | 'list';

interface Flag {
  readonly kind: FlagKind;
  /** Where it goes in KubeProxyConfiguration; none for what only the command knows. */
  readonly to: readonly string[];
}

function flag(kind: FlagKind, ...to: readonly string[]): Flag {
  return { kind, to };
}

/** kube-proxy's flags, under which its configuration file may say the same, and a few of our own. */
export const PROXY_FLAGS: Readonly<Record<string, Flag>> = {
  kubeconfig: flag('text', 'clientConnection.kubeconfig'),
  context: flag('text'),
  master: flag('text'),
  config: flag('text'),
  cleanup: flag('boolean'),
  'cleanup-kube-proxy': flag('boolean'),
  'init-only': flag('boolean'),
  v: flag('integer'),
  'node-name': flag('text', 'hostnameOverride'),
  'hostname-override': flag('text', 'hostnameOverride'),
  mode: flag('text', 'mode'),
  'proxy-mode': flag('text', 'mode'),
  'cluster-cidr': flag('text', 'clusterCIDR'),
  'nodeport-addresses': flag('list', 'nodePortAddresses'),
  'masquerade-all': flag('boolean', 'nftables.masqueradeAll', 'iptables.masqueradeAll'),
  'iptables-masquerade-bit': flag('integer', 'iptables.masqueradeBit'),
  'iptables-localhost-nodeports': flag('boolean', 'iptables.localhostNodePorts'),
  'localhost-nodeports': flag('boolean', 'nftables.localhostNodePorts', 'iptables.localhostNodePorts'),
  'bind-address': flag('text', 'bindAddress'),
  'bind-address-hard-fail': flag('boolean', 'bindAddressHardFail'),
  'healthz-bind-address': flag('text', 'healthzBindAddress'),
  'metrics-bind-address': flag('text', 'metricsBindAddress'),
  'healthz-port': flag('integer'),
  'metrics-port': flag('integer'),
  'detect-local-mode': flag('text', 'detectLocalMode'),
  'pod-bridge-interface': flag('text', 'detectLocal.bridgeInterface'),
  'pod-interface-name-prefix': flag('text', 'detectLocal.interfaceNamePrefix'),
  'oom-score-adj': flag('integer', 'oomScoreAdj'),
  'conntrack-max-per-core': flag('integer', 'conntrack.maxPerCore'),
  'conntrack-min': flag('integer', 'conntrack.min'),
  'conntrack-tcp-be-liberal': flag('boolean', 'conntrack.tcpBeLiberal'),
  'conntrack-tcp-timeout-established': flag('duration', 'conntrack.tcpEstablishedTimeout'),
  'conntrack-tcp-timeout-close-wait': flag('duration', 'conntrack.tcpCloseWaitTimeout'),
  'conntrack-udp-timeout': flag('duration', 'conntrack.udpTimeout'),
  'conntrack-udp-timeout-stream': flag('duration', 'conntrack.udpStreamTimeout'),
};

/** Those that hold beside a file, too: kube-proxy ignores all others then. */
const BESIDE_FILE = new Set(['hostname-override', 'node-name', 'mode', 'kubeconfig']);

/** Accepted, as they stand in the manifests of many clusters, and without a meaning here. */
const IDLE =
  /^(config-sync-period|feature-gates|iptables-(min-)?sync-period|ipvs-.*|kube-api-.*|log-.*|logging-format|machine-id-file|boot-id-file|profiling|show-hidden-metrics-for-version|vmodule)$/;
/** Of those, the ones that stand alone. */
const IDLE_SWITCH = /^(profiling|ipvs-strict-arp|log-(json|text)-split-stream)$/;

type FlagValue = string | boolean | number | readonly string[];

export interface ProxyFlags {
  readonly values: ReadonlyMap<string, FlagValue>;
  /** Flags that change nothing here. */
  readonly idle: readonly string[];
}

/** Reads `--name=value`, `--name value`, `--switch`, `--switch=false`, `-v 2`. @throws CodedError `EUSAGE` */
export function readProxyFlags(args: readonly string[]): ProxyFlags {
  const values = new Map<string, FlagValue>();
  const idle: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? '';
    const [, name, joined] = /^--?([a-z][a-z-]*)(?:=(.*))?$/s.exec(arg) ?? [];
    if (name === undefined) throw usageError(`Unexpected argument '${arg}'`);
    const known = Object.hasOwn(PROXY_FLAGS, name) ? PROXY_FLAGS[name] : undefined;
    if (known === undefined && !IDLE.test(name)) throw usageError(`Unknown option '${arg.split('=')[0]}'`);
    const isSwitch = known === undefined ? IDLE_SWITCH.test(name) : known.kind === 'boolean';
    const text = joined ?? (isSwitch ? 'true' : args[++i]);
    if (text === undefined) throw usageError(`Option '--${name}' needs a value`);
    if (known === undefined) idle.push(`--${name}`);
    else values.set(name, parse(name, known.kind, text, values.get(name)));
  }
  return { values, idle };
}

/** As Go reads it (strconv.ParseBool). */
const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ...['1', 't', 'T', 'TRUE', 'true', 'True'].map((text) => [text, true] as const),
  ...['0', 'f', 'F', 'FALSE', 'false', 'False'].map((text) => [text, false] as const),
]);

/** What is listed at several places adds up; of all else the last counts. */
function parse(name: string, kind: FlagKind, text: string, before: FlagValue | undefined): FlagValue {
  const wrong = (what: string): CodedError => usageError(`Cannot read --${name} "${text}": it must be ${what}`);
  switch (kind) {
    case 'text':
      return text;
    case 'list':
      return [
        ...(Array.isArray(before) ? (before as readonly string[]) : []),
        ...text.split(',').filter((part) => part !== ''),
      ];
    case 'boolean': {
      const value = BOOLEANS.get(text);
      if (value === undefined) throw wrong('true or false');
      return value;
    }
    case 'duration':
      if (parseDuration(text) === undefined) throw wrong('a duration such as "30s" or "1h30m"');
      return text;
    case 'integer':
      if (!/^-?\d{1,9}$/.test(text)) throw wrong('a whole number');
      return Number(text);
  }
}

/** The flags as a configuration file would say them; beside one, only those that may, and the names of the others. */
export function flagsAsConfig(
  { values }: ProxyFlags,
  hasFile: boolean,
): { readonly raw: Readonly<Record<string, unknown>>; readonly ignored: readonly string[] } {
  const raw: Record<string, unknown> = {};
  const ignored: string[] = [];
  for (const [name, value] of values) {
    const to = PROXY_FLAGS[name]?.to ?? [];
    if (hasFile && to.length > 0 && !BESIDE_FILE.has(name)) ignored.push(`--${name}`);
    else for (const path of to) put(raw, path.split('.'), value);
  }
  if (!hasFile) applyPorts(values, raw);
  return { raw, ignored };
}

/** Deprecated: 0 switches a server off, and all else is for an address that was given without a port. */
function applyPorts(values: ProxyFlags['values'], raw: Record<string, unknown>): void {
  for (const server of ['healthz', 'metrics']) {
    const port = values.get(`${server}-port`);
    const field = `${server}BindAddress`;
    const address = raw[field];
    if (port === 0) raw[field] = '';
    else if (typeof port === 'number' && typeof address === 'string' && parseIp(address) !== undefined) {
      raw[field] = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
    }
  }
}

function put(into: Record<string, unknown>, [name = '', ...rest]: readonly string[], value: FlagValue): void {
  if (rest.length === 0) into[name] = value;
  else put((into[name] ??= {}) as Record<string, unknown>, rest, value);
}
