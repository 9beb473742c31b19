import { type Clock } from '#base/clock.ts';
import { type Metric, type Sample } from '#base/exposition.ts';
import { exponentialEnds, Histogram } from '#base/histogram.ts';
import { type IpFamily } from '#base/ip.ts';
import { type SyncKind, type SyncObserver } from '../sync-observer.ts';

/** Those of pkg/proxy/metrics/metrics.go, so that dashboards and alerts fit; the first one starts lower, where we are. */
const SYNC_ENDS = [0.0001, 0.00025, 0.0005, ...exponentialEnds(0.001, 2, 15)];
const PROGRAMMING_ENDS = [
  0.001,
  0.0025,
  0.005,
  0.01,
  0.025,
  0.05,
  0.1,
  0.25,
  0.5,
  0.75,
  1,
  ...Array.from({ length: 59 }, (_, i) => i + 2),
  ...Array.from({ length: 12 }, (_, i) => 65 + 5 * i),
  ...Array.from({ length: 6 }, (_, i) => 150 + 30 * i),
];

interface FamilySeries {
  readonly all: Histogram;
  readonly full: Histogram;
  readonly partial: Histogram;
  lastSync: number;
  failures: number;
}

function newSeries(): FamilySeries {
  const histogram = (): Histogram => new Histogram(SYNC_ENDS);
  return { all: histogram(), full: histogram(), partial: histogram(), lastSync: 0, failures: 0 };
}

/** What a proxy counts of its own work, under kube-proxy's names. */
export class ProxyMetrics implements SyncObserver {
  readonly #clock: Clock;
  readonly #mode: string;
  readonly #families = new Map<IpFamily, FamilySeries>();
  readonly #programming = new Histogram(PROGRAMMING_ENDS);
  readonly #changes = { service: 0, endpoint: 0 };
  readonly #pending = { service: 0, endpoint: 0 };
  readonly #triggered: number[] = [];
  readonly #healthz = new Map<string, number>();
  readonly #livez = new Map<string, number>();
  #queued = 0;
  #deletedFlows = 0;

  constructor(mode: string, families: readonly IpFamily[], clock: Clock) {
    this.#mode = mode;
    this.#clock = clock;
    for (const family of families) this.#families.set(family, newSeries());
  }

  changed(what: 'service' | 'endpoint', triggeredAt?: number): void {
    this.#changes[what]++;
    this.#pending[what]++;
    this.#queued = this.#clock.now();
    if (triggeredAt !== undefined) this.#triggered.push(triggeredAt);
  }

  synced(family: IpFamily, kind: SyncKind, ms: number): void {
    const series = this.#families.get(family);
    if (series === undefined) return;
    series.all.record(ms / 1000);
    series[kind].record(ms / 1000);
    series.lastSync = this.#clock.now();
  }

  /** All that was noted is in the kernel. */
  settled(): void {
    this.#pending.service = 0;
    this.#pending.endpoint = 0;
    if (this.#triggered.length === 0) return;
    const now = this.#clock.now();
    for (const at of this.#triggered) this.#programming.record(Math.max(0, now - at) / 1000);
    this.#triggered.length = 0;
  }

  failed(): void {
    for (const series of this.#families.values()) series.failures++;
  }

  flowsDeleted(count: number): void {
    this.#deletedFlows += count;
  }

  answered(path: 'healthz' | 'livez', code: number): void {
    const counts = path === 'healthz' ? this.#healthz : this.#livez;
    counts.set(String(code), (counts.get(String(code)) ?? 0) + 1);
  }

  /** When the rules of a family were last made right; 0 for never. */
  lastSync(family: IpFamily): number {
    return this.#families.get(family)?.lastSync ?? 0;
  }

  metrics(): readonly Metric[] {
    const perFamily = (value: (series: FamilySeries) => number): Sample[] =>
      [...this.#families].map(([family, series]) => ({ labels: familyLabel(family), value: value(series) }));
    return [
      ...this.#durations(),
      gauge('sync_proxy_rules_last_timestamp_seconds', 'When rules were last synced.', [
        ...perFamily(({ lastSync }) => lastSync / 1000),
      ]),
      gauge('sync_proxy_rules_last_queued_timestamp_seconds', 'When a sync was last asked for.', [
        ...perFamily(() => this.#queued / 1000),
      ]),
      gauge('sync_proxy_rules_endpoint_changes_pending', 'Changes of endpoints that are not in the rules yet.', [
        { labels: {}, value: this.#pending.endpoint },
      ]),
      gauge('sync_proxy_rules_service_changes_pending', 'Changes of Services that are not in the rules yet.', [
        { labels: {}, value: this.#pending.service },
      ]),
      counter('sync_proxy_rules_endpoint_changes_total', 'Changes of endpoints.', [
        { labels: {}, value: this.#changes.endpoint },
      ]),
      counter('sync_proxy_rules_service_changes_total', 'Changes of Services.', [
        { labels: {}, value: this.#changes.service },
      ]),
      this.#failures(perFamily(({ failures }) => failures)),
      counter('conntrack_reconciler_deleted_entries_total', 'Entries deleted from the table of connections.', [
        { labels: {}, value: this.#deletedFlows },
      ]),
      counter('proxy_healthz_total', 'Answers at /healthz.', codeSamples(this.#healthz)),
      counter('proxy_livez_total', 'Answers at /livez.', codeSamples(this.#livez)),
    ];
  }

  #durations(): readonly Metric[] {
    const histogram = (name: string, help: string, samples: readonly Sample[]): Metric => ({
      name: `kubeproxy_${name}`,
      help,
      type: 'histogram',
      samples,
    });
    const of = (kind: 'all' | SyncKind): Sample[] =>
      [...this.#families].flatMap(([family, series]) => series[kind].samples(familyLabel(family)));
    return [
      histogram('sync_proxy_rules_duration_seconds', 'How long it took to sync rules.', of('all')),
      histogram('sync_full_proxy_rules_duration_seconds', 'The same, of syncs that compare all of them.', of('full')),
      histogram('sync_partial_proxy_rules_duration_seconds', 'The same, of syncs of what changed.', of('partial')),
      histogram(
        'network_programming_duration_seconds',
        'From the change of a Pod or a Service that an EndpointSlice tells of to the rule.',
        this.#programming.samples(),
      ),
    ];
  }

  #failures(samples: readonly Sample[]): Metric {
    const name = this.#mode === 'iptables' ? 'iptables_restore_failures_total' : 'nftables_sync_failures_total';
    return counter(`sync_proxy_rules_${name}`, 'Syncs that the kernel refused.', samples);
  }
}

function familyLabel(family: IpFamily): { readonly ip_family: string } {
  return { ip_family: `IPv${family}` };
}

function codeSamples(counts: ReadonlyMap<string, number>): readonly Sample[] {
  return [...counts].map(([code, value]) => ({ labels: { code }, value }));
}

function gauge(name: string, help: string, samples: readonly Sample[]): Metric {
  return { name: `kubeproxy_${name}`, help, type: 'gauge', samples };
}

function counter(name: string, help: string, samples: readonly Sample[]): Metric {
  return { name: `kubeproxy_${name}`, help, type: 'counter', samples };
}
