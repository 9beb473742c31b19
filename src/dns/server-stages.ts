import { type Autopath, createAutopath } from './autopath.ts';
import type { ClusterAgent } from './cluster-agent.ts';
import type { ForwardConfig, HostsConfig, KubernetesConfig, ServerConfig } from './corefile/server-config.ts';
import { forwardHandler, noAnswer } from './forward-handler.ts';
import type { Forwarder } from './forward-socket.ts';
import type { AskOutside, Handler } from './handler.ts';
import type { Hosts } from './hosts.ts';
import { hostsHandler } from './hosts-handler.ts';
import { kubernetesHandler } from './kubernetes-handler.ts';
import { isBelow, type WireName } from './name.ts';
import { rewriteHandler } from './rewrite-handler.ts';
import { templateHandler } from './template-handler.ts';

/** What the stages of a server are made with: things that last, which another configuration may share. */
export interface StageParts {
  readonly cluster: (config: KubernetesConfig, server: ServerConfig) => ClusterAgent;
  readonly forwarder: (config: ForwardConfig, server: ServerConfig) => Forwarder;
  readonly hosts: (config: HostsConfig) => () => Hosts;
  /** What the nodes' own resolv.conf adds to search paths. */
  readonly hostSearch: () => readonly string[];
  readonly outside: AskOutside;
  /** Told of each walk of a search path that led somewhere. */
  readonly onWalked?: (() => void) | undefined;
}

/** The stages of one server, from last to first; their order is CoreDNS's: rewrite, template, hosts, kubernetes, forward. */
export function serverHandler(server: ServerConfig, parts: StageParts): Handler {
  let next: Handler = noAnswer;
  for (const config of server.forwards.toReversed()) {
    const { from, except, next: nextOn } = config;
    next = forwardHandler({ forwarder: parts.forwarder(config, server), from, except, nextOn, next });
  }
  for (const config of server.kubernetes.toReversed()) next = clusterHandler(config, server, parts, next);
  if (server.hostsFile !== undefined) {
    next = hostsHandler({ ...server.hostsFile, hosts: parts.hosts(server.hostsFile), next });
  }
  if (server.templates.length > 0) {
    next = templateHandler({ rules: server.templates, outside: parts.outside, next });
  }
  return server.rewrites.length === 0 ? next : rewriteHandler(server.rewrites, next);
}

const DNS_SERVICE = Object.freeze({ namespace: 'kube-system', name: 'kube-dns' });

/** One stage for each of the cluster's domains; reverse names are the first one's. */
function clusterHandler(config: KubernetesConfig, server: ServerConfig, parts: StageParts, last: Handler): Handler {
  const { zones, reverseZones, fallthrough, ttl, pods, ignoreEmptyServices } = config;
  const agent = parts.cluster(config, server);
  const within = (names: readonly WireName[]) => (name: WireName) => names.some((zone) => isBelow(name, zone));
  const fallsThrough = within(fallthrough);
  const servesReverse = within(reverseZones);
  let next = last;
  for (const [i, name] of [...zones.entries()].toReversed()) {
    const zone = agent.zones.get(name);
    if (zone === undefined) continue;
    const source = {
      zone,
      pods,
      podAddresses: agent.pods,
      keepsReverse: (reverse: WireName) => !fallsThrough(reverse),
      servesReverse: i === 0 ? servesReverse : () => false,
      ignoreEmptyServices,
      onlyKnownNamespaces: config.namespaceLabels !== undefined,
      dnsService: DNS_SERVICE,
    };
    const { isReady } = agent;
    const autopath = autopathOf(server, agent, parts, i);
    const { outside } = parts;
    next = kubernetesHandler({ source, ttl, isReady, autopath, fallsThrough, reverseZones, outside, next });
  }
  return next;
}

function autopathOf(server: ServerConfig, agent: ClusterAgent, parts: StageParts, index: number): Autopath | undefined {
  const [zone] = agent.zones.values();
  if (server.autopath === undefined || agent.pods === undefined || zone === undefined || index > 0) return undefined;
  const { zones } = server.autopath;
  return createAutopath({ zone, pods: agent.pods, hostSearch: parts.hostSearch(), zones, onWalked: parts.onWalked });
}
