import type { KindRegistry } from '#api/registry.ts';
import { qualifiedResource } from '#api/status.ts';
import type { Resource } from '#api/resource.ts';
import type { ApiRequest } from '#api/request.ts';
import { isTrue, verbOf, type RequestInfo } from '../request-info.ts';
import type { ObjectStorage } from '../storage/object-storage.ts';
import type { LabelSet, Metric, Sample } from '#base/exposition.ts';
import { RequestSeries } from './request-series.ts';

/** Watches of one kind; whoever serves them counts here. */
export interface WatchSeries {
  open: number;
  events: number;
}

const NOWHERE: RequestInfo = { kind: 'path', path: '' };

type Counted = Pick<ApiRequest, 'method' | 'query' | 'contentType'>;

/** What the server counts of its own work; a request costs one look into a map. */
export class ApiMetrics {
  readonly inflight: { mutating: number; readOnly: number } = { mutating: 0, readOnly: 0 };
  readonly #registry: KindRegistry;
  readonly #storage: ObjectStorage;
  readonly #requests = new Map<string, RequestSeries>();
  readonly #watches = new Map<string, WatchSeries & { readonly resource: Resource }>();

  constructor(registry: KindRegistry, storage: ObjectStorage) {
    this.#registry = registry;
    this.#storage = storage;
  }

  seriesOf(request: Counted, info: RequestInfo): RequestSeries {
    const verb =
      info.kind === 'path' ? request.method : (verbOf(request.method, info, request.query) ?? request.method);
    const key =
      info.kind === 'path'
        ? verb
        : `${verb} ${info.group}/${info.version}/${info.plural}/${info.subresource ?? ''} ${scopeOf(info)}`;
    return this.#requests.get(key) ?? this.#newSeries(key, verb, request, info);
  }

  watchesOf(resource: Resource): WatchSeries {
    const key = `${resource.version} ${qualifiedResource(resource)}`;
    const known = this.#watches.get(key);
    if (known !== undefined) return known;
    const series = { resource, open: 0, events: 0 };
    this.#watches.set(key, series);
    return series;
  }

  /** Paths that lead nowhere are one series all together: else whoever asks could fill the memory. */
  #newSeries(key: string, verb: string, request: Counted, info: RequestInfo): RequestSeries {
    const known = info.kind === 'path' || this.#isServed(info);
    const name = known ? key : `${request.method} nowhere`;
    const found = this.#requests.get(name);
    if (found !== undefined) return found;
    const labels = known ? labelsOf(info, verbLabel(verb, request)) : labelsOf(NOWHERE, request.method);
    const series = new RequestSeries(labels);
    this.#requests.set(name, series);
    return series;
  }

  #isServed({ group, version, plural, subresource }: Extract<RequestInfo, { kind: 'resource' }>): boolean {
    const kind = this.#registry.byPlural(group, version, plural);
    if (kind === undefined || subresource === undefined) return kind !== undefined;
    const { status, scale, others = [] } = kind.subresources;
    if (subresource === 'status' || subresource === 'scale')
      return (subresource === 'status' ? status : scale) !== undefined;
    return others.some((other) => other.name === subresource);
  }

  metrics(): readonly Metric[] {
    const series = [...this.#requests.values()];
    return [
      {
        name: 'apiserver_request_total',
        help: 'Requests that were answered, by what they asked for and the code of the answer.',
        type: 'counter',
        samples: series.flatMap((one) => one.totals()),
      },
      {
        name: 'apiserver_request_duration_seconds',
        help: 'Time from a request to its answer.',
        type: 'histogram',
        samples: series.flatMap((one) => one.durations()),
      },
      {
        name: 'apiserver_current_inflight_requests',
        help: 'Requests that wait for their answer, watches and streams not counted.',
        type: 'gauge',
        samples: Object.entries(this.inflight).map(([kind, value]) => ({ labels: { request_kind: kind }, value })),
      },
      {
        name: 'apiserver_longrunning_requests',
        help: 'Open watches.',
        type: 'gauge',
        samples: this.#watchSamples(({ open }) => open, { component: 'apiserver', verb: 'WATCH' }),
      },
      {
        name: 'apiserver_watch_events_total',
        help: 'Events sent to watches.',
        type: 'counter',
        samples: this.#watchSamples(({ events }) => events),
      },
      {
        name: 'apiserver_storage_objects',
        help: 'Stored objects of each kind.',
        type: 'gauge',
        samples: this.#objectSamples(),
      },
    ];
  }

  #watchSamples(value: (series: WatchSeries) => number, more: LabelSet = {}): readonly Sample[] {
    return [...this.#watches.values()].map((series) => {
      const { group, version, kind, plural } = series.resource;
      return { labels: { ...more, group, version, kind, resource: plural }, value: value(series) };
    });
  }

  #objectSamples(): readonly Sample[] {
    return this.#registry.kinds.map(({ resource }) => ({
      labels: { resource: qualifiedResource(resource) },
      value: this.#storage.cache(resource).size,
    }));
  }
}

function scopeOf({ name, namespace }: Extract<RequestInfo, { kind: 'resource' }>): string {
  return name !== undefined ? 'resource' : namespace !== undefined ? 'namespace' : 'cluster';
}

function verbLabel(verb: string, { method, query, contentType = '' }: Counted): string {
  if (method === 'PATCH' && contentType.startsWith('application/apply-patch')) return 'APPLY';
  if (isTrue(query['watch'])) return 'WATCH';
  switch (verb) {
    case 'create':
      return 'POST';
    case 'update':
      return 'PUT';
    default:
      return verb.toUpperCase();
  }
}

function labelsOf(info: RequestInfo, verb: string): LabelSet {
  if (info.kind === 'path') return { group: '', resource: '', scope: '', subresource: '', verb, version: '' };
  const { group, version, plural, subresource = '' } = info;
  return { group, resource: plural, scope: scopeOf(info), subresource, verb, version };
}
