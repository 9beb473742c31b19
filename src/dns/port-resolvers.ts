import type { Clock } from '#base/clock.ts';
import { withAccessControl } from './access-control.ts';
import { chaosHandler } from './chaos-handler.ts';
import type { ServerConfig } from './corefile/server-config.ts';
import type { DnsParts } from './dns-parts.ts';
import type { Forwarder } from './forward-socket.ts';
import { withMetrics } from './metrics.ts';
import type { ForwarderMetrics, ServerMetrics } from './metrics-text.ts';
import { nameText } from './name.ts';
import { withQueryLog } from './query-log.ts';
import { outsideThrough, resolveWith, type Resolve } from './resolver.ts';
import { serverHandler } from './server-stages.ts';
import { routeByZone, type ZoneRoute } from './zone-router.ts';

export interface PortResolver {
  readonly host: string;
  readonly port: number;
  readonly resolve: Resolve;
}

export interface PortResolvers {
  /** By address and port. */
  readonly resolvers: ReadonlyMap<string, PortResolver>;
  readonly metrics: readonly ServerMetrics[];
  readonly forwarders: readonly ForwarderMetrics[];
}

export interface PortOptions {
  readonly clock: Clock;
  /** Where the lines of `log` go. */
  readonly print: (line: string) => void;
  /** Of the program, for those who ask. */
  readonly version: string;
}

/** What answers on each address and port of a configuration. */
export function portResolvers(
  servers: readonly ServerConfig[],
  parts: DnsParts,
  { clock, print, version }: PortOptions,
): PortResolvers {
  const resolvers = new Map<string, PortResolver>();
  const metrics: ServerMetrics[] = [];
  const forwarders = new Map<Forwarder, ForwarderMetrics>();
  const groups = Map.groupBy(
    servers.flatMap((server) => hostsOf(server).map((host) => ({ server, host, key: `${host} ${server.port}` }))),
    ({ key }) => key,
  );
  for (const [key, group] of groups) {
    const [first] = group;
    if (first === undefined) continue;
    const { host, server } = first;
    let resolve: Resolve = () => undefined;
    const outside = outsideThrough(() => resolve);
    const routes = group.map(({ server: config }): ZoneRoute => {
      const label = `dns://${host}:${config.port}`;
      const zone = config.zones.map((name) => dotted(nameText(name))).join(',');
      const counts = parts.metrics(`${label} ${zone}`);
      const stages = {
        onWalked: () => void counts.walks++,
        cluster: parts.cluster,
        hosts: parts.hosts,
        hostSearch: parts.hostSearch,
        outside,
        forwarder: (...asked: Parameters<DnsParts['forwarder']>): Forwarder => {
          const forwarder = parts.forwarder(...asked);
          forwarders.set(forwarder, { server: label, zones: dotted(nameText(asked[0].from)), forwarder });
          return forwarder;
        },
      };
      const chaos = config.chaos === undefined ? undefined : chaosHandler(config.chaos, `clusterip-${version}`);
      const handled = resolveWith(serverHandler(config, stages), chaos);
      metrics.push({ server: label, zone, metrics: counts, plugins: pluginsOf(config) });
      const allowed = config.acl.length === 0 ? handled : withAccessControl(handled, config.acl);
      const counted = withMetrics(allowed, counts, clock);
      return {
        zones: config.zones,
        resolve:
          config.log === undefined ? counted : withQueryLog(counted, { config: config.log, clock, write: print }),
      };
    });
    resolve = routeByZone(routes);
    resolvers.set(key, { host, port: server.port, resolve });
  }
  return { resolvers, metrics, forwarders: [...forwarders.values()] };
}

const hostsOf = ({ hosts }: ServerConfig): readonly string[] => (hosts.length === 0 ? [''] : hosts);
const dotted = (name: string): string => (name.endsWith('.') ? name : `${name}.`);

function pluginsOf(config: ServerConfig): readonly string[] {
  const { kubernetes, forwards, cache, hostsFile, rewrites, templates, chaos, autopath } = config;
  const { log, health, ready, prometheus, reload } = config;
  const present = { autopath, cache, chaos, health, hosts: hostsFile, log, prometheus, ready, reload };
  return [
    ...Object.entries(present).flatMap(([name, value]) => (value === undefined ? [] : name)),
    ...(forwards.length > 0 ? ['forward'] : []),
    ...(kubernetes.length > 0 ? ['kubernetes'] : []),
    ...(config.acl.length > 0 ? ['acl'] : []),
    ...(rewrites.length > 0 ? ['rewrite'] : []),
    ...(templates.length > 0 ? ['template'] : []),
    ...config.idle,
  ].toSorted();
}
