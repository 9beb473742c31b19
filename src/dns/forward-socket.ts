import { randomInt } from 'node:crypto';
import type { Clock } from '#base/clock.ts';
import { CodedError } from '#base/errors.ts';
import { type CacheEntry, type CacheFigures, ForwardCache, type ForwardCacheOptions } from './forward-cache.ts';
import { firstGood, type FirstGoodOptions, isPoor } from './first-good.ts';
import type { WireName } from './name.ts';
import { Upstream } from './upstream.ts';
import type { UpstreamMetrics } from './upstream-metrics.ts';
import { parseUpstreamAnswer, type TtlLimits, type UpstreamAnswer } from './upstream-answer.ts';
import { parseServer, type ServerAddress } from './server-address.ts';

export interface ForwardQuestion {
  /** Name in lower case, then type. */
  readonly key: string;
  readonly dnssecOk: boolean;
  readonly checkingDisabled: boolean;
}

export interface Forwarded {
  readonly answer: UpstreamAnswer;
  /** Seconds since it was given to us. */
  readonly age: number;
  /** Its time is over, but nobody answers: it is better than nothing (RFC 8767). */
  readonly stale: boolean;
}

export interface ForwarderCounts {
  hits: number;
  denialHits: number;
  misses: number;
  prefetches: number;
  stale: number;
  rejected: number;
  /** Questions at whose time no server was healthy. */
  broken: number;
  /** Answers to another question than was asked. */
  mismatched: number;
}

export interface UpstreamState {
  readonly to: string;
  readonly healthy: boolean;
  readonly looping: boolean;
  readonly metrics: UpstreamMetrics;
}

export interface Forwarder {
  /** Straight from memory, or a promise that rejects when nobody answers. */
  ask(question: ForwardQuestion): Forwarded | Promise<Forwarded>;
  /** Whether a name is our own question that came back; the server it went to is not asked again. */
  noticeLoop(name: WireName): boolean;
  readonly counts: Readonly<ForwarderCounts>;
  readonly cache: CacheFigures;
  upstreams(): readonly UpstreamState[];
  close(): void;
}

export interface ForwarderOptions extends ForwardCacheOptions {
  /** `10.0.0.1` or `10.0.0.1:5353`. */
  readonly upstreams: readonly (string | ServerAddress)[];
  /** Which is asked first. @default sequential */
  readonly policy?: 'sequential' | 'random' | 'round_robin' | undefined;
  readonly forceTcp?: boolean | undefined;
  /** Failures in a row after which a server is asked last; 0: never. @default 2 */
  readonly maxFails?: number | undefined;
  /** From one probe of a server that was given up to the next, at first. @default 500 */
  readonly probeMs?: number | undefined;
  /** While no server is healthy nobody is asked. @default false */
  readonly failFast?: boolean | undefined;
  /** @default CoreDNS's */
  readonly ttlLimits?: TtlLimits | undefined;
  /** Told once of a server that leads back here. */
  readonly onLoop?: ((server: string) => void) | undefined;
  /** Whether an answer may be kept. @default yes */
  readonly keeps?: ((key: string, answer: UpstreamAnswer) => boolean) | undefined;
  /** What is asked for in this last part of its time is asked anew; 0: never. @default 0.1 */
  readonly prefetchPart?: number | undefined;
  /** Answers say the whole time to live, not what is left of it. @default false */
  readonly keepTtl?: boolean | undefined;
  /** Stale answers are given at once, while new ones are asked for; else only when those fail. @default false */
  readonly staleAtOnce?: boolean | undefined;
  readonly clock: Clock;
  /** For each time that an upstream is asked, ms. @default 2000 */
  readonly timeoutMs?: number;
  /** For so long those that do not answer are asked again, ms. @default 5000 */
  readonly patienceMs?: number;
  /** How long a connection to an upstream is kept for the next question, ms. @default 10,000 */
  readonly keepMs?: number | undefined;
  /** How long one may think before the next is asked too, ms. @default 500 */
  readonly hedgeMs?: number;
  /** Questions under way at a time; more are refused. @default 1000 */
  readonly maxConcurrent?: number | undefined;
}

/** What is kept for less is not worth asking for anew before its time. */
const PREFETCH_MIN_MS = 10_000;
/** How long a stale answer is given before the upstreams are tried once more. */
const STALE_RETRY_MS = 5000;

export function createForwarder(options: ForwarderOptions): Forwarder {
  return new CachingForwarder(options);
}

class CachingForwarder implements Forwarder {
  readonly counts: ForwarderCounts = {
    hits: 0,
    denialHits: 0,
    misses: 0,
    prefetches: 0,
    stale: 0,
    rejected: 0,
    broken: 0,
    mismatched: 0,
  };
  readonly #options: ForwarderOptions;
  readonly #clock: Clock;
  readonly #pace: FirstGoodOptions;
  readonly #maxConcurrent: number;
  readonly #upstreams: readonly Upstream[];
  readonly #cache: ForwardCache;
  readonly #inFlight = new Map<string, Promise<Forwarded>>();
  #turn = 0;

  constructor(options: ForwarderOptions) {
    const { clock, timeoutMs = 2000, hedgeMs = 500, patienceMs = 5000, maxConcurrent = 1000 } = options;
    const { forceTcp, maxFails, probeMs, keepMs } = options;
    this.#options = options;
    this.#clock = clock;
    this.#pace = { clock, hedgeMs, patienceMs };
    this.#maxConcurrent = maxConcurrent;
    this.#upstreams = options.upstreams.map(
      (server) =>
        new Upstream(typeof server === 'string' ? parseServer(server) : server, {
          clock,
          timeoutMs,
          forceTcp,
          maxFails,
          probeMs,
          keepMs,
        }),
    );
    this.#cache = new ForwardCache(options);
  }

  get cache(): CacheFigures {
    return this.#cache.figures();
  }

  ask(question: ForwardQuestion): Forwarded | Promise<Forwarded> {
    const cacheKey = keyOfQuestion(question);
    const now = this.#clock.monotonic();
    const entry = this.#cache.get(cacheKey, now);
    if (entry === undefined) {
      this.counts.misses++;
      return this.#fetch(cacheKey, question);
    }
    return now < entry.expiresAt
      ? this.#fresh(cacheKey, question, entry, now)
      : this.#expired(cacheKey, question, entry, now);
  }

  noticeLoop(name: WireName): boolean {
    const found = this.#upstreams.find((upstream) => upstream.isLoopName(name));
    if (found === undefined) return false;
    if (!found.looping) this.#options.onLoop?.(`${found.server.host}:${found.server.port}`);
    found.looping = true;
    // What is under way there goes round for ever.
    found.close();
    return true;
  }

  upstreams(): readonly UpstreamState[] {
    return this.#upstreams.map(({ server, healthy, looping, metrics }) => ({
      to: `${server.host}:${server.port}`,
      healthy,
      looping,
      metrics,
    }));
  }

  close(): void {
    for (const upstream of this.#upstreams) upstream.close();
  }

  #fresh(cacheKey: string, question: ForwardQuestion, entry: CacheEntry, now: number): Forwarded {
    const { answer, storedAt, expiresAt } = entry;
    if (answer.answers > 0) this.counts.hits++;
    else this.counts.denialHits++;
    const whole = expiresAt - storedAt;
    const { prefetchPart = 0.1 } = this.#options;
    if (whole >= PREFETCH_MIN_MS && expiresAt - now < whole * prefetchPart && entry.refreshedAt === storedAt) {
      entry.refreshedAt = now;
      this.counts.prefetches++;
      this.#fetch(cacheKey, question).catch(() => {});
    }
    const age = this.#options.keepTtl === true ? 0 : Math.floor((now - storedAt) / 1000);
    return { answer, age, stale: false };
  }

  #expired(
    cacheKey: string,
    question: ForwardQuestion,
    entry: CacheEntry,
    now: number,
  ): Forwarded | Promise<Forwarded> {
    const stale = (): Forwarded => {
      this.counts.stale++;
      return { answer: entry.answer, age: 0, stale: true };
    };
    if (entry.refreshedAt > entry.expiresAt && now - entry.refreshedAt < STALE_RETRY_MS) return stale();
    this.counts.misses++;
    if (this.#options.staleAtOnce === true) {
      entry.refreshedAt = now;
      this.#fetch(cacheKey, question).catch(() => {});
      return stale();
    }
    return this.#fetch(cacheKey, question).catch(() => {
      entry.refreshedAt = this.#clock.monotonic();
      return stale();
    });
  }

  #fetch(cacheKey: string, question: ForwardQuestion): Promise<Forwarded> {
    const known = this.#inFlight.get(cacheKey);
    if (known !== undefined) return known;
    if (this.#inFlight.size >= this.#maxConcurrent) {
      this.counts.rejected++;
      return Promise.reject(new CodedError('EBUSY', 'Cannot forward a name: too many others are under way'));
    }
    const asked = this.#askUpstreams(cacheKey, question).finally(() => this.#inFlight.delete(cacheKey));
    this.#inFlight.set(cacheKey, asked);
    return asked;
  }

  #byPolicy(upstreams: readonly Upstream[]): readonly Upstream[] {
    const { policy = 'sequential' } = this.#options;
    if (policy === 'sequential' || upstreams.length < 2) return upstreams;
    const first = policy === 'random' ? randomInt(upstreams.length) : this.#turn++ % upstreams.length;
    return [...upstreams.slice(first), ...upstreams.slice(0, first)];
  }

  async #askUpstreams(cacheKey: string, question: ForwardQuestion): Promise<Forwarded> {
    const usable = this.#upstreams.filter(({ looping }) => !looping);
    if (!usable.some(({ healthy }) => healthy)) {
      this.counts.broken++;
      if (this.#options.failFast === true) {
        throw new CodedError('ENOUPSTREAM', 'Cannot resolve a name outside of the cluster: no server is healthy');
      }
    }
    // When none is healthy all are tried: a wrong idea of their health must not be what breaks a cluster.
    const turned = this.#byPolicy(usable);
    const order = [...turned.filter(({ healthy }) => healthy), ...turned.filter(({ healthy }) => !healthy)];
    const tries = order.map((upstream) => async (): Promise<UpstreamAnswer> => {
      const bytes = await upstream.ask(question.key, question);
      const answer = parseUpstreamAnswer(bytes, question.key, this.#options.ttlLimits);
      if (answer !== undefined) return answer;
      this.counts.mismatched++;
      throw new CodedError('EPROTO', 'Cannot read the answer of a DNS server');
    });
    const answer = await firstGood(tries, this.#pace);
    const now = this.#clock.monotonic();
    const known = isPoor(answer) ? this.#cache.get(cacheKey, now)?.answer : undefined;
    if (known !== undefined && !isPoor(known)) {
      throw new CodedError('ENOUPSTREAM', 'Cannot resolve a name outside of the cluster: the servers report failures');
    }
    const { keeps } = this.#options;
    if (answer.ttl > 0 && (keeps === undefined || keeps(question.key, answer))) {
      this.#cache.set(cacheKey, answer, now);
    }
    return { answer, age: 0, stale: false };
  }
}

function keyOfQuestion({ key, dnssecOk, checkingDisabled }: ForwardQuestion): string {
  return `${key}${dnssecOk ? 'd' : ''}${checkingDisabled ? 'c' : ''}`;
}
