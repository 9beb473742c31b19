import { existsSync } from 'node:fs';
import type { Node } from '#api/generated/types.ts';
import { endpointSlices, nodes, services, type Resource } from '#api/resource.ts';
import type { Clock } from '#base/clock.ts';
import { CodedError, errorMessage } from '#base/errors.ts';
import type { Metric } from '#base/exposition.ts';
import type { IpFamily } from '#base/ip.ts';
import type { Log } from '#base/log.ts';
import { createClient } from '#client/api-client.ts';
import type { Client } from '#client/client.ts';
import { httpsTransport } from '#client/https-transport.ts';
import type { Connection } from '#client/kubeconfig.ts';
import { ConntrackSocket } from '#netlink/conntrack-socket.ts';
import { NfacctSocket } from '#netlink/nfacct-socket.ts';
import { watchNftables } from '#nftables/table-event-socket.ts';
import type { BindAddress } from '../config/bind-address.ts';
import type { ProxyConfig } from '../config/proxy-config.ts';
import { IptablesCommands, type IptablesOptions } from '../iptables/commands-sync.ts';
import { probeIptables } from '../iptables/probe-sync.ts';
import { rulesetSettings } from '../settings.ts';
import { Proxy, type ProxyOptions } from '../sync.ts';
import { apiTrouble, placeOf } from './api-trouble.ts';
import { cleanUp } from './cleanup-sync.ts';
import type { BuildInfo } from './build-metrics.ts';
import { feedServiceCidrs, feedServices, nodeInformer, type FeedOptions } from './cluster-feed.ts';
import { familyTrouble } from './family-check.ts';
import { openNftables, probeFamilies, probeNftables } from './kernel-probe-sync.ts';
import { rulesOfOthers, tablesOfKubeProxy } from './other-rules-sync.ts';
import { applyNodeSettings, hasLocalhostNodePorts, isConntrackLiberal } from './node-settings-sync.ts';
import { factsOf, ownNode } from './own-node.ts';
import { ProxyEvents } from './proxy-events.ts';
import { ProxyMonitor, type Place } from './proxy-monitor.ts';
import { RequestMetrics } from './request-metrics.ts';

export interface ProxyAgentOptions {
  readonly config: ProxyConfig;
  readonly nodeName: string;
  readonly connection: Connection;
  readonly build: BuildInfo;
  readonly clock: Clock;
  readonly log: Log;
  /** Ends all of it; the rules stay. */
  readonly signal: AbortSignal;
}

const RETRY_MS = 250;
const RETRY_MAX_MS = 10_000;
const SAY_AGAIN_MS = 60_000;

/**
 * The proxy of the node whose network namespace this thread is in, for a cluster that it reaches over HTTPS. Resolves
 * when the first rules are in the kernel; from then on it follows the cluster until the signal aborts.
 * @throws CodedError with what to do, where there is no such Node or the kernel does not do what is needed
 */
export async function runProxy(options: ProxyAgentOptions): Promise<void> {
  const { config, nodeName, connection, clock, log, signal } = options;
  const kernel = await openKernel(options);
  const { mode } = config;
  const { families } = kernel;
  const requests = new RequestMetrics(connection.server, clock);
  const more = (): readonly Metric[] => requests.metrics();
  const monitor = new ProxyMonitor({ mode, families, config, build: options.build, more, clock, log, signal });
  await serve(monitor, config);
  applyNodeSettings(config, log);
  const transport = httpsTransport(connection, { observe: requests.observe });
  signal.addEventListener('abort', () => transport[Symbol.dispose](), { once: true });
  const feed: FeedOptions = { client: createClient(transport), clock, log, signal };
  await reach(feed, placeOf(connection));
  const informer = nodeInformer(nodeName, feed);
  informer.start(signal);
  const wants = { name: nodeName, needsPodCidrs: config.local.kind === 'node-ranges' };
  const node = await ownNode(informer, wants, feed);
  const trouble = familyTrouble(config.local, factsOf(node, config.nodeAddress), families);
  if (trouble !== undefined) log.warn(trouble, { fix: 'name ranges of both families, or those of the cluster' });
  const events = new ProxyEvents(nodeName, feed);
  const proxy = new Proxy({
    ...proxyOptions(options, node),
    ...kernel,
    observer: monitor.observer,
    onHealthCheckFailure: events.healthCheckFailed,
  });
  signal.addEventListener('abort', () => proxy[Symbol.dispose](), { once: true });
  const take = (object: Node): void => {
    monitor.setNode(object);
    proxy.setNode(factsOf(object, config.nodeAddress));
  };
  const gone = (): void => log.warn('the Node is gone; its rules stay', { node: nodeName });
  informer.on({ added: take, updated: take, deleted: gone });
  await Promise.all([feedServices(proxy, feed), feedServiceCidrs(proxy, feed)]);
  proxy.start();
  await proxy.settled();
  if (mode === 'iptables') await dropOtherMode(log);
  events.started(node);
  log.info('rules follow the cluster', { mode: config.mode, node: nodeName, server: connection.server });
}

/** Our table of mode nftables would go on to translate what it knew. Chains of the other mode may be kube-proxy's: those stay. */
async function dropOtherMode(log: Log): Promise<void> {
  try {
    const removed = await cleanUp({ ofOurs: true, ofKubeProxy: false, ofIptables: false, log });
    if (removed.length > 0) log.info('removed the rules of mode nftables', { rules: removed.join(', ') });
  } catch (error) {
    log.warn('rules of mode nftables not removed: they go on to translate what they know', {
      error: errorMessage(error),
      fix: 'clusterip proxy --cleanup',
    });
  }
}

type Kernel = Pick<ProxyOptions, 'socket' | 'iptables' | 'conntrack' | 'watch'> & {
  readonly families: readonly IpFamily[];
};

/** Before anything else: what the kernel cannot do, no cluster makes up for. */
async function openKernel({ config, signal, log }: ProxyAgentOptions): Promise<Kernel> {
  const conntrack = ConntrackSocket.open();
  signal.addEventListener('abort', () => conntrack[Symbol.dispose](), { once: true });
  const hasIpv6 = existsSync('/proc/net/if_inet6');
  const { nodeAddress } = config;
  if (config.mode === 'iptables') {
    const counters = NfacctSocket.open();
    signal.addEventListener('abort', () => counters[Symbol.dispose](), { once: true });
    const iptables: IptablesOptions = { counters };
    const probe = (family: IpFamily): Promise<void> => probeIptables(new IptablesCommands(family, iptables));
    const families = await probeFamilies({ nodeAddress, hasIpv6, probe, log });
    warnOfOthers(tablesOfKubeProxy, 'clusterip proxy --cleanup-kube-proxy --mode iptables', log);
    // The programs are those of either implementation: only with one of them the kernel tells of changes so.
    return { iptables, conntrack, watch: watchNftables, families };
  }
  const socket = openNftables();
  warnOfOthers(() => rulesOfOthers(socket), 'clusterip proxy --cleanup-kube-proxy', log);
  signal.addEventListener('abort', () => socket[Symbol.dispose](), { once: true });
  const probe = (family: IpFamily): void => {
    const settings = rulesetSettings({ serviceCidrs: [] }, { addresses: [], zone: undefined });
    probeNftables(family, settings, (transaction) => socket.check(transaction));
  };
  const families = await probeFamilies({ nodeAddress, hasIpv6, probe, log });
  return { socket, conntrack, watch: watchNftables, families };
}

function warnOfOthers(find: () => readonly string[], command: string, log: Log): void {
  const rules = find().join(', ');
  if (rules === '') return;
  log.warn('another proxy left rules, which go on to translate what they know', {
    rules,
    fix: `once kube-proxy is stopped: ${command}`,
  });
}

function proxyOptions({ config, nodeName, clock, log }: ProxyAgentOptions, node: Node): Omit<ProxyOptions, 'socket'> {
  const { local } = config;
  return {
    nodeName,
    serviceCidrs: [],
    podCidrs: local.kind === 'cluster-ranges' ? local.cidrs : local.kind === 'node-ranges' ? 'of-the-node' : [],
    podInterface: local.kind === 'interface' ? local : undefined,
    nodePortAddresses: config.nodePortAddresses,
    localhostNodePorts: hasLocalhostNodePorts(config),
    node: factsOf(node, config.nodeAddress),
    masqueradeMark: config.masqueradeMark,
    masqueradeAll: config.masqueradeAll,
    isConntrackLiberal: isConntrackLiberal(),
    openHealthCheck: (port) => ({ port }),
    clock,
    log,
  };
}

async function serve(monitor: ProxyMonitor, { healthz, metrics, mustBind }: ProxyConfig): Promise<void> {
  const at = async (
    name: string,
    address: BindAddress | undefined,
    listen: (place: Place) => Promise<void>,
  ): Promise<void> => {
    if (address === undefined) return;
    const text = `${address.host}:${address.port}`;
    try {
      await listen({ at: text, listen: () => address });
    } catch (error) {
      // Mostly the proxy that this one replaces has it still.
      if (!mustBind) return;
      const message = `Cannot serve ${name} at ${text}: ${errorMessage(error)}`;
      throw new CodedError('ELISTEN', message, { hint: `choose another --${name}-bind-address`, cause: error });
    }
  };
  await at('healthz', healthz, (place) => monitor.serveHealth(place));
  await at('metrics', metrics, (place) => monitor.serveMetrics(place));
}

/** Says once what keeps us from the cluster, and again now and then, until nothing does. */
async function reach({ client, clock, log, signal }: FeedOptions, server: string): Promise<void> {
  let said = '';
  let saidAt = 0;
  for (let attempt = 0; ; attempt++) {
    try {
      await readAll(client, signal);
      return;
    } catch (error) {
      if (signal.aborted) throw error;
      const trouble = apiTrouble(error, server);
      if (trouble.message !== said || clock.monotonic() - saidAt > SAY_AGAIN_MS) {
        log.error(trouble.message, { fix: trouble.hint });
        said = trouble.message;
        saidAt = clock.monotonic();
      }
    }
    await clock.sleep(Math.min(RETRY_MS * 2 ** attempt, RETRY_MAX_MS), signal);
  }
}

async function readAll(client: Client, signal: AbortSignal): Promise<void> {
  const all: readonly Resource[] = [services, endpointSlices, nodes];
  for (const resource of all) await client.list(resource, { limit: 1, signal });
}
