/** The proxy worker: one proxy for each node, each with sockets of that node's namespace, all on one copy of the objects. */
import { parseCidr } from '#base/cidr.ts';
import { systemClock } from '#base/clock.ts';
import { createClient } from '#client/api-client.ts';
import { Informers } from '#client/informers.ts';
import { portTransport } from '#client/port-transport.ts';
import { ConntrackSocket } from '#netlink/conntrack-socket.ts';
import { inNetns, settleInOwnNetns } from '#netlink/namespace.ts';
import { NftablesSocket } from '#nftables/nftables-socket.ts';
import { createProxy } from '#proxy/sync.ts';
import { workerSide } from './worker-main.ts';
import { type ProxyWorkerData, type ToProxyWorker } from './worker-message.ts';

const side = workerSide<ProxyWorkerData, ToProxyWorker>();
const log = side.log('proxy');
const clock = systemClock;
const client = createClient(portTransport(side.data.api));
const informers = new Informers(client, { clock, log });
const signal = new AbortController().signal;

settleInOwnNetns();

side.onMessage(async ({ nodes }) => {
  const serviceCidrs = [side.data.serviceCidr].flatMap((text) => parseCidr(text) ?? []);
  const started = nodes.map(({ name, netnsFd }) => {
    const sockets = inNetns(netnsFd, () => ({ socket: NftablesSocket.open(), conntrack: ConntrackSocket.open() }));
    return createProxy({ client, informers, nodeName: name, serviceCidrs, clock, log, signal, ...sockets });
  });
  await Promise.all(started);
  side.tell({ kind: 'ready' });
});
