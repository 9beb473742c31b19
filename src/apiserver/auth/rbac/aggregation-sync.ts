import { errorMessage } from '#base/errors.ts';
import type { Log } from '#base/log.ts';
import { deepEqual } from '#api/equal.ts';
import type { ClusterRole } from '#api/generated/types.ts';
import { clusterRoles } from '#api/resource.ts';
import { StaleError, type ObjectStorage } from '../../storage/object-storage.ts';
import { gatheredRules } from './aggregation.ts';

/**
 * Keeps the rules of ClusterRoles that gather those of others. A write of this itself is a change that starts it again,
 * so that chains (view -> edit -> admin) come to rest by themselves.
 */
export class AggregationSync {
  readonly #storage: ObjectStorage;
  readonly #log: Log;
  readonly #closing: AbortSignal;
  #dirty = false;
  #running: Promise<void> | undefined;

  constructor(storage: ObjectStorage, log: Log, closing: AbortSignal) {
    this.#storage = storage;
    this.#log = log;
    this.#closing = closing;
  }

  /** After the storage is loaded; resolves when all rules are gathered for the first time. */
  start(): Promise<void> {
    this.#storage.cache(clusterRoles).subscribe(() => void this.#touch());
    return this.#touch();
  }

  #touch(): Promise<void> {
    this.#dirty = true;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #run(): Promise<void> {
    // Out of the storage's own loop, and once for all changes that come together.
    await Promise.resolve();
    while (this.#dirty && !this.#closing.aborted) {
      this.#dirty = false;
      try {
        await this.#gather();
      } catch (error) {
        if (!this.#closing.aborted) this.#log.error('cannot gather the rules of roles', { error: errorMessage(error) });
      }
    }
  }

  async #gather(): Promise<void> {
    const cache = this.#storage.cache(clusterRoles);
    const stored = [...cache.list()];
    const all = stored.map(({ object }) => object as ClusterRole);
    const writes = stored.map(async ({ key, object, revision }) => {
      const role = object as ClusterRole;
      const rules = gatheredRules(role, all);
      if (rules === undefined || deepEqual(rules, role.rules ?? [])) return;
      try {
        await this.#storage.put(cache, key, { ...role, rules } as ClusterRole, revision);
      } catch (error) {
        // Whoever wrote in between has started the next round.
        if (!(error instanceof StaleError)) throw error;
      }
    });
    await Promise.all(writes);
  }
}
