import { createHash } from 'node:crypto';
import { type Clock, rfc3339 } from '#base/clock.ts';
import { errorMessage } from '#base/errors.ts';
import type { Log } from '#base/log.ts';
import type { CoreEvent } from '#api/generated/types.ts';
import type { KubeObject } from '#api/object.ts';
import { events } from '#api/resource.ts';
import { type Client, isReason } from './client.ts';

export interface EventRecorderOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Log;
  /** Shown under "From": `default-scheduler`, `kubelet`. */
  readonly component: string;
  /** The node, where the component runs on one. */
  readonly host?: string | undefined;
}

export interface EventRecorder {
  /**
   * Notes that something happened to `object`. Returns at once and never throws: an event that cannot be written is
   * dropped. A repeat becomes a higher count of the first, and so does what differs from many others by its message alone.
   */
  record(
    object: KubeObject,
    type: 'Normal' | 'Warning',
    reason: string,
    message: string,
    options?: { readonly fieldPath?: string | undefined },
  ): void;
  /** Resolves when everything recorded so far was written or dropped. */
  flush(): Promise<void>;
}

/** Different events remembered for counting repeats. */
const MEMORY = 4096;
/** Events of one object that may be written in one go; then one more each `REFILL_MS`, as a loop must not flood. */
const BURST = 25;
const REFILL_MS = 300_000;

/** So many of one kind become one, until there was none of them for so long. */
const SIMILAR = 10;
const SIMILAR_MS = 600_000;

interface Remembered {
  readonly namespace: string;
  readonly name: string;
  count: number;
}

export function createEventRecorder(options: EventRecorderOptions): EventRecorder {
  const { client, clock, log, component, host } = options;
  const source = { component, ...(host === undefined ? {} : { host }) };
  const seen = new Map<string, Remembered>();
  const allowance = new Allowance(clock);
  const names = new EventNames(clock);
  const similar = new SimilarEvents(clock);
  let last: Promise<void> = Promise.resolve();

  const write = async (key: string, event: CoreEvent): Promise<void> => {
    const known = seen.get(key);
    if (known !== undefined && (await repeat(client, known, event))) return;
    const { namespace = 'default', name } = event.metadata;
    remember(seen, key, { namespace, name, count: 1 }, MEMORY);
    await client.create(events, event);
  };
  return {
    record(object, type, reason, message, { fieldPath } = {}) {
      const { namespace, name, uid } = object.metadata;
      if (!allowance.take(`${object.kind}/${uid}`)) return;
      const now = rfc3339(clock.now());
      const kin = JSON.stringify([object.kind, uid, type, reason]);
      const combined = similar.tooMany(kin, message);
      const key = combined ? kin : JSON.stringify([object.kind, uid, fieldPath, type, reason, message]);
      const event = {
        metadata: { namespace: namespace ?? 'default', name: `${name}.${names.next(key)}` },
        involvedObject: reference(object, fieldPath),
        reason,
        // The server refuses longer ones.
        message: `${combined ? '(combined from similar events): ' : ''}${message}`.slice(0, 1024),
        type,
        source,
        firstTimestamp: now,
        lastTimestamp: now,
        count: 1,
        reportingComponent: component,
        reportingInstance: host ?? '',
      } as CoreEvent;
      last = last
        .then(() => write(key, event))
        .catch((error: unknown) => {
          // A namespace on its way out takes no events.
          const expected = isReason(error, 'Forbidden', 'NotFound');
          log[expected ? 'debug' : 'warn']('event dropped', { reason, object: name, error: errorMessage(error) });
        });
    },
    flush: () => last,
  };
}

/** False when the event is no longer there. */
async function repeat(client: Client, known: Remembered, { lastTimestamp, message }: CoreEvent): Promise<boolean> {
  try {
    known.count++;
    await client.patch(events, known, { kind: 'merge', body: { count: known.count, lastTimestamp, message } });
    return true;
  } catch (error) {
    if (isReason(error, 'NotFound')) return false;
    throw error;
  }
}

function remember<V>(map: Map<string, V>, key: string, value: V, limit: number): void {
  map.delete(key);
  map.set(key, value);
  const oldest = map.keys().next();
  if (map.size > limit && oldest.done !== true) map.delete(oldest.value);
}

/**
 * The ends of events' names, which sort as the events came: times of events are whole seconds, so within one kubectl
 * shows them in the order of their names.
 */
class EventNames {
  readonly #clock: Clock;
  #at = 0;
  #inOneMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** 16 digits: the time, the place within its millisecond, and what sets recorders apart that share both. */
  next(key: string): string {
    const now = this.#clock.now();
    this.#inOneMs = now === this.#at ? Math.min(this.#inOneMs + 1, 0xff) : 0;
    this.#at = now;
    const place = this.#inOneMs.toString(16).padStart(2, '0');
    const own = createHash('sha256').update(key).digest('hex').slice(0, 3);
    return `${Math.floor(now).toString(16).padStart(11, '0')}${place}${own}`;
  }
}

function reference(object: KubeObject, fieldPath: string | undefined): CoreEvent['involvedObject'] {
  const { namespace, name, uid, resourceVersion } = object.metadata;
  return {
    apiVersion: object.apiVersion,
    kind: object.kind,
    ...(namespace === undefined ? {} : { namespace }),
    name,
    uid,
    resourceVersion,
    ...(fieldPath === undefined ? {} : { fieldPath }),
  };
}

/** Which events go into one with others of the same object, type and reason. Models client-go's EventAggregator. */
class SimilarEvents {
  readonly #clock: Clock;
  readonly #groups = new Map<string, { readonly messages: Set<string>; at: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** True when the group has had so many different messages lately that this is one too many. */
  tooMany(group: string, message: string): boolean {
    const at = this.#clock.monotonic();
    const before = this.#groups.get(group);
    const messages = before !== undefined && at - before.at <= SIMILAR_MS ? before.messages : new Set<string>();
    remember(this.#groups, group, { messages, at }, MEMORY);
    if (messages.has(message)) return false;
    if (messages.size >= SIMILAR - 1) return true;
    messages.add(message);
    return false;
  }
}

/** A token bucket an object. */
class Allowance {
  readonly #clock: Clock;
  readonly #buckets = new Map<string, { tokens: number; at: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  take(key: string): boolean {
    const at = this.#clock.monotonic();
    const before = this.#buckets.get(key) ?? { tokens: BURST, at };
    const tokens = Math.min(BURST, before.tokens + (at - before.at) / REFILL_MS);
    remember(this.#buckets, key, { tokens: tokens < 1 ? tokens : tokens - 1, at }, MEMORY);
    return tokens >= 1;
  }
}
