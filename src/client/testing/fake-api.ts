import { Channel } from '#base/channel.ts';
import { type Clock, ManualClock, rfc3339 } from '#base/clock.ts';
import type { KubeObject, ObjectMeta, Status } from '#api/object.ts';
import { applyJsonPatch } from '#api/patch/json-patch.ts';
import { applyMergePatch } from '#api/patch/merge-patch.ts';
import type { ApiHandler, ApiRequest, ApiResponse, WatchFrame } from '#api/request.ts';
import { matchesSelectors, parsePath, type Target } from './fake-path.ts';

type Stored = KubeObject & Readonly<Record<string, unknown>>;
type Draft = { metadata: Partial<ObjectMeta> } & Record<string, unknown>;

interface Watcher {
  readonly target: Target;
  readonly query: Readonly<Record<string, string>>;
  readonly channel: Channel<WatchFrame>;
}

interface Change {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly collection: string;
  readonly object: Stored;
  readonly old: Stored | undefined;
}

/**
 * An API server of maps and arrays, for the tests of clients: verbs, versions, conflicts, watches, finalizers and graceful
 * deletion as the real one has them; no defaults, no validation, no discovery.
 */
export class FakeApi {
  readonly clock: Clock;
  /** Every write that was asked for, as `POST /api/v1/...`. */
  readonly writes: string[] = [];
  /** Called before each request; throwing or answering here stands for a server in trouble. */
  intercept: ((request: ApiRequest) => ApiResponse | undefined) | undefined;
  readonly #objects = new Map<string, Stored>();
  readonly #watchers = new Set<Watcher>();
  #history: Change[] = [];
  #version = 1;
  #oldest = 0;
  #uids = 0;

  constructor(clock: Clock = new ManualClock()) {
    this.clock = clock;
  }

  readonly handle: ApiHandler = (request) => Promise.resolve(this.#answer(request));

  /** All objects of a plural, ordered by key. */
  all<T extends KubeObject>(plural: string): readonly T[] {
    return [...this.#objects]
      .filter(([key]) => key.split('|')[0]?.endsWith(`/${plural}`) === true)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, object]) => object as KubeObject as T);
  }

  /** Ends every watch, as a server that restarts. */
  disconnect(): void {
    for (const watcher of this.#watchers) watcher.channel.close();
    this.#watchers.clear();
  }

  /** Forgets history: a watch from an older version gets 410. */
  compact(): void {
    this.#history = [];
    this.#oldest = this.#version;
  }

  get watches(): number {
    return this.#watchers.size;
  }

  #answer(request: ApiRequest): ApiResponse {
    const stopped = this.intercept?.(request);
    if (stopped !== undefined) return stopped;
    const target = parsePath(request.path);
    if (target === undefined) return failure(404, 'NotFound', 'the server could not find the requested resource');
    if (request.method !== 'GET') this.writes.push(`${request.method} ${request.path}`);
    switch (request.method) {
      case 'GET':
        return target.name === undefined ? this.#collection(request, target) : this.#get(target);
      case 'POST':
        return target.subresource === 'binding' ? this.#bind(request, target) : this.#create(request, target);
      case 'PUT':
        return this.#change(target, () => request.body as Draft);
      case 'PATCH':
        return this.#change(target, (old) => patched(old, request));
      case 'DELETE':
        return target.name === undefined ? this.#deleteAll(request, target) : this.#delete(request, target);
    }
  }

  #get(target: Target): ApiResponse {
    const found = this.#objects.get(keyOf(target));
    return found === undefined ? notFound(target) : answer(200, found);
  }

  #select(target: Target, query: Readonly<Record<string, string>>): Stored[] {
    const prefix = `${target.collection}|${target.namespace === undefined ? '' : `${target.namespace}/`}`;
    return [...this.#objects]
      .filter(([key, object]) => key.startsWith(prefix) && matchesSelectors(object, query))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, object]) => object);
  }

  #collection(request: ApiRequest, target: Target): ApiResponse {
    if (request.query['watch'] === 'true') return this.#watch(request, target);
    const items = this.#select(target, request.query);
    return answer(200, {
      apiVersion: target.apiVersion,
      kind: 'List',
      metadata: { resourceVersion: String(this.#version) },
      items,
    });
  }

  #watch(request: ApiRequest, target: Target): ApiResponse {
    const channel = new Channel<WatchFrame>();
    const watcher: Watcher = { target, query: request.query, channel };
    const from = request.query['resourceVersion'];
    if (from === undefined || from === '0') {
      for (const object of this.#select(target, request.query)) channel.push(frame('ADDED', object));
    } else if (Number(from) < this.#oldest) {
      return failure(410, 'Expired', `too old resource version: ${from} (${this.#version})`);
    } else {
      for (const change of this.#history) {
        if (Number(change.object.metadata.resourceVersion) > Number(from)) deliver(watcher, change);
      }
    }
    this.#watchers.add(watcher);
    request.signal?.addEventListener('abort', () => channel.close(), { once: true });
    channel.onReturn = () => this.#watchers.delete(watcher);
    return { kind: 'watch', status: 200, frames: channel };
  }

  #create(request: ApiRequest, target: Target): ApiResponse {
    const draft = request.body as Draft;
    const name =
      draft.metadata.name ?? `${draft.metadata.generateName ?? ''}${(++this.#uids).toString(36).padStart(5, '0')}`;
    const at = { ...target, name };
    if (this.#objects.has(keyOf(at))) {
      return failure(409, 'AlreadyExists', `${target.plural} "${name}" already exists`);
    }
    const metadata = {
      ...draft.metadata,
      name,
      ...(target.namespace === undefined ? {} : { namespace: target.namespace }),
      uid: `uid-${++this.#uids}`,
      creationTimestamp: rfc3339(this.clock.now()),
      generation: 1,
    };
    return answer(201, this.#commit('ADDED', at, { ...draft, metadata }));
  }

  #change(target: Target, next: (old: Stored) => Draft): ApiResponse {
    const old = this.#objects.get(keyOf(target));
    if (old === undefined) return notFound(target);
    const draft = next(old);
    const asked = draft.metadata.resourceVersion;
    if (asked !== undefined && asked !== '' && asked !== old.metadata.resourceVersion) {
      const why = 'the object has been modified; please apply your changes to the latest version and try again';
      return failure(
        409,
        'Conflict',
        `Operation cannot be fulfilled on ${target.plural} "${old.metadata.name}": ${why}`,
      );
    }
    const merged = mergeUpdate(target, old, draft);
    if (JSON.stringify(sorted(merged)) === JSON.stringify(sorted(old))) return answer(200, old);
    if (merged.metadata.deletionTimestamp !== undefined && isFree(merged)) {
      return answer(200, this.#commit('DELETED', target, merged));
    }
    return answer(200, this.#commit('MODIFIED', target, merged));
  }

  #bind(request: ApiRequest, target: Target): ApiResponse {
    const node = (request.body as { target: { name: string } }).target.name;
    const bound = this.#change({ ...target, subresource: undefined }, (old) => ({
      ...old,
      spec: { ...(old['spec'] as object), nodeName: node },
    }));
    return bound.status === 200 ? answer(201, success()) : bound;
  }

  #deleteAll(request: ApiRequest, target: Target): ApiResponse {
    for (const { metadata } of this.#select(target, request.query)) {
      this.#delete(request, { ...target, namespace: metadata.namespace, name: metadata.name });
    }
    return answer(200, success());
  }

  #delete(request: ApiRequest, target: Target): ApiResponse {
    const old = this.#objects.get(keyOf(target));
    if (old === undefined) return notFound(target);
    const options = (request.body ?? {}) as {
      gracePeriodSeconds?: number;
      propagationPolicy?: string;
      preconditions?: { uid?: string };
    };
    if (options.preconditions?.uid !== undefined && options.preconditions.uid !== old.metadata.uid) {
      return failure(409, 'Conflict', `the UID in the precondition does not match the UID in record`);
    }
    const marked = markDeleted(target, old, options, rfc3339(this.clock.now()));
    if (marked === old) return answer(200, old);
    if (marked !== undefined) return answer(200, this.#commit('MODIFIED', target, marked));
    return answer(200, this.#commit('DELETED', target, old));
  }

  #commit(type: Change['type'], target: Target, draft: object): Stored {
    const key = keyOf(target);
    const old = this.#objects.get(key);
    const { metadata } = draft as Stored;
    const object = Object.freeze({
      ...draft,
      metadata: { ...metadata, resourceVersion: String(++this.#version) },
    }) as Stored;
    if (type === 'DELETED') this.#objects.delete(key);
    else this.#objects.set(key, object);
    const change: Change = { type, collection: target.collection, object, old };
    this.#history.push(change);
    for (const watcher of this.#watchers) deliver(watcher, change);
    return object;
  }
}

function keyOf(target: Target): string {
  return `${target.collection}|${target.namespace === undefined ? '' : `${target.namespace}/`}${target.name ?? ''}`;
}

function frame(type: Change['type'], object: Stored): WatchFrame {
  const event = { type, object };
  return { event, text: JSON.stringify(event) };
}

/** An object that enters or leaves a selection is an ADDED or DELETED to its watcher. */
function deliver({ target, query, channel }: Watcher, { type, collection, object, old }: Change): void {
  if (collection !== target.collection) return;
  if (target.namespace !== undefined && object.metadata.namespace !== target.namespace) return;
  const now = type !== 'DELETED' && matchesSelectors(object, query);
  const before = old !== undefined && matchesSelectors(old, query);
  if (now) channel.push(frame(before ? 'MODIFIED' : 'ADDED', object));
  else if (before) channel.push(frame('DELETED', object));
}

/** `status` is a document of its own; `metadata` belongs to both; a new spec raises the generation. */
function mergeUpdate(target: Target, old: Stored, draft: Draft): Stored {
  const { generation = 1, uid, name, namespace, creationTimestamp, deletionTimestamp, resourceVersion } = old.metadata;
  const fixed = { uid, name, namespace, creationTimestamp, deletionTimestamp, resourceVersion };
  if (target.subresource === 'status') {
    return { ...old, metadata: { ...draft.metadata, ...fixed, generation }, status: draft['status'] };
  }
  const next = { ...draft, ...('status' in old ? { status: old['status'] } : {}) };
  const changed = JSON.stringify(sorted(draft['spec'])) !== JSON.stringify(sorted(old['spec']));
  const metadata = { ...draft.metadata, ...fixed, generation: changed ? generation + 1 : generation };
  return { ...next, metadata } as unknown as Stored;
}

function isFree(object: Stored): boolean {
  const spec = object['spec'] as { finalizers?: readonly string[] } | undefined;
  const held = object.kind === 'Namespace' ? (spec?.finalizers?.length ?? 0) : 0;
  return (
    (object.metadata.finalizers?.length ?? 0) + held === 0 && object.metadata.deletionGracePeriodSeconds === undefined
  );
}

/** The object with its deletion noted, or undefined when it may go at once. */
function markDeleted(
  target: Target,
  old: Stored,
  options: { gracePeriodSeconds?: number; propagationPolicy?: string },
  now: string,
): Stored | undefined {
  const spec = old['spec'] as { nodeName?: string } | undefined;
  // A Pod on a node is first marked; the node's agent then deletes it for good with a grace period of 0.
  const graceful = target.plural === 'pods' && spec?.nodeName !== undefined && options.gracePeriodSeconds !== 0;
  const added = { Foreground: 'foregroundDeletion', Orphan: 'orphan' }[options.propagationPolicy ?? ''];
  const finalizers = [...(old.metadata.finalizers ?? []), ...(added === undefined ? [] : [added])];
  const kept = { ...old, metadata: { ...old.metadata, ...(finalizers.length > 0 ? { finalizers } : {}) } };
  if (!graceful && isFree({ ...kept, metadata: { ...kept.metadata, deletionGracePeriodSeconds: undefined } })) {
    return undefined;
  }
  if (old.metadata.deletionTimestamp !== undefined) return old;
  const grace = graceful ? { deletionGracePeriodSeconds: options.gracePeriodSeconds ?? 30 } : {};
  const status = target.plural === 'namespaces' ? { status: { phase: 'Terminating' } } : {};
  return { ...kept, ...status, metadata: { ...kept.metadata, ...grace, deletionTimestamp: now } };
}

function patched(old: Stored, request: ApiRequest): Draft {
  const { contentType, body } = request;
  if (contentType === 'application/json-patch+json') return applyJsonPatch(old, body) as Draft;
  return applyMergePatch(old, body) as Draft;
}

/** Keys in one order and without undefined, so that texts compare. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, entry]) => entry !== undefined);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, entry]) => [key, sorted(entry)]));
}

function answer(status: number, body: unknown): ApiResponse {
  return { kind: 'object', status, body };
}

function success(): Status {
  return { apiVersion: 'v1', kind: 'Status', metadata: {}, status: 'Success', code: 200 };
}

function notFound(target: Target): ApiResponse {
  return failure(404, 'NotFound', `${target.plural} "${target.name ?? ''}" not found`);
}

export function failure(code: number, reason: string, message: string): ApiResponse {
  const status: Status = { apiVersion: 'v1', kind: 'Status', metadata: {}, status: 'Failure', message, reason, code };
  return answer(code, status);
}
