/** What a field of the file holds. */
export type FieldType =
  | 'string'
  | 'boolean'
  | 'integer'
  | 'number'
  | 'duration'
  | 'strings'
  | 'any'
  | { readonly [name: string]: FieldType };

/** KubeProxyConfiguration of kubeproxy.config.k8s.io/v1alpha1 (Kubernetes 1.34), those that mean nothing here included. */
export const configFields: { readonly [name: string]: FieldType } = {
  apiVersion: 'string',
  kind: 'string',
  featureGates: 'any',
  clientConnection: {
    kubeconfig: 'string',
    acceptContentTypes: 'string',
    contentType: 'string',
    qps: 'number',
    burst: 'integer',
  },
  logging: 'any',
  hostnameOverride: 'string',
  bindAddress: 'string',
  healthzBindAddress: 'string',
  metricsBindAddress: 'string',
  bindAddressHardFail: 'boolean',
  enableProfiling: 'boolean',
  showHiddenMetricsForVersion: 'string',
  mode: 'string',
  iptables: {
    masqueradeBit: 'integer',
    masqueradeAll: 'boolean',
    localhostNodePorts: 'boolean',
    syncPeriod: 'duration',
    minSyncPeriod: 'duration',
  },
  ipvs: {
    syncPeriod: 'duration',
    minSyncPeriod: 'duration',
    scheduler: 'string',
    excludeCIDRs: 'strings',
    strictARP: 'boolean',
    tcpTimeout: 'duration',
    tcpFinTimeout: 'duration',
    udpTimeout: 'duration',
  },
  nftables: {
    masqueradeBit: 'integer',
    masqueradeAll: 'boolean',
    // Of our own: kube-proxy has it in mode iptables only.
    localhostNodePorts: 'boolean',
    syncPeriod: 'duration',
    minSyncPeriod: 'duration',
  },
  winkernel: 'any',
  detectLocalMode: 'string',
  detectLocal: { bridgeInterface: 'string', interfaceNamePrefix: 'string' },
  clusterCIDR: 'string',
  nodePortAddresses: 'strings',
  oomScoreAdj: 'integer',
  conntrack: {
    maxPerCore: 'integer',
    min: 'integer',
    tcpEstablishedTimeout: 'duration',
    tcpCloseWaitTimeout: 'duration',
    tcpBeLiberal: 'boolean',
    udpTimeout: 'duration',
    udpStreamTimeout: 'duration',
  },
  configSyncPeriod: 'duration',
  portRange: 'string',
  windowsRunAsService: 'boolean',
};

/** Those that mean nothing here: a change is in the kernel at once, and there is neither ipvs nor Windows. */
export const idleFields: ReadonlySet<string> = new Set([
  'featureGates',
  'clientConnection.acceptContentTypes',
  'clientConnection.contentType',
  'clientConnection.qps',
  'clientConnection.burst',
  'logging',
  'enableProfiling',
  'showHiddenMetricsForVersion',
  'iptables.syncPeriod',
  'iptables.minSyncPeriod',
  'nftables.syncPeriod',
  'nftables.minSyncPeriod',
  'ipvs',
  'winkernel',
  'configSyncPeriod',
  'portRange',
  'windowsRunAsService',
]);

/** The file as it was written: every field may be absent or null, which mean the same. */
export interface RawConfig {
  readonly clientConnection?: { readonly kubeconfig?: string | null; readonly burst?: number | null } | null;
  readonly hostnameOverride?: string | null;
  readonly bindAddress?: string | null;
  readonly healthzBindAddress?: string | null;
  readonly metricsBindAddress?: string | null;
  readonly bindAddressHardFail?: boolean | null;
  readonly mode?: string | null;
  readonly iptables?: ModeSection | null;
  readonly nftables?: ModeSection | null;
  readonly detectLocalMode?: string | null;
  readonly detectLocal?: {
    readonly bridgeInterface?: string | null;
    readonly interfaceNamePrefix?: string | null;
  } | null;
  readonly clusterCIDR?: string | null;
  readonly nodePortAddresses?: readonly string[] | null;
  readonly oomScoreAdj?: number | null;
  readonly conntrack?: ConntrackSection | null;
  readonly configSyncPeriod?: string | null;
}

export interface ModeSection {
  readonly masqueradeBit?: number | null;
  readonly masqueradeAll?: boolean | null;
  readonly localhostNodePorts?: boolean | null;
  readonly syncPeriod?: string | null;
  readonly minSyncPeriod?: string | null;
}

export interface ConntrackSection {
  readonly maxPerCore?: number | null;
  readonly min?: number | null;
  readonly tcpEstablishedTimeout?: string | null;
  readonly tcpCloseWaitTimeout?: string | null;
  readonly tcpBeLiberal?: boolean | null;
  readonly udpTimeout?: string | null;
  readonly udpStreamTimeout?: string | null;
}
