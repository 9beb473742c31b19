import { readdirSync, readFileSync } from 'node:fs';
import process from 'node:process';
import type { ApiMetrics } from './api-metrics.ts';
import type { Forwarder, ForwarderCounts } from './forward-socket.ts';
import type { HealthMetrics } from './health-check.ts';
import type { HostsFile } from './hosts-file.ts';
import { Histogram } from './histogram.ts';
import { type DnsMetrics, FAMILIES, PLUGINS, PROTOCOLS, TYPE_LABELS } from './metrics.ts';
import { RCODES } from './record-type.ts';

export interface MetricsSources {
  readonly servers: readonly ServerMetrics[];
  readonly forwarders: readonly ForwarderMetrics[];
  readonly version: string;
  /** Seconds from a change of a headless Service's endpoints to the answer with it. */
  readonly programming?: Histogram | undefined;
  /** Configurations that could not be followed. */
  readonly failedReloads?: number | undefined;
  readonly health?: HealthMetrics | undefined;
  readonly hosts?: readonly HostsFile[] | undefined;
  readonly api?: ApiMetrics | undefined;
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
  page.line('coredns_build_info', { version, revision: '', goversion: '' }, 1);
  page.family('coredns_panics_total', 'counter', 'Queries that ended in an error of the program.');
  page.line(
    'coredns_panics_total',
    {},
    servers.reduce((sum, { metrics }) => sum + metrics.panics, 0),
  );
  page.family('coredns_reload_failed_total', 'counter', 'Configurations that could not be followed.');
  page.line('coredns_reload_failed_total', {}, failedReloads);
  if (sources.health !== undefined) writeHealth(page, sources.health);
  writeHosts(page, sources.hosts ?? []);
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
  if (sources.api !== undefined) writeApi(page, sources.api);
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
  page.family('coredns_dns_do_requests_total', 'counter', 'Queries with the DO bit.');
  for (const server of servers) page.line('coredns_dns_do_requests_total', labelsOf(server), server.metrics.dnssecOk);
  const walking = servers.filter(({ plugins }) => plugins?.includes('autopath'));
  if (walking.length > 0) page.family('coredns_autopath_success_total', 'counter', 'Search paths walked to an answer.');
  for (const { server, metrics } of walking) page.line('coredns_autopath_success_total', { server }, metrics.walks);
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
  ['coredns_cache_drops_total', 'Answers to another question than was asked.', ({ mismatched }) => mismatched],
  ['coredns_cache_served_stale_total', 'Answers given after their time.', ({ stale }) => stale],
];

function writeForwarders(page: Page, forwarders: readonly ForwarderMetrics[]): void {
  const labelled = forwarders.map(({ server, zones, forwarder }) => ({
    labels: { server, zones, view: '' },
    forwarder,
  }));
  page.family('coredns_cache_entries', 'gauge', 'Answers of others that are kept.');
  for (const { labels, forwarder } of labelled) {
    const { entries } = forwarder.cache;
    page.line('coredns_cache_entries', { ...labels, type: 'success' }, entries.success);
    page.line('coredns_cache_entries', { ...labels, type: 'denial' }, entries.denial);
  }
  page.family('coredns_cache_evictions_total', 'counter', 'Those that there was no room for.');
  for (const { labels, forwarder } of labelled) {
    const { evicted } = forwarder.cache;
    page.line('coredns_cache_evictions_total', { ...labels, type: 'success' }, evicted.success);
    page.line('coredns_cache_evictions_total', { ...labels, type: 'denial' }, evicted.denial);
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
  page.family('coredns_forward_healthcheck_broken_total', 'counter', 'Queries at whose time no server was healthy.');
  const broken = forwarders.reduce((sum, { forwarder }) => sum + forwarder.counts.broken, 0);
  page.line('coredns_forward_healthcheck_broken_total', {}, broken);
  // Two forwarders may ask the same server.
  const byServer = Map.groupBy(
    forwarders.flatMap(({ forwarder }) => forwarder.upstreams()),
    ({ to }) => to,
  );
  const servers = [...byServer].map(([to, states]) => ({
    labels: { proxy_name: 'forward', to },
    metrics: states.map(({ metrics }) => metrics),
  }));
  page.family('coredns_proxy_healthcheck_failures_total', 'counter', 'Probes that failed.');
  for (const { labels, metrics } of servers) {
    const failed = metrics.reduce((sum, { failedProbes }) => sum + failedProbes, 0);
    page.line('coredns_proxy_healthcheck_failures_total', labels, failed);
  }
  page.family('coredns_proxy_request_duration_seconds', 'histogram', 'Time to the answer of a server.');
  for (const { labels, metrics } of servers) {
    const byCode = Map.groupBy(
      metrics.flatMap(({ durations }) => [...durations]),
      ([rcode]) => rcode,
    );
    for (const [code, all] of byCode) {
      const rcode = rcodeNames.get(code) ?? `RCODE${code}`;
      page.histogram('coredns_proxy_request_duration_seconds', { ...labels, rcode }, sumOf(all.map(([, own]) => own)));
    }
  }
  for (const [kind, help] of [
    ['reused', 'Questions over a socket that was open.'],
    ['opened', 'Questions that a socket was opened for.'],
  ] as const) {
    const name = `coredns_proxy_conn_cache_${kind === 'reused' ? 'hits' : 'misses'}_total`;
    page.family(name, 'counter', help);
    for (const { labels, metrics } of servers) {
      for (const proto of PROTOCOLS) {
        const count = metrics.reduce((sum, own) => sum + own[kind][proto], 0);
        if (count > 0) page.line(name, { ...labels, proto }, count);
      }
    }
  }
}

function sumOf(histograms: readonly Histogram[]): Histogram {
  const sum = new Histogram(histograms[0]?.bounds ?? []);
  for (const { counts, sum: seconds } of histograms) {
    for (const [i, count] of counts.entries()) sum.counts[i] = (sum.counts[i] ?? 0) + count;
    sum.sum += seconds;
  }
  return sum;
}

function writeHealth(page: Page, { durations, failures }: HealthMetrics): void {
  page.family(
    'coredns_health_request_duration_seconds',
    'histogram',
    'Time of our own look at /health, once a second.',
  );
  page.histogram('coredns_health_request_duration_seconds', {}, durations);
  page.family('coredns_health_request_failures_total', 'counter', 'Looks at /health that failed.');
  page.line('coredns_health_request_failures_total', {}, failures);
}

function writeHosts(page: Page, files: readonly HostsFile[]): void {
  if (files.length === 0) return;
  page.family('coredns_hosts_entries', 'gauge', 'Names of addresses and addresses of names.');
  for (const { file, hosts } of files) {
    const entries = [...hosts.addresses.values(), ...hosts.names.values()].reduce((sum, own) => sum + own.length, 0);
    page.line('coredns_hosts_entries', { hostsfile: file }, entries);
  }
  page.family('coredns_hosts_reload_timestamp_seconds', 'gauge', 'When the file as it is was written.');
  const latest = Math.max(...files.map(({ writtenAt }) => writtenAt));
  page.line('coredns_hosts_reload_timestamp_seconds', {}, latest / 1000);
}

function writeApi(page: Page, { durations, requests }: ApiMetrics): void {
  const CLIENT = 'coredns_kubernetes_rest_client';
  page.family(`${CLIENT}_request_duration_seconds`, 'histogram', 'Time to the answer of an API server.');
  for (const [key, own] of durations) {
    const [verb = '', host = ''] = key.split(' ');
    page.histogram(`${CLIENT}_request_duration_seconds`, { verb, host }, own);
  }
  page.family(`${CLIENT}_requests_total`, 'counter', 'Requests to API servers.');
  for (const [key, count] of requests) {
    const [code = '', method = '', host = ''] = key.split(' ');
    page.line(`${CLIENT}_requests_total`, { code, method, host }, count);
  }
}

/** As the client libraries of Prometheus write them. */
function writeProcess(page: Page): void {
  const { user, system } = process.cpuUsage();
  page.family('process_cpu_seconds_total', 'counter', 'Processor time.');
  page.line('process_cpu_seconds_total', {}, (user + system) / 1e6);
  page.family('process_resident_memory_bytes', 'gauge', 'Resident memory.');
  page.line('process_resident_memory_bytes', {}, process.memoryUsage.rss());
  page.family('process_start_time_seconds', 'gauge', 'When it started.');
  page.line('process_start_time_seconds', {}, performance.timeOrigin / 1000);
  const { openFiles, maxFiles, virtualBytes } = processFigures();
  page.family('process_open_fds', 'gauge', 'Open file descriptors.');
  page.line('process_open_fds', {}, openFiles);
  page.family('process_max_fds', 'gauge', 'As many as may be open.');
  page.line('process_max_fds', {}, maxFiles);
  page.family('process_virtual_memory_bytes', 'gauge', 'Mapped memory.');
  page.line('process_virtual_memory_bytes', {}, virtualBytes);
}

/** See proc(5). */
function processFigures(): { readonly openFiles: number; readonly maxFiles: number; readonly virtualBytes: number } {
  const limits = readFileSync('/proc/self/limits', 'latin1');
  const status = readFileSync('/proc/self/status', 'latin1');
  return {
    openFiles: readdirSync('/proc/self/fd').length,
    maxFiles: Number(/^Max open files +(\d+)/m.exec(limits)?.[1]),
    virtualBytes: 1024 * Number(/^VmSize:\s+(\d+)/m.exec(status)?.[1]),
  };
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
