/** The nodes' worker: builds the cluster's network in namespaces of its own and runs the agents of all nodes. */
import { parseCidr, type Cidr } from '#base/cidr.ts';
import { parseIp, type Ip } from '#base/ip.ts';
import { openListenSocket } from '#netlink/listen-socket.ts';
import { inNetns, settleInOwnNetns } from '#netlink/namespace.ts';
import { createFabric, createNodeNamespace, type NetworkNamespace } from '#node/network-sync.ts';
import { API_FABRIC_PORT, DNS_PORT } from './bootstrap.ts';
import { type NodePlan } from './config.ts';
import { workerSide } from './worker-main.ts';
import { type FabricSockets, type NodesWorkerData, type ToNodesWorker } from './worker-message.ts';

const side = workerSide<NodesWorkerData, ToNodesWorker>();
const { data } = side;

function cidr(text: string): Cidr {
  const value = parseCidr(text);
  if (value === undefined) throw new RangeError(`Cannot read the range "${text}"`);
  return value;
}

function openFabricSockets(fabric: NetworkNamespace): FabricSockets {
  const address = parseIp(data.controlAddress) as Ip;
  const open = (protocol: 'tcp' | 'udp', port: number): number => openListenSocket({ protocol, address, port }).fd;
  return inNetns(fabric.fd, () => ({
    apiFd: open('tcp', API_FABRIC_PORT),
    dnsUdpFd: open('udp', DNS_PORT),
    dnsTcpFd: open('tcp', DNS_PORT),
  }));
}

settleInOwnNetns();
const fabricPrefix = cidr(data.fabricCidr).prefix;
const serviceCidr = cidr(data.serviceCidr);
const fabric = createFabric({ address: `${data.controlAddress}/${fabricPrefix}` });
const sockets = openFabricSockets(fabric);
const namespaces = new Map<NodePlan, NetworkNamespace>();
for (const node of data.nodes) {
  const address = `${node.address}/${fabricPrefix}`;
  const podCidr = cidr(node.podCidr);
  namespaces.set(node, createNodeNamespace(fabric, { nodeName: node.name, address, podCidr, serviceCidr }));
}
side.tell({
  kind: 'network',
  nodes: [...namespaces].map(([node, namespace]) => ({ ...node, netnsFd: namespace.fd })),
  sockets,
});
side.onMessage(() => {
  side.tell({ kind: 'ready' });
});
