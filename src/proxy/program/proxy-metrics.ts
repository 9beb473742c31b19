import type { Clock } from '#base/clock.ts';
import type { Metric, Sample } from '#base/exposition.ts';
import { exponentialEnds, Histogram } from '#base/histogram.ts';
import type { IpFamily } from '#base/ip.ts';
import type { ProxyMode } from '../config/proxy-config.ts';
import type { CountedTable, ProxyFigures, SyncKind, SyncObserver, Trigger } from '../sync-observer.ts';

/** Those of pkg/proxy/metrics/metrics.go, so that dashboards and alerts fit; the first one starts lower, where we are. */
const SYNC_ENDS = [0.0001, 0.00025, 0.0005, ...exponentialEnds(0.001, 2, 15)];
const PROGRAMMING_ENDS = [
  // Of no use, and there as well.
  0,
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
  readonly programming: Histogram;
  readonly flows: Histogram;
  readonly failures: Record<SyncKind, number>;
  lastSync: number;
  deletedFlows: number;
}

function newSeries(): FamilySeries {
  const histogram = (): Histogram => new Histogram(SYNC_ENDS);
  return {
    all: histogram(),
    full: histogram(),
    partial: histogram(),
    programming: new Histogram(PROGRAMMING_ENDS),
    flows: histogram(),
    failures: { full: 0, partial: 0 },
    lastSync: 0,
    deletedFlows: 0,
  };
}

/** What a proxy counts of its own work, under kube-proxy's names. */
export class ProxyMetrics implements SyncObserver {
  readonly #clock: Clock;
  readonly #mode: ProxyMode;
  readonly #families = new Map<IpFamily, FamilySeries>();
  readonly #changes = { service: 0, endpoint: 0 };
  readonly #pending = { service: 0, endpoint: 0 };
  readonly #triggers: Trigger[] = [];
  readonly #answers = { healthz: new Map<number, number>(), livez: new Map<number, number>() };
  #figures: ProxyFigures | undefined;
  #queued = 0;

  constructor(mode: ProxyMode, families: readonly IpFamily[], clock: Clock) {
    this.#mode = mode;
    this.#clock = clock;
    for (const family of families) this.#families.set(family, newSeries());
  }

  watch(figures: ProxyFigures): void {
    this.#figures = figures;
  }

  changed(what: 'service' | 'endpoint', trigger?: Trigger): void {
    this.#changes[what]++;
    this.#pending[what]++;
    this.#queued = this.#clock.now();
    if (trigger !== undefined) this.#triggers.push(trigger);
  }

  synced(family: IpFamily, kind: SyncKind, ms: number): void {
    const series = this.#families.get(family);
    if (series === undefined) return;
    series.all.record(ms / 1000);
    series[kind].record(ms / 1000);
    series.lastSync = this.#clock.now();
  }

  settled(): void {
    this.#pending.service = 0;
    this.#pending.endpoint = 0;
    if (this.#triggers.length === 0) return;
    const now = this.#clock.now();
    for (const { family, at } of this.#triggers) {
      this.#families.get(family)?.programming.record(Math.max(0, now - at) / 1000);
    }
    this.#triggers.length = 0;
  }

  failed(family: IpFamily, kind: SyncKind): void {
    const series = this.#families.get(family);
    if (series !== undefined) series.failures[kind]++;
  }

  flowsReconciled(family: IpFamily, ms: number, deleted: number): void {
    const series = this.#families.get(family);
    if (series === undefined) return;
    series.flows.record(ms / 1000);
    series.deletedFlows += deleted;
  }

  answered(path: 'healthz' | 'livez', code: number): void {
    const counts = this.#answers[path];
    counts.set(code, (counts.get(code) ?? 0) + 1);
  }

  /** When the rules of a family were last made right; 0 for never. */
  lastSync(family: IpFamily): number {
    return this.#families.get(family)?.lastSync ?? 0;
  }

  /** Those that RegisterMetrics of kube-proxy has for the mode, in its order. */
  metrics(): readonly Metric[] {
    const { service, endpoint } = this.#changes;
    return [
      this.#durations('sync_proxy_rules', 'How long it took to sync rules.', ({ all }) => all),
      this.#perFamily(
        'gauge',
        'sync_proxy_rules_last_queued_timestamp_seconds',
        'When a sync was last asked for.',
        () => this.#queued / 1000,
      ),
      this.#perFamily(
        'gauge',
        'sync_proxy_rules_last_timestamp_seconds',
        'When rules were last synced.',
        ({ lastSync }) => lastSync / 1000,
      ),
      one(
        'gauge',
        'sync_proxy_rules_endpoint_changes_pending',
        'Changes of endpoints that are not in the rules yet.',
        this.#pending.endpoint,
      ),
      one('counter', 'sync_proxy_rules_endpoint_changes_total', 'Changes of endpoints.', endpoint),
      one(
        'gauge',
        'sync_proxy_rules_service_changes_pending',
        'Changes of Services that are not in the rules yet.',
        this.#pending.service,
      ),
      one('counter', 'sync_proxy_rules_service_changes_total', 'Changes of Services.', service),
      metric('counter', 'proxy_healthz_total', 'Answers at /healthz.', codeSamples(this.#answers.healthz)),
      metric('counter', 'proxy_livez_total', 'Answers at /livez.', codeSamples(this.#answers.livez)),
      this.#durations(
        'network_programming',
        'From the change of a Pod or a Service that an EndpointSlice tells of to the rule.',
        ({ programming }) => programming,
      ),
      this.#noLocalEndpoints(),
      this.#durations('sync_full_proxy_rules', 'How long syncs took that compare all rules.', ({ full }) => full),
      this.#durations('sync_partial_proxy_rules', 'How long syncs took of what changed.', ({ partial }) => partial),
      ...(this.#mode === 'iptables' ? this.#ofIptables() : this.#ofNftables()),
      this.#durations(
        'conntrack_reconciler_sync',
        'How long it took to end UDP flows that rules contradict.',
        ({ flows }) => flows,
      ),
      this.#perFamily(
        'counter',
        'conntrack_reconciler_deleted_entries_total',
        'Entries deleted from the table of connections.',
        ({ deletedFlows }) => deletedFlows,
      ),
    ];
  }

  #ofIptables(): readonly Metric[] {
    const counts = (of: 'total' | 'last'): readonly Sample[] =>
      this.#samples((_, family) => {
        const rules = this.#figures?.rules(family).iptables;
        if (rules === undefined) return [];
        const tables: readonly CountedTable[] = ['filter', 'nat'];
        return tables.map((table) => ({ labels: { table }, value: rules[table][of] }));
      });
    return [
      this.#perFamily(
        'counter',
        'sync_proxy_rules_iptables_restore_failures_total',
        'Runs of iptables-restore that failed.',
        ({ failures }) => failures.full + failures.partial,
      ),
      this.#perFamily(
        'counter',
        'sync_proxy_rules_iptables_partial_restore_failures_total',
        'Of those, the ones of what changed.',
        ({ failures }) => failures.partial,
      ),
      ...this.#packets(),
      metric('gauge', 'sync_proxy_rules_iptables_total', 'Rules that are there.', counts('total')),
      metric('gauge', 'sync_proxy_rules_iptables_last', 'Rules that the last sync wrote.', counts('last')),
    ];
  }

  /** Of the whole network namespace: whichever family has them. */
  #packets(): readonly Metric[] {
    const [packets] = [...this.#families.keys()].flatMap((family) => this.#figures?.rules(family).packets ?? []);
    if (packets === undefined) return [];
    const counted = (name: string, help: string, value: number): Metric =>
      one('counter', `iptables_${name}_packets_total`, help, value);
    return [
      counted('ct_state_invalid_dropped', 'Packets dropped that belong to no connection.', packets.invalidDropped),
      counted('localhost_nodeports_accepted', 'New connections to NodePorts at 127.0.0.1.', packets.localhostAccepted),
    ];
  }

  #ofNftables(): readonly Metric[] {
    return [
      this.#perFamily(
        'counter',
        'sync_proxy_rules_nftables_sync_failures_total',
        'Syncs that the kernel refused.',
        ({ failures }) => failures.full + failures.partial,
      ),
      this.#perFamily(
        'counter',
        'sync_proxy_rules_nftables_cleanup_failures_total',
        'Times that chains which nothing leads to could not be deleted.',
        (_, family) => this.#figures?.rules(family).cleanupFailures ?? 0,
      ),
    ];
  }

  #noLocalEndpoints(): Metric {
    const figures = this.#figures;
    const samples = this.#samples((_, family) =>
      figures === undefined
        ? []
        : (['internal', 'external'] as const).map((traffic) => ({
            labels: { traffic_policy: traffic },
            value: figures.noLocalEndpoints(family, traffic),
          })),
    );
    const help = 'Ports of Services that a policy Local leaves without an endpoint here, though there are some.';
    return metric('gauge', 'sync_proxy_rules_no_local_endpoints_total', help, samples);
  }

  #durations(name: string, help: string, of: (series: FamilySeries) => Histogram): Metric {
    return metric(
      'histogram',
      `${name}_duration_seconds`,
      help,
      this.#samples((series) => of(series).samples()),
    );
  }

  #perFamily(
    type: Metric['type'],
    name: string,
    help: string,
    value: (series: FamilySeries, family: IpFamily) => number,
  ): Metric {
    return metric(
      type,
      name,
      help,
      this.#samples((series, family) => [{ labels: {}, value: value(series, family) }]),
    );
  }

  #samples(of: (series: FamilySeries, family: IpFamily) => readonly Sample[]): readonly Sample[] {
    return [...this.#families].flatMap(([family, series]) =>
      of(series, family).map((sample) => ({ ...sample, labels: { ip_family: `IPv${family}`, ...sample.labels } })),
    );
  }
}

function codeSamples(counts: ReadonlyMap<number, number>): readonly Sample[] {
  return [...counts].map(([code, value]) => ({ labels: { code: String(code) }, value }));
}

function one(type: Metric['type'], name: string, help: string, value: number): Metric {
  return metric(type, name, help, [{ labels: {}, value }]);
}

function metric(type: Metric['type'], name: string, help: string, samples: readonly Sample[]): Metric {
  return { name: `kubeproxy_${name}`, help, type, samples };
}
