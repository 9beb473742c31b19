/** The nodes' worker: builds the cluster's network in namespaces of its own and runs the agents of all nodes. */
import { mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { systemClock } from '#base/clock.ts';
import { parseIp } from '#base/ip.ts';
import { fnv1a } from '#base/names.ts';
import { createClient } from '#client/api-client.ts';
import { Informers } from '#client/informers.ts';
import { portTransport } from '#client/port-transport.ts';
import { openListenSocket } from '#netlink/listen-socket.ts';
import { inNetns } from '#netlink/namespace.ts';
import { CgroupTree } from '#node/cgroup/cgroup-tree-sync.ts';
import { createFabric, type NetworkNamespace } from '#node/network-sync.ts';
import { SandboxRuntime } from '#node/sandbox/runtime-agent.ts';
import { NodeStats } from '#node/stats/node-stats-agent.ts';
import { StreamServer } from '#node/streams/stream-server.ts';
import { API_FABRIC_PORT, DNS_METRICS_PORT, DNS_PORT } from './bootstrap.ts';
import { NodeFleet, withLengths } from './node-fleet-agent.ts';
import { runNodeErrands } from './node-errands.ts';
import { serveSockets } from './pod-sockets.ts';
import { workerSide } from './worker-main.ts';
import type { FabricSockets, NodesWorkerCall, NodesWorkerData, ToNodesWorker } from './worker-message.ts';

const side = workerSide<NodesWorkerData, ToNodesWorker>();
const { data } = side;
const clock = systemClock;

const cgroups = CgroupTree.open(`clusterip-${fnv1a(data.stateDir).toString(16)}`);
// For whoever has to clean up after us when we could not.
writeFileSync(data.cgroupsFile, cgroups.directories.map((directory) => `${directory}\n`).join(''));

// First of all: it moves this thread into namespaces of its own, where everything below is made.
const runtime = new SandboxRuntime(clock, cgroups);
const stats = new NodeStats((nodeName) => runtime.measure(nodeName), clock);
const log = side.log('node');
const client = createClient(portTransport(data.api));
const informers = new Informers(client, { clock, log });
const { signal } = new AbortController();
let fleet: NodeFleet | undefined;
const streams = new StreamServer({
  runtime,
  stats: (nodeName) => stats.summary(nodeName),
  pods: (nodeName) => fleet?.agent(nodeName)?.pods(),
  clock,
  log,
});

function openFabricSockets(fabric: NetworkNamespace): FabricSockets {
  const [primary = ''] = data.controlAddresses;
  const address = parseIp(primary);
  if (address === undefined) throw new RangeError(`Cannot read the address "${primary}"`);
  const open = (protocol: 'tcp' | 'udp', port: number): number => openListenSocket({ protocol, address, port }).fd;
  return inNetns(fabric.fd, () => ({
    apiFd: open('tcp', API_FABRIC_PORT),
    dnsUdpFd: open('udp', DNS_PORT),
    dnsTcpFd: open('tcp', DNS_PORT),
    dnsMonitorFd: open('tcp', DNS_METRICS_PORT),
    netFd: fabric.fd,
  }));
}

function buildNetwork(): NodeFleet {
  const fabric = createFabric({ addresses: withLengths(data.controlAddresses, data.fabricCidrs) });
  serveSockets(data.sockets, fabric.fd);
  const made = new NodeFleet({ data, fabric, runtime, stats, client, informers, clock, log, signal });
  const nodes = data.nodes.map((plan) => made.build(plan));
  side.tell({ kind: 'network', nodes, fabric: openFabricSockets(fabric) });
  return made;
}

side.begin(() => {
  fleet = buildNetwork();
});

runNodeErrands(data.errands, {
  listen(node, port) {
    if (fleet === undefined) throw new Error('Cannot listen: there are no nodes');
    return fleet.listen(node, port);
  },
  setServiceRanges: (ranges) => fleet?.setServiceRanges(ranges),
});

async function start(): Promise<void> {
  mkdirSync(data.imagesDir, { recursive: true, mode: 0o700 });
  const ready = data.nodes.map(({ name }) => fleet?.start(name));
  informers.start(signal);
  await Promise.all([streams.listen(data.streamSocket), ...ready]);
  side.tell({ kind: 'ready' });
}

async function stop(): Promise<void> {
  await fleet?.stopAll();
  await streams.close();
  cgroups[Symbol.dispose]();
  side.tell({ kind: 'stopped' });
}

/** What only this thread can do, or knows. */
function answer(call: NodesWorkerCall): unknown {
  switch (call.kind) {
    case 'image-remove':
      return call.images.flatMap((image) => runtime.images(realpathSync(data.imagesDir)).remove(image)?.name ?? []);
    case 'image-prune':
      return runtime.images(realpathSync(data.imagesDir)).collect({ unused: true });
    case 'egress':
      return fleet?.attachEgress(call.netFd);
    case 'node-build':
      return fleet?.build(call.plan);
    case 'node-start':
      return fleet?.start(call.name);
    case 'node-stop':
      return fleet?.stop(call.name);
    case 'node-remove':
      return fleet?.remove(call.name);
  }
}

side.onMessage((message) => {
  switch (message.kind) {
    case 'start':
      return start();
    case 'stop':
      return stop();
    case 'call':
      return side.reply(message.id, () => answer(message.call));
  }
});
