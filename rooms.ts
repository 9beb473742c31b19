/**
 * The one table of who may import whom. The linter's configuration is generated from it (`tools/lint-config.ts`), and
 * `test/architecture.test.ts` reads it and the sources.
 */
export const rooms: Readonly<Record<string, readonly string[]>> = {
  base: [],
  netlink: ['base'],
  nftables: ['base', 'netlink'],
  api: ['base'],
  store: ['base'],
  alloc: ['base', 'store'],
  client: ['base', 'api'],
  apiserver: ['base', 'api', 'store', 'alloc'],
  controllers: ['base', 'api', 'client'],
  proxy: ['base', 'api', 'client', 'nftables', 'netlink'],
  // Of netlink, the datagrams: many a system call, which halves what an answer costs.
  dns: ['base', 'api', 'client', 'netlink'],
  node: ['base', 'api', 'client', 'netlink'],
  edge: ['base', 'api', 'client', 'netlink'],
  cluster: [
    'base',
    'netlink',
    'nftables',
    'api',
    'store',
    'alloc',
    'client',
    'apiserver',
    'controllers',
    'proxy',
    'dns',
    'node',
    'edge',
  ],
  cli: [
    'base',
    'netlink',
    'nftables',
    'api',
    'store',
    'alloc',
    'client',
    'apiserver',
    'controllers',
    'proxy',
    'dns',
    'node',
    'edge',
    'cluster',
  ],
};

/** Words that a room must not speak: the layers below Kubernetes do not know it, and the API does not know Linux. */
export const forbiddenWords: Readonly<Record<string, RegExp>> = {
  netlink: /kubernetes|kubelet|endpointslice|clusterip|\bpods?\b/i,
  nftables: /kubernetes|kubelet|endpointslice|clusterip|\bpods?\b/i,
  api: /netlink|nftables|iptables|netns|setns|veth/i,
};
