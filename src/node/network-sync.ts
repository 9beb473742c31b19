import { closeSync } from 'node:fs';
import { parseCidr, type Cidr } from '#base/cidr.ts';
import { errorCode } from '#base/errors.ts';
import { parseIp, type Ip } from '#base/ip.ts';
import { createNetns, inNetns } from '#netlink/namespace.ts';
import { RT_TABLE_LOCAL } from '#netlink/route.ts';
import { RtnetlinkSocket } from '#netlink/rtnetlink-socket.ts';
import { writeSysctl } from '#netlink/sysctl.ts';
import type { NetworkStep } from './network-step.ts';
import { planFabric, planNodeNetwork, planNodeRoutes, planServiceRanges } from './node-network.ts';
import type { FabricSpec, NodeNetworkSpec, NodeRoute } from './node-network.ts';
import { planPodDetach, planPodNetwork, type PodNetworkPlan, type PodNetworkSpec } from './pod-network.ts';

/** A network namespace with its rtnetlink socket, both kept open. Only the thread that made it may use it. */
export class NetworkNamespace implements Disposable {
  /** Every thread of the process may enter it by this descriptor. */
  readonly fd: number;
  readonly rtnetlink: RtnetlinkSocket;
  #routes: readonly NodeRoute[] = [];
  #serviceRanges: readonly Cidr[] = [];

  /** A new one, or one that is there already. */
  constructor(fd: number = createNetns()) {
    this.fd = fd;
    this.rtnetlink = inNetns(this.fd, () => RtnetlinkSocket.open());
  }

  apply(steps: readonly NetworkStep[], peer?: NetworkNamespace): void {
    inNetns(this.fd, () => {
      for (const step of steps) execute(this.rtnetlink, step, peer?.fd);
    });
  }

  /** Routes to the Pods of other nodes, and no longer to those that are not in the list. */
  setNodeRoutes(wanted: readonly NodeRoute[]): void {
    this.apply(planNodeRoutes(this.#routes, wanted));
    this.#routes = wanted;
  }

  /** Ranges of cluster addresses; those that are gone lose their route. `addresses` are the node's. */
  setServiceRanges(ranges: readonly Cidr[], addresses: readonly string[]): void {
    this.apply(planServiceRanges(this.#serviceRanges, ranges, addresses));
    this.#serviceRanges = ranges;
  }

  /** Whatever has entered the namespace keeps it until it has ended. */
  [Symbol.dispose](): void {
    this.rtnetlink.close();
    closeSync(this.fd);
  }
}

export function createFabric(spec: FabricSpec): NetworkNamespace {
  const fabric = new NetworkNamespace();
  fabric.apply(planFabric(spec));
  return fabric;
}

export function createNodeNamespace(fabric: NetworkNamespace, spec: NodeNetworkSpec): NetworkNamespace {
  const node = new NetworkNamespace();
  const plan = planNodeNetwork(spec);
  fabric.apply(plan.fabric, node);
  node.apply(plan.node);
  return node;
}

export interface PodWire extends Disposable {
  /** The Pod's network namespace. */
  readonly fd: number;
}

/** Disposing takes the Pod off the network at once; its wire goes with the last process that is in its namespace. */
export function connectPod(node: NetworkNamespace, spec: PodNetworkSpec): PodWire {
  const plan = planPodNetwork(spec);
  const pod = new NetworkNamespace();
  // Deleting the link would block the thread for some 40 ms, until all processors have let go of it. Without the route
  // no packet finds it, and the kernel deletes it in its own time when the namespace of the other end is gone.
  const detach = (): void => {
    node.apply(planPodDetach(spec));
    closeSync(pod.fd);
  };
  try {
    createWire(node, plan, pod);
    pod.apply(plan.pod);
    node.apply(plan.node);
  } catch (error) {
    detach();
    throw error;
  } finally {
    pod.rtnetlink.close();
  }
  return { fd: pod.fd, [Symbol.dispose]: detach };
}

/** A wire of the same Pod may still be on its way out. */
function createWire(node: NetworkNamespace, plan: PodNetworkPlan, pod: NetworkNamespace): void {
  try {
    node.apply(plan.wire, pod);
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
    ignoring('ENODEV', () => node.rtnetlink.deleteLink(plan.hostLink));
    node.apply(plan.wire, pod);
  }
}

function execute(rtnetlink: RtnetlinkSocket, step: NetworkStep, peerFd: number | undefined): void {
  switch (step.kind) {
    case 'bridge':
      // No IGMP querier is on this bridge: with snooping, multicast would be learnt and then lost.
      rtnetlink.createBridge({ name: step.name, multicastSnooping: false, noArp: step.noArp === true });
      break;
    case 'veth': {
      const peer = peerFd === undefined ? { name: step.peer } : { name: step.peer, netns: peerFd };
      const master = step.master === undefined ? {} : { master: indexOf(rtnetlink, step.master) };
      rtnetlink.createVeth({ name: step.name, peer, ...master });
      break;
    }
    case 'up':
      rtnetlink.setLink(step.link, { up: true });
      break;
    case 'down':
      rtnetlink.setLink(step.link, { up: false });
      break;
    case 'address': {
      const { ip, prefix } = addressOf(step.address);
      rtnetlink.addAddress({ ip, prefix, link: indexOf(rtnetlink, step.link) });
      break;
    }
    case 'route':
      rtnetlink.replaceRoute({
        destination: destinationOf(step.to, step.via),
        ...(step.via === undefined ? {} : { gateway: ipOf(step.via) }),
        ...(step.link === undefined ? {} : { link: indexOf(rtnetlink, step.link) }),
        ...(step.source === undefined ? {} : { source: ipOf(step.source) }),
        ...(step.table === undefined ? {} : { table: RT_TABLE_LOCAL }),
      });
      break;
    case 'unroute':
      ignoring('ESRCH', () => rtnetlink.deleteRoute({ destination: destinationOf(step.to) }));
      break;
    case 'sysctl':
      setSysctl(step);
      break;
  }
}

function setSysctl({ name, value, optional }: Extract<NetworkStep, { kind: 'sysctl' }>): void {
  try {
    writeSysctl(name, value);
  } catch (error) {
    if (optional !== true || !['ENOENT', 'EACCES', 'EPERM'].includes(errorCode(error) ?? '')) throw error;
  }
}

function ignoring(code: string, fn: () => void): void {
  try {
    fn();
  } catch (error) {
    if (errorCode(error) !== code) throw error;
  }
}

function indexOf(rtnetlink: RtnetlinkSocket, name: string): number {
  const link = rtnetlink.getLink(name);
  if (link === undefined) throw new RangeError(`Cannot find link "${name}": it is not in this network namespace`);
  return link.index;
}

function addressOf(text: string): { readonly ip: Ip; readonly prefix: number } {
  const slash = text.indexOf('/');
  return { ip: ipOf(text.slice(0, slash)), prefix: Number(text.slice(slash + 1)) };
}

function ipOf(text: string): Ip {
  const ip = parseIp(text);
  if (ip === undefined) throw new RangeError(`Cannot use ${JSON.stringify(text)}: it is not an address`);
  return ip;
}

function destinationOf(text: string, via: string = ''): Cidr {
  const all = via.includes(':') ? '::/0' : '0.0.0.0/0';
  const cidr = parseCidr(text === 'default' ? all : text);
  if (cidr === undefined) throw new RangeError(`Cannot use ${JSON.stringify(text)}: it is not a block of addresses`);
  return cidr;
}
