import assert from 'node:assert/strict';
import test from 'node:test';
import { CodedError } from '#base/errors.ts';
import { conntrackSysctls, hashBuckets } from './conntrack-sysctls.ts';
import { parseConfigText } from './config-text.ts';
import { formatDuration, parseDuration } from './duration.ts';
import { refusedConfigs } from '../testing/refused-configs.ts';
import { resolveConfig } from './proxy-config.ts';

const HEAD = 'apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n';

function read(text: string): string {
  try {
    const { raw, warnings, idle } = parseConfigText('config.conf', text);
    const config = resolveConfig(raw);
    return [
      ...warnings,
      ...idle.map((path) => `idle ${path}`),
      JSON.stringify(config, (_, value: unknown) => (typeof value === 'bigint' ? `${value}` : value)),
    ].join('\n');
  } catch (error) {
    return error instanceof CodedError ? `${error.code}: ${error.message}` : String(error);
  }
}

function setting(text: string, name: string): unknown {
  const config = JSON.parse(
    read(HEAD + text)
      .split('\n')
      .at(-1) ?? '',
  ) as Record<string, unknown>;
  return config[name];
}

test("durations are Go's", () => {
  const texts = ['0', '0s', '30s', '1h0m0s', '1.5h', '250ms', '-1m', '1m30s', '', '30', '1d', 's', '1h 2m'];
  assert.deepEqual(texts.map(parseDuration), [
    0,
    0,
    30_000,
    3_600_000,
    5_400_000,
    250,
    -60_000,
    90_000,
    ...Array.from({ length: 5 }, () => undefined),
  ]);
});

test('durations are printed as Go prints them', () => {
  const texts = ['0s', '1ms', '1.5s', '-250ms', '1m0s', '1h0m0.5s', '25h1m1s', '500µs'];
  assert.deepEqual(
    texts.map((text) => formatDuration(parseDuration(text) ?? 0)),
    texts,
  );
});

test('an empty file has the defaults of kube-proxy, and nftables', () => {
  assert.deepEqual(JSON.parse(read(HEAD)), {
    mode: 'nftables',
    local: { kind: 'cluster-ranges', cidrs: [] },
    localhostNodePorts: true,
    masqueradeAll: false,
    masqueradeMark: 0x4000,
    healthz: { host: '0.0.0.0', port: 10_256 },
    metrics: { host: '127.0.0.1', port: 10_249 },
    mustBind: false,
    conntrack: {
      maxPerCore: 32_768,
      min: 131_072,
      tcpBeLiberal: false,
      tcpEstablished: 86_400,
      tcpCloseWait: 3600,
      udp: 0,
      udpStream: 0,
    },
    oomScoreAdj: -999,
  });
});

test('a file as kubeadm writes it is understood', () => {
  const text = `${HEAD}bindAddress: 0.0.0.0
clientConnection:
  acceptContentTypes: ""
  burst: 0
  kubeconfig: /var/lib/kube-proxy/kubeconfig.conf
  qps: 0
clusterCIDR: 10.244.0.0/16,fd00:244::/56
configSyncPeriod: 0s
conntrack: { maxPerCore: null, min: null, tcpCloseWaitTimeout: null, tcpEstablishedTimeout: null }
detectLocal: { bridgeInterface: "", interfaceNamePrefix: "" }
detectLocalMode: ""
enableProfiling: false
healthzBindAddress: ""
hostnameOverride: ""
iptables: { localhostNodePorts: null, masqueradeAll: false, masqueradeBit: null, minSyncPeriod: 0s, syncPeriod: 0s }
ipvs: { excludeCIDRs: null, strictARP: false, scheduler: "" }
logging: { flushFrequency: 0, options: { json: { infoBufferSize: "0" } }, verbosity: 0 }
metricsBindAddress: ""
mode: ""
nftables: { masqueradeAll: false, masqueradeBit: null, minSyncPeriod: 0s, syncPeriod: 0s }
nodePortAddresses: null
oomScoreAdj: null
portRange: ""
showHiddenMetricsForVersion: ""
winkernel: { enableDSR: false }
`;
  assert.equal(read(text).split('\n').length, 1);
  assert.deepEqual(setting(text.slice(HEAD.length), 'metrics'), { host: '127.0.0.1', port: 10_249 });
  assert.equal(setting(text.slice(HEAD.length), 'kubeconfig'), '/var/lib/kube-proxy/kubeconfig.conf');
});

const settings: readonly (readonly [string, string, unknown])[] = [
  ['mode: iptables\niptables: { masqueradeBit: 3 }\nnftables: { masqueradeBit: 4 }', 'masqueradeMark', 8],
  ['nftables: { masqueradeAll: true }', 'masqueradeAll', true],
  ['bindAddressHardFail: yes', 'mustBind', true],
  ['hostnameOverride: "on"', 'nodeName', 'on'],
  ['nftables: { localhostNodePorts: off }', 'localhostNodePorts', false],
  ['nftables: { localhostNodePorts: false }', 'localhostNodePorts', false],
  ['nodePortAddresses: [primary]', 'nodePortAddresses', 'primary'],
  [
    'nodePortAddresses: [192.168.0.7/16]',
    'nodePortAddresses',
    [
      { family: 4, base: '3232235520', prefix: 16 },
      { family: 6, base: '0', prefix: 0 },
    ],
  ],
  ['healthzBindAddress: "[::]:1"', 'healthz', { host: '::', port: 1 }],
  ['healthzBindAddress: 127.0.0.1', 'healthz', { host: '127.0.0.1', port: 10_256 }],
  ['bindAddress: "::"', 'healthz', { host: '::', port: 10_256 }],
  ['bindAddress: fd00::7', 'metrics', { host: '::1', port: 10_249 }],
  ['bindAddress: "::"\nmetricsBindAddress: 127.0.0.1:1', 'metrics', { host: '127.0.0.1', port: 1 }],
  ['detectLocalMode: NodeCIDR', 'local', { kind: 'node-ranges' }],
  [
    'detectLocalMode: InterfaceNamePrefix\ndetectLocal: { interfaceNamePrefix: cali }',
    'local',
    { kind: 'interface', name: 'cali', isPrefix: true },
  ],
  ['hostnameOverride: " Node-A "', 'nodeName', 'node-a'],
  ['bindAddress: 192.168.0.7', 'nodeAddress', { family: 4, value: '3232235527' }],
];

for (const [text, name, expected] of settings) {
  test(`${text.replaceAll('\n', ' ')} is ${name} ${JSON.stringify(expected)}`, () => {
    assert.deepEqual(setting(text, name), expected);
  });
}

/** Where our own words are due. */
const refused: readonly (readonly [string, string])[] = [
  [
    'mode: x',
    'KubeProxyConfiguration.Mode.ProxyMode: Invalid value: "x": must be iptables, nftables or blank (blank means the best-available proxy [currently nftables])',
  ],
  ['mode: ipvs', 'Cannot use the mode "ipvs": this proxy does not have it'],
  [
    'nftables: { syncPeriod: 30 }',
    'Cannot use the configuration "config.conf": nftables.syncPeriod: Invalid value: 30: must be a duration such as "30s" or "1h30m"',
  ],
  [
    'nodePortAddresses: primary',
    'Cannot use the configuration "config.conf": nodePortAddresses: Invalid value: "primary": must be a list of strings',
  ],
  [
    'detectLocalMode: InterfaceNamePrefix\ndetectLocal: { interfaceNamePrefix: sixteen-letters- }',
    'KubeProxyConfiguration.DetectLocalConfiguration.InterfacePrefix: Invalid value: "sixteen-letters-": length must not be longer than 15',
  ],
];

for (const [text, message] of [...refused, ...refusedConfigs]) {
  test(`${text.replaceAll('\n', ' ')} is refused`, () => assert.equal(read(HEAD + text), `ECONFIG: ${message}`));
}

test('ranges of Pods mean nothing where Pods are told by something else', () => {
  assert.deepEqual(setting('detectLocalMode: NodeCIDR\nclusterCIDR: x', 'local'), { kind: 'node-ranges' });
});

test('what means nothing is named, and the rest holds', () => {
  const text = `${HEAD}foo: 1\nnftables: { bar: 2 }\nmode: iptables\nmode: nftables\n`;
  const lines = read(text).split('\n');
  assert.deepEqual(lines.slice(0, -1), [
    'Map keys must be unique at line 6, column 1:',
    'unknown field "foo"',
    'unknown field "nftables.bar"',
  ]);
  assert.match(lines.at(-1) ?? '', /"mode":"nftables"/);
});

test('fields that mean nothing here are named where they say something', () => {
  const text = `${HEAD}syncPeriod: 1
iptables: { syncPeriod: 30s, minSyncPeriod: 0s }
nftables: { syncPeriod: 0, minSyncPeriod: 1s, masqueradeAll: true }
`;
  assert.match(read(text), /^ECONFIG: .*nftables.syncPeriod: Invalid value: 0/);
  const lines =
    read(`${text.replace('syncPeriod: 0,', 'syncPeriod: 0s,')}clientConnection: { qps: 5, burst: 0, contentType: "" }
featureGates: { A: true }
ipvs: { scheduler: rr, excludeCIDRs: [], strictARP: false }
winkernel: { enableDSR: false, networkName: "" }
logging: { format: text }
configSyncPeriod: 15m
`).split('\n');
  assert.deepEqual(lines.slice(0, -1), [
    'unknown field "syncPeriod"',
    'idle iptables.syncPeriod',
    'idle nftables.minSyncPeriod',
    'idle clientConnection.qps',
    'idle featureGates',
    'idle ipvs',
    'idle logging',
    'idle configSyncPeriod',
  ]);
});

test('other files are refused', () => {
  assert.equal(
    read('apiVersion: v1\nkind: Pod\n'),
    'ECONFIG: Cannot use the configuration "config.conf": it is Pod of v1, and has to be KubeProxyConfiguration of kubeproxy.config.k8s.io/v1alpha1',
  );
  assert.match(read('a: ['), /^ECONFIG: Cannot use the configuration "config.conf": /);
  assert.equal(read(''), 'ECONFIG: Cannot use the configuration "config.conf": it holds no configuration');
});

test('conntrack is set as kube-proxy sets it', () => {
  const of = (text: string): string[] =>
    conntrackSysctls(resolveConfig(parseConfigText('config.conf', HEAD + text).raw).conntrack, 8).map(
      ({ name, value, onlyRaises }) =>
        `${name.replace('net.netfilter.nf_conntrack_', '')}=${value}${onlyRaises ? '+' : ''}`,
    );
  const buckets = (text: string): number =>
    hashBuckets(resolveConfig(parseConfigText('config.conf', HEAD + text).raw).conntrack, 8);
  assert.deepEqual(
    ['', 'conntrack: { maxPerCore: 0 }', 'conntrack: { maxPerCore: 1, min: 9 }'].map(buckets),
    [65_536, 0, 2],
  );
  assert.deepEqual(of(''), ['max=262144+', 'tcp_timeout_established=86400', 'tcp_timeout_close_wait=3600']);
  assert.deepEqual(
    of(
      'conntrack: { maxPerCore: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 1m, udpTimeout: 10s, udpStreamTimeout: 20s, tcpBeLiberal: true }',
    ),
    ['tcp_be_liberal=1', 'tcp_timeout_close_wait=60', 'udp_timeout=10', 'udp_timeout_stream=20'],
  );
});
