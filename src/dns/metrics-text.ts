import process from 'node:process';
import type { Forwarder, ForwarderCounts } from './forward-socket.ts';
import { type DnsMetrics, FAMILIES, type Histogram, PLUGINS, PROTOCOLS, TYPE_LABELS } from './metrics.ts';
import { RCODES } from './record-type.ts';

export interface MetricsSources {
  readonly servers: readonly ServerMetrics[];
  readonly forwarders: readonly ForwarderMetrics[];
  readonly version: string;
  /** Seconds from a change of a headless Service's endpoints to the answer with it. */
  readonly programming?: Histogram | undefined;
  /** Configurations that could not be followed. */
  readonly failedReloads?: number | undefined;
}

export interface ServerMetrics {
  /** As CoreDNS writes it: `dns://:53`. */
  readonly server: string;
  readonly zone: string;
  readonly metrics: DnsMetrics;
  /** Plugins of CoreDNS that it stands in for. */
  readonly plugins?: readonly string[] | undefined;
}

export interface ForwarderMetrics {
  readonly server: string;
  readonly zones: string;
  readonly forwarder: Forwarder;
}

const PROGRAMMING = 'coredns_kubernetes_dns_programming_duration_seconds';

type Labels = Readonly<Record<string, string>>;

const rcodeNames = new Map<number, string>(Object.entries(RCODES).map(([name, code]) => [code, name]));

/** The Prometheus text of `/metrics`, under the names that dashboards for CoreDNS know. */
export function metricsText(sources: MetricsSources): string {
  const { servers, forwarders, version, programming, failedReloads = 0 } = sources;
  const page = new Page();
  page.family('coredns_build_info', 'gauge', 'The program that answers.');
  page.line('coredns_build_info', { version, program: 'clusterip' }, 1);
  page.family('coredns_panics_total', 'counter', 'Queries that ended in an error of the program.');
  page.line(
    'coredns_panics_total',
    {},
    servers.reduce((sum, { metrics }) => sum + metrics.panics, 0),
  );
  page.family('coredns_reload_failed_total', 'counter', 'Configurations that could not be followed.');
  page.line('coredns_reload_failed_total', {}, failedReloads);
  writePlugins(page, servers);
  writeRequests(page, servers);
  page.family('coredns_dns_request_duration_seconds', 'histogram', 'Time to the answer; from samples.');
  for (const server of servers) {
    page.histogram('coredns_dns_request_duration_seconds', labelsOf(server), server.metrics.durations);
  }
  for (const [name, kind] of [
    ['coredns_dns_request_size_bytes', 'requestSizes'],
    ['coredns_dns_response_size_bytes', 'responseSizes'],
  ] as const) {
    page.family(name, 'histogram', 'Size of messages.');
    for (const server of servers) {
      for (const [i, histogram] of server.metrics[kind].entries()) {
        page.histogram(name, { ...labelsOf(server), proto: PROTOCOLS[i] ?? '' }, histogram);
      }
    }
  }
  if (programming !== undefined) {
    page.family(PROGRAMMING, 'histogram', "Time from a change of a headless Service's endpoints to the answer.");
    page.histogram(PROGRAMMING, { service_kind: 'headless_with_selector' }, programming);
  }
  if (forwarders.length > 0) writeForwarders(page, forwarders);
  writeProcess(page);
  return page.text();
}

function labelsOf({ server, zone }: ServerMetrics): Labels {
  return { server, zone, view: '' };
}

function writePlugins(page: Page, servers: readonly ServerMetrics[]): void {
  page.family('coredns_plugin_enabled', 'gauge', 'What a server has.');
  for (const server of servers) {
    for (const name of server.plugins ?? []) page.line('coredns_plugin_enabled', { ...labelsOf(server), name }, 1);
  }
}

function writeRequests(page: Page, servers: readonly ServerMetrics[]): void {
  page.family('coredns_dns_requests_total', 'counter', 'Queries.');
  for (const server of servers) {
    for (const [i, count] of server.metrics.requests.entries()) {
      if (count === 0) continue;
      const type = TYPE_LABELS[i % TYPE_LABELS.length] ?? '';
      const rest = Math.floor(i / TYPE_LABELS.length);
      const labels = { proto: PROTOCOLS[rest >> 1] ?? '', family: FAMILIES[rest & 1] ?? '', type };
      page.line('coredns_dns_requests_total', { ...labelsOf(server), ...labels }, count);
    }
  }
  page.family('coredns_dns_responses_total', 'counter', 'Answers.');
  for (const server of servers) {
    for (const [i, count] of server.metrics.responses.entries()) {
      if (count === 0) continue;
      const labels = { rcode: rcodeNames.get(i % 16) ?? `RCODE${i % 16}`, plugin: PLUGINS[i >> 4] ?? '' };
      page.line('coredns_dns_responses_total', { ...labelsOf(server), ...labels }, count);
    }
  }
}

/** Family, its help, and what it counts of a forwarder. */
const CACHE_COUNTERS: readonly (readonly [string, string, (counts: ForwarderCounts) => number])[] = [
  [
    'coredns_cache_requests_total',
    'Queries for names of others.',
    ({ hits, denialHits, misses }) => hits + denialHits + misses,
  ],
  ['coredns_cache_misses_total', 'Those that others were asked.', ({ misses }) => misses],
  ['coredns_cache_prefetch_total', 'Answers asked for anew before their time.', ({ prefetches }) => prefetches],
  ['coredns_cache_served_stale_total', 'Answers given after their time.', ({ stale }) => stale],
];

function writeForwarders(page: Page, forwarders: readonly ForwarderMetrics[]): void {
  const labelled = forwarders.map(({ server, zones, forwarder }) => ({
    labels: { server, zones, view: '' },
    forwarder,
  }));
  page.family('coredns_cache_entries', 'gauge', 'Answers of others that are kept.');
  for (const { labels, forwarder } of labelled) {
    page.line('coredns_cache_entries', { ...labels, type: 'success' }, forwarder.cacheSize);
  }
  page.family('coredns_cache_hits_total', 'counter', 'Queries answered from them.');
  for (const { labels, forwarder } of labelled) {
    page.line('coredns_cache_hits_total', { ...labels, type: 'success' }, forwarder.counts.hits);
    page.line('coredns_cache_hits_total', { ...labels, type: 'denial' }, forwarder.counts.denialHits);
  }
  for (const [name, help, count] of CACHE_COUNTERS) {
    page.family(name, 'counter', help);
    for (const { labels, forwarder } of labelled) page.line(name, labels, count(forwarder.counts));
  }
  page.family('coredns_forward_max_concurrent_rejects_total', 'counter', 'Queries over the limit.');
  const rejected = forwarders.reduce((sum, { forwarder }) => sum + forwarder.counts.rejected, 0);
  page.line('coredns_forward_max_concurrent_rejects_total', {}, rejected);
  writeUpstreams(page, forwarders);
}

function writeUpstreams(page: Page, forwarders: readonly ForwarderMetrics[]): void {
  const upstreams = forwarders.flatMap(({ forwarder }) => forwarder.upstreams());
  const broken = forwarders.some(({ forwarder }) => {
    const own = forwarder.upstreams();
    return own.length > 0 && own.every(({ healthy, looping }) => !healthy || looping);
  });
  page.family('coredns_forward_healthcheck_broken', 'gauge', 'Whether no server answers.');
  page.line('coredns_forward_healthcheck_broken', {}, broken ? 1 : 0);
  page.family('coredns_proxy_healthcheck_failures_total', 'counter', 'Failures of a server.');
  const failures = new Map<string, number>();
  for (const { to, failed } of upstreams) failures.set(to, (failures.get(to) ?? 0) + failed);
  for (const [to, failed] of failures) {
    page.line('coredns_proxy_healthcheck_failures_total', { proxy_name: 'forward', to }, failed);
  }
}

/** As the client libraries of Prometheus write them. */
function writeProcess(page: Page): void {
  const { user, system } = process.cpuUsage();
  page.family('process_cpu_seconds_total', 'counter', 'Processor time.');
  page.line('process_cpu_seconds_total', {}, (user + system) / 1e6);
  page.family('process_resident_memory_bytes', 'gauge', 'Resident memory.');
  page.line('process_resident_memory_bytes', {}, process.memoryUsage.rss());
}

class Page {
  readonly #lines: string[] = [];

  family(name: string, type: 'counter' | 'gauge' | 'histogram', help: string): void {
    this.#lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
  }

  line(name: string, labels: Labels, value: number): void {
    const text = Object.entries(labels).map(([label, own]) => `${label}="${own.replaceAll(/["\\]/g, '\\$&')}"`);
    this.#lines.push(`${name}${text.length === 0 ? '' : `{${text.join(',')}}`} ${value}`);
  }

  histogram(name: string, labels: Labels, { bounds, counts, sum }: Histogram): void {
    let total = 0;
    for (const [i, count] of counts.entries()) {
      total += count;
      this.line(`${name}_bucket`, { ...labels, le: i < bounds.length ? `${bounds[i]}` : '+Inf' }, total);
    }
    this.line(`${name}_sum`, labels, sum);
    this.line(`${name}_count`, labels, total);
  }

  text(): string {
    return `${this.#lines.join('\n')}\n`;
  }
}
