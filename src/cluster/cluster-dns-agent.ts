import { readFileSync } from 'node:fs';
import type { Cidr } from '#base/cidr.ts';
import type { Clock } from '#base/clock.ts';
import type { Log } from '#base/log.ts';
import type { Informers } from '#client/informers.ts';
import { createAutopath } from '#dns/autopath.ts';
import { startDnsServer } from '#dns/dns-server.ts';
import { createForwarder } from '#dns/forward-socket.ts';
import { DnsMetrics, withMetrics } from '#dns/metrics.ts';
import { metricsText } from '#dns/metrics-text.ts';
import { startMonitorServer } from '#dns/monitor-server.ts';
import { PodIndex } from '#dns/pod-index.ts';
import { ProgrammingLatency } from '#dns/programming-latency.ts';
import { nameserversOf, searchOf } from '#dns/resolv-conf.ts';
import { createResolver } from '#dns/resolver.ts';
import { syncPods, syncZone } from '#dns/zone-sync.ts';
import { Zone } from '#dns/zone.ts';
import { DNS_PORT } from './bootstrap.ts';
import { CLUSTER_DOMAIN } from './config.ts';
import { VERSION } from './version.ts';
import type { FabricSockets } from './worker-message.ts';

export interface ClusterDnsOptions {
  readonly sockets: FabricSockets;
  readonly informers: Informers;
  /** Reverse names of these are asked of nobody else. */
  readonly ownRanges: readonly Cidr[];
  /** Walk search paths for Pods. */
  readonly autopath: boolean;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** DNS of the cluster, on the fabric; resolves when it has all that there is. Other names are the host's resolvers'. */
export async function startClusterDns(options: ClusterDnsOptions): Promise<void> {
  const { sockets, informers, ownRanges, clock, log, signal } = options;
  const zone = new Zone(CLUSTER_DOMAIN);
  const pods = options.autopath ? new PodIndex() : undefined;
  const host = hostResolvConf();
  const forwarder = createForwarder({
    upstreams: nameserversOf(host),
    clock,
    onLoop: (address) => log.error('a server leads back here and is not asked any more', { server: address }),
  });
  const metrics = new DnsMetrics();
  const latency = new ProgrammingLatency(clock);
  let ready = false;
  const isReady = (): boolean => ready;
  const autopath = pods === undefined ? undefined : createAutopath({ zone, pods, hostSearch: searchOf(host) });
  const resolve = withMetrics(createResolver({ zone, forwarder, ownRanges, isReady, autopath }), metrics, clock);
  const server = `dns://:${DNS_PORT}`;
  const plugins = ['cache', 'forward', 'kubernetes', ...(autopath === undefined ? [] : ['autopath'])];
  const text = (): string =>
    metricsText({
      servers: [{ server, zone: '.', metrics, plugins }],
      forwarders: [{ server, zones: '.', forwarder }],
      version: VERSION,
      programming: latency.seconds,
    });
  await startMonitorServer({ monitor: { isReady, metrics: text, leaving: false }, fd: sockets.dnsMonitorFd });
  const listen = { udpFd: sockets.dnsUdpFd, tcpFd: sockets.dnsTcpFd };
  await startDnsServer({ resolve, listen, clock, log }).ready;
  const sync = { informers, signal };
  await Promise.all([syncZone(zone, { ...sync, latency }), ...(pods === undefined ? [] : [syncPods(pods, sync)])]);
  ready = true;
}

function hostResolvConf(): string {
  try {
    return readFileSync('/etc/resolv.conf', 'utf8');
  } catch {
    return '';
  }
}
