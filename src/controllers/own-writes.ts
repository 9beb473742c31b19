import { type KubeObject, objectKey } from '#api/object.ts';
import type { Informer } from '#client/informer.ts';

interface Write<T> {
  /** Undefined once deleted. */
  readonly object: T | undefined;
  readonly uid: string;
  /** The version that the cache must reach before the entry may go; of a delete it is not known. */
  readonly version: number;
}

/**
 * A controller's own writes that its informer has not shown yet. Looking through it, a controller never acts on a view
 * older than its own last action: it creates nothing twice and meets no conflict with itself. (Upstream's controllers
 * wait instead, by counting expected events.) Grouped by the key of the parent object.
 */
export class OwnWrites<T extends KubeObject> {
  readonly #informer: Pick<Informer<T>, 'resourceVersion' | 'get'>;
  readonly #groups = new Map<string, Map<string, Write<T>>>();

  constructor(informer: Pick<Informer<T>, 'resourceVersion' | 'get'>) {
    this.#informer = informer;
  }

  wrote(group: string, object: T): void {
    const { uid, resourceVersion } = object.metadata;
    this.#note(group, objectKey(object), { object, uid, version: Number(resourceVersion) });
  }

  deleted(group: string, object: T): void {
    this.#note(group, objectKey(object), { object: undefined, uid: object.metadata.uid, version: Infinity });
  }

  forget(group: string): void {
    this.#groups.delete(group);
  }

  /** Whether this very version of the object is the result of a write noted here. */
  isOwn(group: string, object: T): boolean {
    const write = this.#groups.get(group)?.get(objectKey(object));
    return write?.object?.metadata.resourceVersion === object.metadata.resourceVersion;
  }

  /** One object as the cache has it, or as the group's own later write left it. */
  get(group: string, key: string): T | undefined {
    const writes = this.#groups.get(group);
    if (writes === undefined) return this.#informer.get(key);
    this.#prune(group, writes);
    const write = writes.get(key);
    return write === undefined ? this.#informer.get(key) : write.object;
  }

  /** The objects of the cache with the group's own later writes laid over them. */
  view(group: string, cached: readonly T[]): readonly T[] {
    const writes = this.#groups.get(group);
    if (writes === undefined) return cached;
    this.#prune(group, writes);
    if (writes.size === 0) return cached;
    const objects = new Map(cached.map((object) => [objectKey(object), object]));
    for (const [key, { object }] of writes) {
      if (object === undefined) objects.delete(key);
      else objects.set(key, object);
    }
    return [...objects.values()];
  }

  #note(group: string, key: string, write: Write<T>): void {
    const writes = this.#groups.get(group);
    if (writes === undefined) this.#groups.set(group, new Map([[key, write]]));
    else writes.set(key, write);
  }

  #prune(group: string, writes: Map<string, Write<T>>): void {
    const seen = Number(this.#informer.resourceVersion ?? 0);
    for (const [key, { object, uid, version }] of writes) {
      const cached = this.#informer.get(key);
      const overtaken =
        object === undefined ? cached?.metadata.uid !== uid : isNewer(cached, version) || seen >= version;
      if (overtaken) writes.delete(key);
    }
    if (writes.size === 0) this.#groups.delete(group);
  }
}

function isNewer(cached: KubeObject | undefined, version: number): boolean {
  return cached !== undefined && Number(cached.metadata.resourceVersion) >= version;
}
