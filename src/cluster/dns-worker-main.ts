/** The DNS worker. Its thread stays on the host's network, to reach the host's resolvers; its sockets are on the fabric. */
import { readFileSync } from 'node:fs';
import { parseCidr } from '#base/cidr.ts';
import { systemClock } from '#base/clock.ts';
import { createClient } from '#client/api-client.ts';
import { portTransport } from '#client/port-transport.ts';
import { startDnsServer } from '#dns/dns-server.ts';
import { createForwarder } from '#dns/forward-socket.ts';
import { nameserversOf } from '#dns/resolv-conf.ts';
import { createResolver } from '#dns/resolver.ts';
import { syncZone } from '#dns/zone-sync.ts';
import { Zone } from '#dns/zone.ts';
import { CLUSTER_DOMAIN } from './config.ts';
import { workerSide } from './worker-main.ts';
import { type DnsWorkerData, type ToDnsWorker } from './worker-message.ts';

const side = workerSide<DnsWorkerData, ToDnsWorker>();
const log = side.log('dns');
const clock = systemClock;
const client = createClient(portTransport(side.data.api));
const zone = new Zone(CLUSTER_DOMAIN);
let ready = false;

function hostNameservers(): readonly string[] {
  try {
    return nameserversOf(readFileSync('/etc/resolv.conf', 'utf8'));
  } catch {
    return [];
  }
}

side.onMessage(async ({ sockets }) => {
  const resolve = createResolver({
    zone,
    forwarder: createForwarder({ upstreams: hostNameservers(), clock }),
    ownRanges: side.data.ownRanges.flatMap((range) => parseCidr(range) ?? []),
    isReady: () => ready,
  });
  const listen = { udpFd: sockets.dnsUdpFd, tcpFd: sockets.dnsTcpFd };
  await startDnsServer({ resolve, listen, clock, log }).ready;
  await syncZone(zone, { client, clock, log, signal: new AbortController().signal });
  ready = true;
  side.tell({ kind: 'ready' });
});
