/**
 * The services' worker: the proxies of all nodes and DNS, on one copy of the objects. Its thread stays on the host's
 * network, to reach the host's resolvers; the sockets it is handed belong to the nodes and the fabric.
 */
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Node } from '#api/generated/types.ts';
import { nodes as nodeResource } from '#api/resource.ts';
import { formatCidr, parseCidr, type Cidr } from '#base/cidr.ts';
import { systemClock } from '#base/clock.ts';
import { createClient } from '#client/api-client.ts';
import { Informers } from '#client/informers.ts';
import { portTransport } from '#client/port-transport.ts';
import type { ToCarrier } from '#edge/carrier-message.ts';
import { CarrierThread } from '#edge/carrier-thread-agent.ts';
import { EdgeAgent } from '#edge/edge-agent.ts';
import { openHostSocket } from '#edge/host-socket.ts';
import { ConntrackSocket } from '#netlink/conntrack-socket.ts';
import { watchSocket } from '#netlink/event-socket.ts';
import { NfacctSocket } from '#netlink/nfacct-socket.ts';
import { NETLINK_NETFILTER, NetlinkSocket } from '#netlink/socket.ts';
import { NftablesSocket } from '#nftables/nftables-socket.ts';
import type { IptablesOptions } from '#proxy/iptables/commands-sync.ts';
import { HEALTHZ_PORT, METRICS_PORT, ProxyMonitor, type Place } from '#proxy/program/proxy-monitor.ts';
import { createProxy, type Proxy } from '#proxy/sync.ts';
import { startClusterDns } from './cluster-dns-agent.ts';
import { nodeErrands } from './node-errands.ts';
import { followServiceRanges } from './service-ranges.ts';
import { KUBERNETES_VERSION, VERSION } from './version.ts';
import { workerSide } from './worker-main.ts';
import type {
  EdgeWorkerData,
  FabricSockets,
  NodeSockets,
  ServicesWorkerCall,
  ServicesWorkerData,
  ToServicesWorker,
} from './worker-message.ts';

const side = workerSide<ServicesWorkerData, ToServicesWorker>();
const clock = systemClock;
const client = createClient(portTransport(side.data.api));
const informers = new Informers(client, { clock, log: side.log('services') });
const { signal } = new AbortController();
// Here, and not by the first proxy that asks: they are to outlive it.
informers.start(signal);
const errands = nodeErrands(side.data.errands);
const serviceCidrs = ranges(side.data.serviceCidrs);
const podCidrs = ranges(side.data.podCidrs);
const loadBalancerCidrs = ranges(side.data.loadBalancerCidrs);

function ranges(texts: readonly string[]): readonly Cidr[] {
  return texts.flatMap((text) => parseCidr(text) ?? []);
}

const proxies = new Set<Proxy>();
/** Those of the configuration, and of ServiceCIDRs that were made since. */
let currentCidrs = serviceCidrs;

function followRanges(): Promise<void> {
  return followServiceRanges(informers, serviceCidrs, signal, (all) => {
    currentCidrs = all;
    // Rules before routes: what goes to an address that is not known yet is not lost on the way.
    for (const proxy of proxies) proxy.setServiceCidrs(all);
    errands.setServiceRanges(all.map(formatCidr));
  });
}

/** Ends the proxy of a node that goes, by its name; its sockets hold the node's network. */
const departures = new Map<string, () => Promise<void>>();

/** Each node has a lock of its own: they do not wait for each other, nor for the host, whose lock belongs to root. */
function iptablesOf({ name, netnsFd }: NodeSockets, netfilter: NetlinkSocket): IptablesOptions | undefined {
  if (side.data.proxyMode !== 'iptables') return undefined;
  const counters = new NfacctSocket(netfilter);
  return { counters, netns: netnsFd, lockFile: join(side.data.lockDir, `${name}.xtables.lock`) };
}

/** At the node's own address, as a kube-proxy has it there. */
function startMonitor(name: string, mode: 'nftables' | 'iptables', until: AbortSignal): ProxyMonitor {
  const families = [...new Set(serviceCidrs.map(({ family }) => family))];
  const build = { version: VERSION, kubernetesVersion: KUBERNETES_VERSION };
  const monitor = new ProxyMonitor({ mode, families, build, clock, log: side.log('proxy'), signal: until });
  const take = (node: Node): void => {
    if (node.metadata.name === name) monitor.setNode(node);
  };
  const following = informers.for(nodeResource).on({ added: take, updated: take });
  until.addEventListener('abort', () => following[Symbol.dispose](), { once: true });
  const place = (port: number): Place => ({
    at: `${name}:${port}`,
    listen: async () => ({ fd: await errands.listen(name, port) }),
  });
  // What is refused is said and tried again.
  monitor.serveHealth(place(HEALTHZ_PORT)).catch(() => {});
  monitor.serveMetrics(place(METRICS_PORT)).catch(() => {});
  return monitor;
}

async function startProxy(node: NodeSockets): Promise<void> {
  const { name, nftablesFd, conntrackFd, nftablesEventsFd } = node;
  const { proxyMode } = side.data;
  const leaving = new AbortController();
  const rules = NetlinkSocket.adopt(nftablesFd, NETLINK_NETFILTER);
  const connections = NetlinkSocket.adopt(conntrackFd, NETLINK_NETFILTER);
  const events = NetlinkSocket.adopt(nftablesEventsFd, NETLINK_NETFILTER);
  // Another proxy has the node: sockets would keep its network when it goes.
  if (proxyMode === 'none') return [rules, connections, events].forEach((socket) => socket.close());
  const until = AbortSignal.any([signal, leaving.signal]);
  const monitor = startMonitor(name, proxyMode, until);
  const proxy = await createProxy({
    client,
    informers,
    nodeName: name,
    socket: new NftablesSocket(rules),
    iptables: iptablesOf(node, connections),
    conntrack: new ConntrackSocket(connections),
    serviceCidrs,
    loadBalancerCidrs,
    podCidrs,
    isLocalhostShared: true,
    openHealthCheck: async (port) => ({ fd: await errands.listen(name, port) }),
    observer: monitor.observer,
    watch: (ending) => watchSocket(events, ending),
    clock,
    log: side.log('proxy'),
    signal: until,
  });
  proxies.add(proxy);
  proxy.setServiceCidrs(currentCidrs);
  departures.set(name, async () => {
    proxies.delete(proxy);
    leaving.abort();
    await proxy.settled();
    rules.close();
    connections.close();
  });
}

function answer(call: ServicesWorkerCall): Promise<void> | undefined {
  if (call.kind === 'node-add') return startProxy(call.node);
  const leave = departures.get(call.name);
  departures.delete(call.name);
  return leave?.();
}

async function startEdge({ netFd }: FabricSockets): Promise<void> {
  const log = side.log('edge');
  // Not before a Service needs it: most clusters have none that does.
  const carrier = new CarrierThread({
    start: () => startCarrier(netFd),
    onFailed: (message) => edge.take(message),
    onLost: () => edge.lost(),
    clock,
    log,
  });
  const post = (message: ToCarrier): void => carrier.post(message);
  const edge = new EdgeAgent({ client, informers, clock, log, signal, open: openHostSocket, post });
  await edge.start();
}

function startCarrier(fabricFd: number): Worker {
  const workerData: EdgeWorkerData = { fabricFd };
  const entry = new URL('./edge-worker-main.ts', import.meta.url);
  return new Worker(entry, { name: 'edge', workerData, trackUnmanagedFds: false });
}

function startDns(sockets: FabricSockets): Promise<void> {
  const ownRanges = [...serviceCidrs, ...podCidrs];
  const autopath = side.data.dnsAutopath;
  return startClusterDns({ sockets, informers, ownRanges, autopath, clock, log: side.log('dns'), signal });
}

side.onMessage(async (message) => {
  if (message.kind === 'call') return side.reply(message.id, () => answer(message.call));
  const { nodes, fabric } = message;
  await Promise.all([...nodes.map(startProxy), startDns(fabric), startEdge(fabric), followRanges()]);
  side.tell({ kind: 'ready' });
});
