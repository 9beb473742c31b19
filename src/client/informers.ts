import type { Clock } from '#base/clock.ts';
import type { Log } from '#base/log.ts';
import type { KubeObject } from '#api/object.ts';
import { apiVersionOf, type Resource } from '#api/resource.ts';
import type { Client } from './client.ts';
import { Informer } from './informer.ts';

export interface InformersOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly pageSize?: number | undefined;
}

/** One informer a resource, shared by all who ask: one watch and one copy of the objects in memory. */
export class Informers {
  readonly client: Client;
  readonly #options: InformersOptions;
  readonly #byResource = new Map<string, Informer<KubeObject>>();
  #signal: AbortSignal | undefined;

  constructor(client: Client, options: InformersOptions) {
    this.client = client;
    this.#options = options;
  }

  /** Made at the first call, and started when `start` was called or will be. */
  for<T extends KubeObject>(resource: Resource<T>): Informer<T> {
    const key = `${apiVersionOf(resource)}/${resource.plural}`;
    const known = this.#byResource.get(key);
    if (known !== undefined) return known as unknown as Informer<T>;
    const informer = new Informer(this.client, resource, this.#options);
    this.#byResource.set(key, informer as unknown as Informer<KubeObject>);
    if (this.#signal !== undefined) informer.start(this.#signal);
    return informer;
  }

  start(signal: AbortSignal): void {
    this.#signal = signal;
    for (const informer of this.#byResource.values()) informer.start(signal);
  }

  /** Resolves when every informer asked for until now has its first list. */
  async synced(): Promise<void> {
    await Promise.all([...this.#byResource.values()].map((informer) => informer.synced));
  }
}
