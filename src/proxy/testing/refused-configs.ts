/** What is below `apiVersion` and `kind`, and what kube-proxy 1.34.2 says to it: `bench/peers/proxy-flags.test.ts` asks a real one. */
export const refusedConfigs: readonly (readonly [config: string, error: string])[] = [
  [
    'iptables: { masqueradeBit: 32 }',
    'KubeProxyConfiguration.KubeProxyIPTablesConfiguration.MasqueradeBit: Invalid value: 32: must be within the range [0, 31]',
  ],
  [
    'mode: nftables\nnftables: { masqueradeBit: -1 }',
    'KubeProxyConfiguration.KubeProxyNFTablesConfiguration.MasqueradeBit: Invalid value: -1: must be within the range [0, 31]',
  ],
  [
    'oomScoreAdj: 2000',
    'KubeProxyConfiguration.KubeProxyLinuxConfiguration.OOMScoreAdj: Invalid value: 2000: must be within the range [-1000, 1000]',
  ],
  [
    'conntrack: { maxPerCore: -1 }',
    'KubeProxyConfiguration.KubeProxyLinuxConfiguration.KubeProxyConntrackConfiguration.MaxPerCore: Invalid value: -1: must be greater than or equal to 0',
  ],
  [
    'conntrack: { min: -1, tcpCloseWaitTimeout: -1.5s, udpTimeout: -90s, udpStreamTimeout: -1h }',
    '[KubeProxyConfiguration.KubeProxyLinuxConfiguration.KubeProxyConntrackConfiguration.Min: Invalid value: -1: must be greater than or equal to 0, ' +
      'KubeProxyConfiguration.KubeProxyLinuxConfiguration.KubeProxyConntrackConfiguration.TCPCloseWaitTimeout: Invalid value: "-1.5s": must be greater than or equal to 0, ' +
      'KubeProxyConfiguration.KubeProxyLinuxConfiguration.KubeProxyConntrackConfiguration.UDPTimeout: Invalid value: "-1m30s": must be greater than or equal to 0, ' +
      'KubeProxyConfiguration.KubeProxyLinuxConfiguration.KubeProxyConntrackConfiguration.UDPStreamTimeout: Invalid value: "-1h0m0s": must be greater than or equal to 0]',
  ],
  [
    'conntrack: { tcpEstablishedTimeout: -250ms }',
    'KubeProxyConfiguration.KubeProxyLinuxConfiguration.KubeProxyConntrackConfiguration.TCPEstablishedTimeout: Invalid value: "-250ms": must be greater than or equal to 0',
  ],
  [
    'clientConnection: { burst: -1 }',
    'KubeProxyConfiguration.ClientConnection.Burst: Invalid value: -1: must be greater than or equal to 0',
  ],
  ['configSyncPeriod: -1s', 'KubeProxyConfiguration.ConfigSyncPeriod: Invalid value: "-1s": must be greater than 0'],
  [
    'mode: iptables\niptables: { syncPeriod: -1s }',
    '[KubeProxyConfiguration.SyncPeriod: Invalid value: "-1s": must be greater than 0, ' +
      'KubeProxyConfiguration.SyncPeriod: Invalid value: "1s": must be greater than or equal to KubeProxyConfiguration.MinSyncPeriod]',
  ],
  [
    'mode: nftables\nnftables: { minSyncPeriod: -2s }',
    'KubeProxyConfiguration.MinSyncPeriod: Invalid value: "-2s": must be greater than or equal to 0',
  ],
  [
    'mode: nftables\nnftables: { syncPeriod: 1s, minSyncPeriod: 5s }',
    'KubeProxyConfiguration.SyncPeriod: Invalid value: "5s": must be greater than or equal to KubeProxyConfiguration.MinSyncPeriod',
  ],
  [
    'bindAddress: x',
    'KubeProxyConfiguration.BindAddress: Invalid value: "x": not a valid textual representation of an IP address',
  ],
  [
    'healthzBindAddress: x\nmetricsBindAddress: a:1',
    '[KubeProxyConfiguration.HealthzBindAddress: Invalid value: "x": must be IP:port, ' +
      'KubeProxyConfiguration.MetricsBindAddress: Invalid value: "a": must be a valid IP]',
  ],
  [
    'healthzBindAddress: 0.0.0.0:0\nmetricsBindAddress: "[::]:70000"',
    '[KubeProxyConfiguration.HealthzBindAddress: Invalid value: "0": must be a valid port, ' +
      'KubeProxyConfiguration.MetricsBindAddress: Invalid value: "70000": must be a valid port]',
  ],
  ['healthzBindAddress: "[::]"', 'KubeProxyConfiguration.HealthzBindAddress: Invalid value: "[::]": must be IP:port'],
  [
    'nodePortAddresses: [primary, 10.0.0.0/8]',
    `KubeProxyConfiguration.NodePortAddresses[0]: Invalid value: "primary": can't use both 'primary' and CIDRs`,
  ],
  [
    'nodePortAddresses: [10.0.0.1, primary]',
    '[KubeProxyConfiguration.NodePortAddresses[0]: Invalid value: "10.0.0.1": must be a valid CIDR, ' +
      `KubeProxyConfiguration.NodePortAddresses[1]: Invalid value: "primary": can't use both 'primary' and CIDRs]`,
  ],
  [
    'detectLocalMode: Foo',
    'KubeProxyConfiguration.DetectLocalMode: Unsupported value: "Foo": supported values: "ClusterCIDR", "NodeCIDR", "BridgeInterface", "InterfaceNamePrefix", ""',
  ],
  [
    'clusterCIDR: 10.244.0.0,fd00::/64',
    'KubeProxyConfiguration.DetectLocalConfiguration.ClusterCIDRs[0]: Invalid value: "10.244.0.0": must be a valid CIDR block (e.g. 10.100.0.0/16 or fde4:8dba:82e1::/48)',
  ],
  [
    'detectLocalMode: BridgeInterface',
    'KubeProxyConfiguration.DetectLocalConfiguration.InterfaceName: Invalid value: "": must not be empty',
  ],
  [
    'detectLocalMode: InterfaceNamePrefix\ndetectLocal: { bridgeInterface: br0 }',
    'KubeProxyConfiguration.DetectLocalConfiguration.InterfacePrefix: Invalid value: "": must not be empty',
  ],
  [
    'oomScoreAdj: -1001\nbindAddress: 10.0.0\nnodePortAddresses: [x]\nclusterCIDR: z',
    '[KubeProxyConfiguration.KubeProxyLinuxConfiguration.OOMScoreAdj: Invalid value: -1001: must be within the range [-1000, 1000], ' +
      'KubeProxyConfiguration.BindAddress: Invalid value: "10.0.0": not a valid textual representation of an IP address, ' +
      'KubeProxyConfiguration.NodePortAddresses[0]: Invalid value: "x": must be a valid CIDR, ' +
      'KubeProxyConfiguration.DetectLocalConfiguration.ClusterCIDRs[0]: Invalid value: "z": must be a valid CIDR block (e.g. 10.100.0.0/16 or fde4:8dba:82e1::/48)]',
  ],
];
