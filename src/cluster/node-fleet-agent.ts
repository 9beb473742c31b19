import { realpathSync } from 'node:fs';
import { totalmem } from 'node:os';
import { type Cidr, parseCidr } from '#base/cidr.ts';
import type { Clock } from '#base/clock.ts';
import { CodedError } from '#base/errors.ts';
import { parseIp } from '#base/ip.ts';
import type { Log } from '#base/log.ts';
import { nodes as nodeResource, services as serviceResource } from '#api/resource.ts';
import type { Client } from '#client/client.ts';
import type { Informers } from '#client/informers.ts';
import { openListenSocket } from '#netlink/listen-socket.ts';
import { inNetns } from '#netlink/namespace.ts';
import { NETLINK_NETFILTER, NetlinkSocket } from '#netlink/socket.ts';
import { KUBELET_DISK_POLICY } from '#node/eviction/disk-threshold.ts';
import { type NodeAgent, startNodeAgent } from '#node/agent.ts';
import { createNodeNamespace, type NetworkNamespace } from '#node/network-sync.ts';
import { nodePortName } from '#node/node-network.ts';
import { removeTree } from '#node/sandbox/remove-tree-sync.ts';
import type { SandboxRuntime } from '#node/sandbox/runtime-agent.ts';
import type { NodeStats } from '#node/stats/node-stats-agent.ts';
import { attachEgress } from './egress-network-sync.ts';
import type { Keyring } from '#node/image/keyring.ts';
import { portKeyring } from './keyring-port.ts';
import { CLUSTER_DOMAIN } from './config.ts';
import type { NodePlan } from './network-plan.ts';
import { KUBERNETES_VERSION } from './version.ts';
import type { NodeSockets, NodesWorkerData } from './worker-message.ts';

export interface NodeFleetOptions {
  readonly data: NodesWorkerData;
  readonly fabric: NetworkNamespace;
  readonly runtime: SandboxRuntime;
  readonly stats: NodeStats;
  readonly client: Client;
  readonly informers: Informers;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

interface FleetNode {
  readonly plan: NodePlan;
  readonly network: NetworkNamespace;
  /** Absent while it is switched off. */
  agent: NodeAgent | undefined;
}

/** <linux/netfilter/nfnetlink.h>: enum nfnetlink_groups. */
const NFNLGRP_NFTABLES = 7;

/** All nodes of the cluster. They come and go, and can be switched off as if somebody had pulled the plug. */
export class NodeFleet {
  readonly #options: NodeFleetOptions;
  readonly #nodes = new Map<string, FleetNode>();
  /** Once it is known that there are others than those of the configuration. */
  #serviceRanges: readonly Cidr[] = [];
  readonly #keyring: Keyring;

  constructor(options: NodeFleetOptions) {
    this.#options = options;
    this.#keyring = portKeyring(options.data.keyring);
  }

  /** Makes the node's network. The sockets in it are for the node's proxy, and for whoever gets them to close. */
  build(plan: NodePlan): NodeSockets {
    const { fabric, data } = this.#options;
    const network = createNodeNamespace(fabric, {
      nodeName: plan.name,
      addresses: withLengths(plan.addresses, data.fabricCidrs),
      gateways: data.controlAddresses,
      podCidrs: plan.podCidrs.map(readCidr),
      serviceCidrs: data.serviceCidrs.map(readCidr),
      loadBalancerCidrs: data.loadBalancerCidrs.map(readCidr),
    });
    network.setServiceRanges(this.#serviceRanges, plan.addresses);
    this.#nodes.set(plan.name, { plan, network, agent: undefined });
    this.#setRoutes();
    const open = (...groups: readonly number[]): number =>
      NetlinkSocket.open({ protocol: NETLINK_NETFILTER, groups }).fd;
    const sockets = inNetns(network.fd, () => ({
      nftablesFd: open(),
      conntrackFd: open(),
      nftablesEventsFd: open(NFNLGRP_NFTABLES),
    }));
    return { ...plan, netnsFd: network.fd, ...sockets };
  }

  /** Switches it on; resolves when it is ready. */
  async start(name: string): Promise<void> {
    const node = this.#find(name);
    if (node.agent !== undefined) throw refusal(`Cannot start node ${JSON.stringify(name)}: it is running`);
    const { data, runtime, stats, client, informers, clock, log, signal, fabric } = this.#options;
    const { plan, network } = node;
    fabric.apply([{ kind: 'up', link: nodePortName(name) }]);
    stats.add({ nodeName: name, capacityBytes: totalmem() });
    node.agent = startNodeAgent({
      client,
      clock,
      log,
      signal,
      runtime,
      network,
      services: informers.for(serviceResource),
      nodes: informers.for(nodeResource),
      nodeName: name,
      nodeAddresses: plan.addresses,
      podCidrs: plan.podCidrs.map(readCidr),
      loadBalancerCidrs: data.loadBalancerCidrs.map(readCidr),
      labels: plan.labels,
      stateDir: `${data.nodesDir}/${name}`,
      imageDir: realpathSync(data.imagesDir),
      imageSources: { mirrors: data.registryMirrors, keyring: this.#keyring },
      diskPolicy: data.diskPressure ? KUBELET_DISK_POLICY : undefined,
      maskedPaths: [data.stateDir],
      clusterDns: [data.dnsIp],
      clusterDomain: CLUSTER_DOMAIN,
      kubernetesVersion: KUBERNETES_VERSION,
    });
    await node.agent.ready;
  }

  /** Cuts it off the network and ends all that runs on it, without a word to anybody. */
  async stop(name: string): Promise<void> {
    const node = this.#find(name);
    const { agent } = node;
    if (agent === undefined) throw refusal(`Cannot stop node ${JSON.stringify(name)}: it is not running`);
    node.agent = undefined;
    this.#options.fabric.apply([{ kind: 'down', link: nodePortName(name) }]);
    this.#options.stats.remove(name);
    await agent.stop();
  }

  /** Ends it, and takes its network and files away. Its objects stay in the API. */
  async remove(name: string): Promise<void> {
    const node = this.#find(name);
    if (node.agent !== undefined) await this.stop(name);
    this.#nodes.delete(name);
    this.#options.fabric.rtnetlink.deleteLink(nodePortName(name));
    node.network[Symbol.dispose]();
    this.#setRoutes();
    removeTree(`${this.#options.data.nodesDir}/${name}`);
  }

  async stopAll(): Promise<void> {
    await Promise.all([...this.#nodes.values()].flatMap(({ agent }) => (agent === undefined ? [] : [agent.stop()])));
  }

  /** The API server and DNS answer Pods, whose addresses lie behind the nodes. */
  #setRoutes(): void {
    const routes = [...this.#nodes.values()].flatMap(({ plan: { podCidrs, addresses } }) =>
      podCidrs.map((podCidr, i) => ({ podCidr: readCidr(podCidr), nodeAddress: addresses[i] ?? '' })),
    );
    this.#options.fabric.setNodeRoutes(routes);
  }

  /** Gives Pods a way out, by the namespace `netFd`, which is closed. */
  attachEgress(netFd: number): void {
    const { fabric, data } = this.#options;
    attachEgress(fabric, netFd, [...data.fabricCidrs, ...data.podCidrs]);
  }

  /** What runs on it, as its agent sees it. */
  agent(name: string): NodeAgent | undefined {
    return this.#nodes.get(name)?.agent;
  }

  /** Cluster addresses come out of these. */
  setServiceRanges(ranges: readonly string[]): void {
    this.#serviceRanges = ranges.map(readCidr);
    for (const { plan, network } of this.#nodes.values()) network.setServiceRanges(this.#serviceRanges, plan.addresses);
  }

  /** A socket that listens to TCP on all addresses of a node. */
  listen(name: string, port: number): number {
    const { plan, network } = this.#find(name);
    const address = parseIp(plan.addresses[0]?.includes(':') === true ? '::' : '0.0.0.0');
    if (address === undefined) throw new RangeError(`Cannot listen on node "${name}"`);
    return inNetns(network.fd, () => openListenSocket({ protocol: 'tcp', address, port }).fd);
  }

  #find(name: string): FleetNode {
    const node = this.#nodes.get(name);
    if (node === undefined) throw refusal(`Cannot find node ${JSON.stringify(name)}`);
    return node;
  }
}

function refusal(message: string): CodedError {
  return new CodedError('ENODE', message, { hint: 'see clusterip node list' });
}

/** Addresses with the length of the range of the same family. */
export function withLengths(addresses: readonly string[], ranges: readonly string[]): readonly string[] {
  return addresses.map((address, i) => `${address}/${readCidr(ranges[i] ?? '').prefix}`);
}

function readCidr(text: string): Cidr {
  const value = parseCidr(text);
  if (value === undefined) throw new RangeError(`Cannot read the range "${text}"`);
  return value;
}
