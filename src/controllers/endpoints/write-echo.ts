import { type KubeObject, objectKey } from '#api/object.ts';
import type { OwnWrites } from '../own-writes.ts';

/**
 * Tells a controller's own writes from those of others where the watch shows a write before its answer is here: whose it
 * was is known then.
 */
export class WriteEcho<T extends KubeObject> {
  readonly #own: OwnWrites<T>;
  /** What was shown of each object that is being written. */
  readonly #writing = new Map<string, T | undefined>();

  constructor(own: OwnWrites<T>) {
    this.#own = own;
  }

  /** Runs `write`, which updates these objects. Calls `others` if somebody else wrote one of them meanwhile. */
  async during(group: string, objects: readonly T[], write: () => Promise<void>, others: () => void): Promise<void> {
    for (const object of objects) this.#writing.set(objectKey(object), undefined);
    try {
      await write();
    } finally {
      const shown = objects.map((object) => this.#writing.get(objectKey(object)));
      for (const object of objects) this.#writing.delete(objectKey(object));
      if (shown.some((object) => object !== undefined && !this.#own.isOwn(group, object))) others();
    }
  }

  /** Whether this state, which the watch shows, is another's doing. Of an object that is being written that is not known yet. */
  isForeign(group: string, object: T): boolean {
    const key = objectKey(object);
    if (!this.#writing.has(key)) return !this.#own.isOwn(group, object);
    this.#writing.set(key, object);
    return false;
  }
}
