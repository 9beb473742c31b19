import { rfc3339 } from '#base/clock.ts';
import { errorMessage } from '#base/errors.ts';
import { customKind, isTerminating } from '#api/custom/custom-kind.ts';
import { establishedStatus, namesTaken, terminatingStatus } from '#api/custom/crd-status.ts';
import { deepEqual } from '#api/equal.ts';
import type { CustomResourceDefinition } from '#api/generated/types.ts';
import type { KindDefinition } from '#api/kind.ts';
import { CLEANUP_FINALIZER } from '#api/kinds/custom-resource-definition.ts';
import type { KubeObject } from '#api/object.ts';
import { customResourceDefinitions } from '#api/resource.ts';
import type { ServerContext } from './context.ts';
import type { Deletion } from './delete-options.ts';
import { StatusError } from './status-error.ts';
import type { Change } from './storage/kind-cache.ts';
import type { StoredObject } from './storage/stored-object.ts';
import { deleteObject } from './verbs/delete.ts';
import { modify, type Target } from './verbs/update.ts';

/** As whom the server itself writes. */
const WRITER = { manager: 'kube-apiserver', operation: 'Update', apiVersion: 'apiextensions.k8s.io/v1' } as const;
const USER = { username: 'system:apiserver', groups: ['system:masters'] } as const;

const DELETION: Deletion = {
  dryRun: false,
  propagation: 'Background',
  graceSeconds: undefined,
  uid: undefined,
  resourceVersion: undefined,
};

type Crd = CustomResourceDefinition;

/**
 * Serves the kinds of CustomResourceDefinitions. A definition that becomes visible is in the registry before anybody can
 * be told of it; its status, and the end of its objects when it is deleted, follow.
 */
export class CustomResources {
  readonly #server: ServerContext;
  /** What is in the registry for each definition. */
  readonly #served = new Map<string, readonly KindDefinition[]>();
  /** Everything behind the registry is done one after the other. */
  #work: Promise<void> = Promise.resolve();

  constructor(server: ServerContext) {
    this.#server = server;
  }

  /** To be called when the state is loaded. */
  start(): void {
    const cache = this.#server.storage.cache(customResourceDefinitions);
    for (const stored of cache.list()) this.#follow(stored.object as Crd);
    cache.subscribe((change) => this.#changed(change));
  }

  #changed({ type, current, previous }: Change): void {
    const crd = current.object as Crd;
    if (type === 'DELETED') {
      this.#withdraw(crd.metadata.name);
      return;
    }
    const before = previous?.object as Crd | undefined;
    const isSame =
      deepEqual(before?.spec, crd.spec) && before?.metadata.deletionTimestamp === crd.metadata.deletionTimestamp;
    if (!isSame || !deepEqual(before?.status?.acceptedNames, crd.status?.acceptedNames)) this.#follow(crd);
  }

  #follow(crd: Crd): void {
    const { name } = crd.metadata;
    this.#withdraw(name);
    const problem = namesTaken(crd, this.#server.registry.kinds);
    if (problem === undefined) {
      const kinds = crd.spec.versions.filter(({ served }) => served).map((version) => customKind(crd, version));
      const ordered = kinds.toSorted((a, b) => compareVersions(a.resource.version, b.resource.version));
      for (const kind of ordered) this.#server.registry.add(kind);
      this.#served.set(name, ordered);
    }
    this.#later(async () => {
      await this.#writeStatus(name);
      if (isTerminating(crd)) await this.#cleanUp(crd);
    });
  }

  #withdraw(name: string): void {
    for (const { resource } of this.#served.get(name) ?? []) {
      this.#server.registry.remove(resource.group, resource.version, resource.plural);
    }
    this.#served.delete(name);
  }

  #later(task: () => Promise<void>): void {
    this.#work = this.#work.then(task).catch((error: unknown) => {
      if (this.#server.closing.aborted || isGone(error)) return;
      this.#server.log.warn('a custom kind could not be looked after', { error: errorMessage(error) });
    });
  }

  async #writeStatus(name: string): Promise<void> {
    const target = this.#target(name);
    const present = target.cache.get(name)?.object as Crd | undefined;
    if (present === undefined || present.status === this.#statusOf(present)) return;
    await modify(
      target,
      'status',
      ({ object }) => ({ ...object, status: this.#statusOf(object as Crd) }) as KubeObject,
    );
  }

  #statusOf(crd: Crd): Crd['status'] {
    const now = rfc3339(this.#server.clock.now());
    const mine = new Set<KindDefinition>(this.#served.get(crd.metadata.name));
    const others = this.#server.registry.kinds.filter((kind) => !mine.has(kind));
    const status = establishedStatus(crd, namesTaken(crd, others), now);
    return isTerminating(crd) ? terminatingStatus(status, now) : status;
  }

  #target(name: string): Target {
    const server = this.#server;
    const kind = server.registry.byKind('apiextensions.k8s.io', 'v1', 'CustomResourceDefinition');
    if (kind === undefined) throw new RangeError('Cannot serve custom kinds: their definitions are no kind');
    const cache = server.storage.cache(customResourceDefinitions);
    const time = rfc3339(server.clock.now());
    return { server, kind, cache, key: name, name, user: USER, writer: { ...WRITER, subresource: 'status', time } };
  }

  /** Objects go before their kind does. Those with finalizers hold it until they are let go. */
  async #cleanUp(crd: Crd): Promise<void> {
    const [kind] = this.#served.get(crd.metadata.name) ?? [];
    if (kind === undefined) return this.#release(crd.metadata.name);
    const cache = this.#server.storage.cache(kind.resource);
    const gone = this.#whenEmpty(crd, cache);
    for (const stored of Array.from(cache.list())) await this.#deleteOne(kind, stored);
    if (cache.size === 0) {
      gone[Symbol.dispose]();
      await this.#release(crd.metadata.name);
    }
  }

  #whenEmpty(crd: Crd, cache: ReturnType<ServerContext['storage']['cache']>): Disposable {
    const subscription = cache.subscribe(({ type }) => {
      if (type !== 'DELETED' || cache.size > 0) return;
      subscription[Symbol.dispose]();
      this.#later(() => this.#release(crd.metadata.name));
    });
    return subscription;
  }

  async #deleteOne(kind: KindDefinition, { key, object }: StoredObject): Promise<void> {
    const { name } = object.metadata;
    const cache = this.#server.storage.cache(kind.resource);
    const target = { ...this.#target(name), kind, cache, key };
    try {
      await deleteObject(target, DELETION);
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }

  async #release(name: string): Promise<void> {
    const target = this.#target(name);
    if (target.cache.get(name) === undefined) return;
    await modify({ ...target, writer: { ...target.writer, subresource: undefined } }, 'main', ({ object }) => {
      const finalizers = (object.metadata.finalizers ?? []).filter((finalizer) => finalizer !== CLEANUP_FINALIZER);
      return { ...object, metadata: { ...object.metadata, finalizers } };
    });
  }
}

function isGone(error: unknown): boolean {
  return error instanceof StatusError && error.status.reason === 'NotFound';
}

const VERSION = /^v(\d+)(?:(alpha|beta)(\d+))?$/;

/** Stable versions before beta before alpha, each with the highest first; then all others by name. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [VERSION.exec(a), VERSION.exec(b)];
  if (left === null || right === null) {
    if (left === null && right === null) return a < b ? -1 : 1;
    return left === null ? 1 : -1;
  }
  const rank = (match: RegExpExecArray): number => (match[2] === undefined ? 2 : match[2] === 'beta' ? 1 : 0);
  return rank(right) - rank(left) || Number(right[1]) - Number(left[1]) || Number(right[3] ?? 0) - Number(left[3] ?? 0);
}
