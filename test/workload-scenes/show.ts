import type { CoreEvent } from '../../src/api/generated/types.ts';

/** As much of an object as is looked at. */
export interface Shown {
  readonly metadata: {
    readonly name: string;
    readonly uid?: string;
    readonly resourceVersion?: string;
    readonly generateName?: string;
    readonly deletionTimestamp?: string;
    readonly creationTimestamp?: string;
    readonly generation?: number;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly ownerReferences?: readonly Readonly<Record<string, unknown>>[];
    readonly finalizers?: readonly string[];
  };
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly status?: Readonly<Record<string, unknown>>;
  readonly revision?: number;
  readonly [member: string]: unknown;
}

const TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)/g;
const UID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const VERSION = /"resourceVersion":"\d+",?/g;
/** What a scene says about its Pods; and how long a kubelet is to cache, which ours does not. */
const HIDDEN_ANNOTATIONS = new Set(['play', 'linger', 'node.alpha.kubernetes.io/ttl']);
const NO_METRICS =
  'unable to fetch metrics from resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)';
const SHOWN_SPEC = ['replicas', 'taints', 'unschedulable', 'suspend', 'volumeName', 'claimRef', 'finalizers'];
const SHOWN_POD_SPEC = ['hostname', 'subdomain', 'affinity', 'tolerations'];

/** Objects as lines of text without what differs from run to run: times, uids, drawn names and hashes. */
export class Show {
  /** Hash of a template, and what stands for it: the revision that it had when it was first seen. */
  readonly #hashes = new Map<string, string>();
  /** The same for the whole name of a Pod. */
  readonly #names = new Map<string, string>();

  lines(found: ReadonlyMap<string, readonly Shown[]>, namespace: string): readonly string[] {
    for (const object of found.get('ReplicaSet') ?? []) {
      const { labels, annotations } = object.metadata;
      this.#noteHash(labels?.['pod-template-hash'], annotations?.['deployment.kubernetes.io/revision']);
    }
    for (const { metadata, revision } of found.get('ControllerRevision') ?? []) {
      this.#noteHash(metadata.labels?.['controller.kubernetes.io/hash'] ?? metadata.name.split('-').at(-1), revision);
    }
    for (const { metadata } of found.get('Pod') ?? []) {
      const isDrawn = metadata.ownerReferences?.some(({ kind }) => kind === 'StatefulSet') !== true;
      if (metadata.generateName !== undefined && isDrawn) this.#names.set(metadata.name, `${metadata.generateName}*`);
    }
    const all = [...found].flatMap(([kind, objects]) => objects.map((object) => this.#line(kind, object)));
    return all.map((line) => this.#plain(line, namespace)).sort();
  }

  #noteHash(hash: string | undefined, revision: string | number | undefined): void {
    if (hash !== undefined && !this.#hashes.has(hash)) this.#hashes.set(hash, `R${revision ?? '?'}`);
  }

  events(objects: readonly Shown[], namespace: string): readonly string[] {
    const texts = objects.flatMap((event) => {
      const { kind, name, namespace: of } = event['involvedObject'] as Readonly<Record<string, string>>;
      if (of !== namespace && name?.startsWith(namespace) !== true) return [];
      const { source, reportingComponent, type, reason, message } = event as unknown as CoreEvent;
      return [`${kind} ${name} ${source?.component ?? reportingComponent} ${type} ${reason}: ${message}`];
    });
    // Who meets a conflict tries again: whether one does is a matter of who is quick.
    const lasting = texts.filter((text) => !text.includes('the object has been modified'));
    return [...new Set(lasting.map((text) => this.#plain(text, namespace)))].sort();
  }

  #plain(text: string, namespace: string): string {
    let plain = text.replaceAll(TIME, 'T').replaceAll(UID, 'U').replaceAll(VERSION, '').replaceAll(namespace, 'SCENE');
    for (const [name, shown] of this.#names) plain = plain.replaceAll(name, shown);
    for (const [hash, shown] of this.#hashes) plain = plain.replaceAll(hash, shown);
    return (
      plain
        // Names of Pods that came and went between two looks, and of the Jobs of a CronJob.
        .replaceAll(/(-R\d|once(?:-\d)?|web|ds)-[bcdfghjklmnpqrstvwxz2456789]{5}\b/g, '$1-*')
        .replaceAll(/tick-\d{8}/g, 'tick-M')
        // The order in which scalers of one target are found is drawn, and there is nobody who measures.
        .replaceAll('[SCENE/i SCENE/h]', '[SCENE/h SCENE/i]')
        .replaceAll(NO_METRICS, 'no metrics returned from resource metrics API')
    );
  }

  #line(kind: string, { metadata, spec = {}, status = {}, revision }: Shown): string {
    const isPod = kind === 'Pod';
    const annotations = Object.entries(metadata.annotations ?? {}).filter(([key]) => !HIDDEN_ANNOTATIONS.has(key));
    const owners = (metadata.ownerReferences ?? []).map(({ uid: _uid, apiVersion: _version, ...others }) =>
      sorted(others),
    );
    const shown = {
      ...(metadata.deletionTimestamp === undefined ? {} : { deleting: true }),
      ...(isPod || metadata.generation === undefined ? {} : { generation: metadata.generation }),
      ...(isPod && metadata.generateName !== undefined ? { generateName: metadata.generateName } : {}),
      ...some('labels', sorted(metadata.labels ?? {})),
      ...some('annotations', sorted(Object.fromEntries(annotations))),
      ...some('owners', owners),
      ...some('finalizers', [...(metadata.finalizers ?? [])].sort()),
      ...(revision === undefined ? {} : { revision }),
      ...some('spec', isPod ? podSpec(spec) : shownSpec(spec)),
      ...some('status', statusOf(kind, status)),
    };
    return `${kind} ${metadata.name} ${JSON.stringify(kind === 'ReplicaSet' ? withoutGeneration(shown) : shown)}`;
  }
}

function some(key: string, value: object): object {
  return Object.keys(value).length === 0 ? {} : { [key]: value };
}

function picked(spec: Readonly<Record<string, unknown>>, members: readonly string[]): object {
  return sorted(Object.fromEntries(Object.entries(spec).filter(([key]) => members.includes(key))));
}

/** How many steps a rollout takes is a matter of who sees what when. */
function withoutGeneration({ generation, status, ...others }: { generation?: number; status?: object }): object {
  const { observedGeneration, ...counts } = (status ?? {}) as { readonly observedGeneration?: number };
  return { ...others, isObserved: observedGeneration === generation, status: counts };
}

/** Taints in the order of their names: which comes first is a matter of who sees what when. */
function shownSpec(spec: Readonly<Record<string, unknown>>): object {
  const shown = picked(spec, SHOWN_SPEC) as {
    readonly taints?: readonly { readonly key: string; readonly effect: string }[];
  };
  if (shown.taints === undefined) return shown;
  const nameOf = ({ key, effect }: { readonly key: string; readonly effect: string }): string => `${key}:${effect}`;
  return { ...shown, taints: [...shown.taints].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1)) };
}

/** Without what every Pod tolerates, and of a DaemonSet's only the names. */
function podSpec(spec: Readonly<Record<string, unknown>>): object {
  const { tolerations = [], ...others } = picked(spec, SHOWN_POD_SPEC) as { readonly tolerations?: readonly object[] };
  const list = tolerations as readonly {
    readonly key?: string;
    readonly effect?: string;
    tolerationSeconds?: number;
  }[];
  const own = list.filter(({ tolerationSeconds }) => tolerationSeconds !== 300);
  return {
    ...others,
    ...some(
      'tolerations',
      own.map(({ key, effect }) => `${key}:${effect}`),
    ),
  };
}

function statusOf(kind: string, status: Readonly<Record<string, unknown>>): object {
  if (kind === 'Pod') return podStatus(status);
  return kind === 'Node' ? picked(status, ['conditions']) : sorted(status);
}

function podStatus({ phase, conditions }: Readonly<Record<string, unknown>>): object {
  const told = ((conditions ?? []) as readonly Readonly<Record<string, unknown>>[]).filter(
    ({ type }) => type === 'DisruptionTarget',
  );
  return { phase, ...some('conditions', sorted(told)) };
}

/** Members in the order of their names; a list of conditions by type. Null and absent are the same. */
function sorted<T>(value: T): T {
  if (Array.isArray(value)) {
    const items = value.map((item: unknown) => sorted(item));
    const typeOf = (item: unknown): string => String((item as { readonly type?: unknown }).type);
    const byType = items.every((item) => typeof item === 'object' && item !== null && 'type' in item);
    return (byType ? items.sort((a, b) => (typeOf(a) < typeOf(b) ? -1 : 1)) : items) as T;
  }
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, member]) => member !== null && member !== undefined);
  return Object.fromEntries(
    entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, member]) => [key, sorted(member)]),
  ) as T;
}
