import { type Forwarder } from './forward-socket.ts';
import { type DnsMetrics, FAMILIES, type Histogram, PLUGINS, PROTOCOLS, TYPE_LABELS } from './metrics.ts';
import { RCODES } from './record-type.ts';

export interface MetricsSources {
  readonly metrics: DnsMetrics;
  readonly forwarder?: Forwarder | undefined;
  readonly version: string;
  /** As CoreDNS writes it. @default dns://:53 */
  readonly server?: string | undefined;
}

type Labels = Readonly<Record<string, string>>;

const rcodeNames = new Map<number, string>(Object.entries(RCODES).map(([name, code]) => [code, name]));

/** The Prometheus text of `/metrics`, under the names that dashboards for CoreDNS know. */
export function metricsText({ metrics, forwarder, version, server = 'dns://:53' }: MetricsSources): string {
  const at = { server, zone: '.', view: '' };
  const page = new Page();
  page.family('coredns_build_info', 'gauge', 'The program that answers.');
  page.line('coredns_build_info', { version, program: 'clusterip' }, 1);
  page.family('coredns_panics_total', 'counter', 'Queries that ended in an error of the program.');
  page.line('coredns_panics_total', {}, metrics.panics);
  writeRequests(page, metrics, at);
  const { requestSizes, responseSizes, durations } = metrics;
  page.family('coredns_dns_request_duration_seconds', 'histogram', 'Time to the answer; from samples.');
  page.histogram('coredns_dns_request_duration_seconds', at, durations);
  for (const [name, sizes] of [
    ['coredns_dns_request_size_bytes', requestSizes],
    ['coredns_dns_response_size_bytes', responseSizes],
  ] as const) {
    page.family(name, 'histogram', 'Size of messages.');
    for (const [i, histogram] of sizes.entries()) page.histogram(name, { ...at, proto: PROTOCOLS[i] ?? '' }, histogram);
  }
  if (forwarder !== undefined) writeForwarder(page, forwarder, at);
  return page.text();
}

function writeRequests(page: Page, { requests, responses }: DnsMetrics, at: Labels): void {
  page.family('coredns_dns_requests_total', 'counter', 'Queries.');
  for (const [i, count] of requests.entries()) {
    if (count === 0) continue;
    const type = TYPE_LABELS[i % TYPE_LABELS.length] ?? '';
    const rest = Math.floor(i / TYPE_LABELS.length);
    const labels = { ...at, proto: PROTOCOLS[rest >> 1] ?? '', family: FAMILIES[rest & 1] ?? '', type };
    page.line('coredns_dns_requests_total', labels, count);
  }
  page.family('coredns_dns_responses_total', 'counter', 'Answers.');
  for (const [i, count] of responses.entries()) {
    if (count === 0) continue;
    const labels = { ...at, rcode: rcodeNames.get(i % 16) ?? `RCODE${i % 16}`, plugin: PLUGINS[i >> 4] ?? '' };
    page.line('coredns_dns_responses_total', labels, count);
  }
}

function writeForwarder(page: Page, forwarder: Forwarder, { server, view }: Labels): void {
  const { hits, denialHits, misses, prefetches, stale, rejected } = forwarder.counts;
  const labels = { server: server ?? '', zones: '.', view: view ?? '' };
  const counter = (name: string, help: string, own: Labels, value: number): void => {
    page.family(name, 'counter', help);
    page.line(name, own, value);
  };
  page.family('coredns_cache_entries', 'gauge', 'Answers of others that are kept.');
  page.line('coredns_cache_entries', { ...labels, type: 'success' }, forwarder.cacheSize);
  page.family('coredns_cache_hits_total', 'counter', 'Queries answered from them.');
  page.line('coredns_cache_hits_total', { ...labels, type: 'success' }, hits);
  page.line('coredns_cache_hits_total', { ...labels, type: 'denial' }, denialHits);
  counter('coredns_cache_requests_total', 'Queries for names of others.', labels, hits + denialHits + misses);
  counter('coredns_cache_misses_total', 'Those that others were asked.', labels, misses);
  counter('coredns_cache_prefetch_total', 'Answers asked for anew before their time.', labels, prefetches);
  counter('coredns_cache_served_stale_total', 'Answers given after their time.', labels, stale);
  counter('coredns_forward_max_concurrent_rejects_total', 'Queries over the limit.', {}, rejected);
  const upstreams = forwarder.upstreams();
  const broken = upstreams.length > 0 && upstreams.every(({ healthy, looping }) => !healthy || looping);
  page.family('coredns_forward_healthcheck_broken', 'gauge', 'Whether no server answers.');
  page.line('coredns_forward_healthcheck_broken', {}, broken ? 1 : 0);
  page.family('coredns_proxy_healthcheck_failures_total', 'counter', 'Failures of a server.');
  for (const { to, failed } of upstreams) {
    page.line('coredns_proxy_healthcheck_failures_total', { proxy_name: 'forward', to }, failed);
  }
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
