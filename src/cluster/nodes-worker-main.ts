/** The nodes' worker: builds the cluster's network in namespaces of its own and runs the agents of all nodes. */
import { mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { parseCidr, type Cidr } from '#base/cidr.ts';
import { systemClock } from '#base/clock.ts';
import { parseIp } from '#base/ip.ts';
import { fnv1a } from '#base/names.ts';
import { nodes as nodeResource, services as serviceResource } from '#api/resource.ts';
import { createClient } from '#client/api-client.ts';
import { Informers } from '#client/informers.ts';
import { portTransport } from '#client/port-transport.ts';
import { openListenSocket } from '#netlink/listen-socket.ts';
import { inNetns } from '#netlink/namespace.ts';
import { NETLINK_NETFILTER, NetlinkSocket } from '#netlink/socket.ts';
import { startNodeAgent, type NodeAgent } from '#node/agent.ts';
import { CgroupTree } from '#node/cgroup/cgroup-tree-sync.ts';
import { createFabric, createNodeNamespace, type NetworkNamespace } from '#node/network-sync.ts';
import { SandboxRuntime } from '#node/sandbox/runtime-agent.ts';
import { NodeStats } from '#node/stats/node-stats-agent.ts';
import { StreamServer } from '#node/streams/stream-server.ts';
import { type ControlRequest } from './control.ts';
import { API_FABRIC_PORT, DNS_PORT } from './bootstrap.ts';
import { CLUSTER_DOMAIN } from './config.ts';
import { type NodePlan } from './network-plan.ts';
import { serveNodeListeners } from './node-listener.ts';
import { serveSockets } from './pod-sockets.ts';
import { workerSide } from './worker-main.ts';
import { type FabricSockets, type NodeSockets, type NodesWorkerData, type ToNodesWorker } from './worker-message.ts';
import { KUBERNETES_VERSION } from './version.ts';

const side = workerSide<NodesWorkerData, ToNodesWorker>();
const { data } = side;
const clock = systemClock;

const cgroups = CgroupTree.open(`clusterip-${fnv1a(data.stateDir).toString(16)}`);
// For whoever has to clean up after us when we could not.
writeFileSync(data.cgroupsFile, cgroups.directories.map((directory) => `${directory}\n`).join(''));

// First of all: it moves this thread into namespaces of its own, where everything below is made.
const runtime = new SandboxRuntime(clock, cgroups);
const stats = new NodeStats((nodeName) => runtime.measure(nodeName), clock);

function cidr(text: string): Cidr {
  const value = parseCidr(text);
  if (value === undefined) throw new RangeError(`Cannot read the range "${text}"`);
  return value;
}

function openFabricSockets(fabric: NetworkNamespace): FabricSockets {
  const [primary = ''] = data.controlAddresses;
  const address = parseIp(primary);
  if (address === undefined) throw new RangeError(`Cannot read the address "${primary}"`);
  const open = (protocol: 'tcp' | 'udp', port: number): number => openListenSocket({ protocol, address, port }).fd;
  return inNetns(fabric.fd, () => ({
    apiFd: open('tcp', API_FABRIC_PORT),
    dnsUdpFd: open('udp', DNS_PORT),
    dnsTcpFd: open('tcp', DNS_PORT),
    netFd: fabric.fd,
  }));
}

/** <linux/netfilter/nfnetlink.h>: enum nfnetlink_groups. */
const NFNLGRP_NFTABLES = 7;

function openNodeSockets(network: NetworkNamespace): Omit<NodeSockets, keyof NodePlan> {
  const open = (...groups: readonly number[]): number => NetlinkSocket.open({ protocol: NETLINK_NETFILTER, groups }).fd;
  return inNetns(network.fd, () => ({
    nftablesFd: open(),
    conntrackFd: open(),
    nftablesEventsFd: open(NFNLGRP_NFTABLES),
  }));
}

/** With the length of the fabric's range of the same family. */
function onFabric(addresses: readonly string[]): readonly string[] {
  return addresses.map((address, i) => `${address}/${cidr(data.fabricCidrs[i] ?? '').prefix}`);
}

let networks: readonly { readonly plan: NodePlan; readonly network: NetworkNamespace }[] = [];

function buildNetwork(): void {
  const ranges = { serviceCidrs: data.serviceCidrs.map(cidr), loadBalancerCidrs: data.loadBalancerCidrs.map(cidr) };
  const fabric = createFabric({ addresses: onFabric(data.controlAddresses) });
  serveSockets(data.sockets, fabric.fd);
  networks = data.nodes.map((plan) => {
    const podCidrs = plan.podCidrs.map(cidr);
    const spec = { nodeName: plan.name, addresses: onFabric(plan.addresses), podCidrs, ...ranges };
    return { plan, network: createNodeNamespace(fabric, spec) };
  });
  // The API server and DNS answer Pods, whose addresses lie behind the nodes.
  fabric.setNodeRoutes(
    data.nodes.flatMap(({ podCidrs, addresses }) =>
      podCidrs.map((podCidr, i) => ({ podCidr: cidr(podCidr), nodeAddress: addresses[i] ?? '' })),
    ),
  );
  side.tell({
    kind: 'network',
    nodes: networks.map(({ plan, network }) => ({ ...plan, ...openNodeSockets(network) })),
    fabric: openFabricSockets(fabric),
  });
}

side.begin(buildNetwork);

serveNodeListeners(data.listeners, (node, port) => {
  const found = networks.find(({ plan }) => plan.name === node);
  const address = parseIp(found?.plan.addresses[0]?.includes(':') === true ? '::' : '0.0.0.0');
  if (found === undefined || address === undefined) throw new RangeError(`Cannot find node "${node}"`);
  return inNetns(found.network.fd, () => openListenSocket({ protocol: 'tcp', address, port }).fd);
});

const log = side.log('node');
const client = createClient(portTransport(data.api));
const informers = new Informers(client, { clock, log });
const { signal } = new AbortController();
const streams = new StreamServer({
  runtime,
  stats: (nodeName) => stats.summary(nodeName),
  pods: (nodeName) => agents[networks.findIndex(({ plan }) => plan.name === nodeName)]?.pods(),
  clock,
  log,
});
let agents: readonly NodeAgent[] = [];

async function start(): Promise<void> {
  mkdirSync(data.imagesDir, { recursive: true, mode: 0o700 });
  const services = informers.for(serviceResource);
  const nodes = informers.for(nodeResource);
  for (const { plan } of networks) stats.add({ nodeName: plan.name, capacityBytes: totalmem() });
  agents = networks.map(({ plan, network }) =>
    startNodeAgent({
      client,
      clock,
      log,
      signal,
      runtime,
      network,
      services,
      nodes,
      nodeName: plan.name,
      nodeAddresses: plan.addresses,
      podCidrs: plan.podCidrs.map(cidr),
      loadBalancerCidrs: data.loadBalancerCidrs.map(cidr),
      stateDir: `${data.nodesDir}/${plan.name}`,
      imageDir: realpathSync(data.imagesDir),
      maskedPaths: [data.stateDir],
      clusterDns: [data.dnsIp],
      clusterDomain: CLUSTER_DOMAIN,
      kubernetesVersion: KUBERNETES_VERSION,
    }),
  );
  informers.start(signal);
  await Promise.all([streams.listen(data.streamSocket), ...agents.map((agent) => agent.ready)]);
  side.tell({ kind: 'ready' });
}

async function stop(): Promise<void> {
  await Promise.all(agents.map((agent) => agent.stop()));
  await streams.close();
  cgroups[Symbol.dispose]();
  side.tell({ kind: 'stopped' });
}

/** What only this thread knows is which images are in use. */
function answer(request: ControlRequest): unknown {
  const images = runtime.images(realpathSync(data.imagesDir));
  switch (request.kind) {
    case 'image-remove':
      return request.images.flatMap((image) => images.remove(image)?.name ?? []);
    case 'image-prune':
      return images.collect({ unused: true });
  }
}

side.onMessage((message) => {
  switch (message.kind) {
    case 'start':
      return start();
    case 'stop':
      return stop();
    case 'call':
      return side.reply(message.id, () => answer(message.request));
  }
});
