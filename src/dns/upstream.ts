import { randomBytes } from 'node:crypto';
import type { Clock } from '#base/clock.ts';
import { wireLabel, type WireName } from './name.ts';
import { RCODES, RECORD_TYPES } from './record-type.ts';
import { isTruncated, rcodeOf } from './upstream-answer.ts';
import { UpstreamMetrics } from './upstream-metrics.ts';
import { upstreamQuery } from './upstream-query.ts';
import type { ServerAddress } from './server-address.ts';
import { UpstreamSocket } from './upstream-socket.ts';
import { UpstreamStreams } from './upstream-streams.ts';

/** Failures in a row after which a server is asked last, until it answers a probe. CoreDNS's figures. */
const MAX_FAILURES = 2;
const PROBE_MS = 500;
const MAX_PROBE_MS = 10_000;
/** A name that only a question that came back to ourselves can have. `internal` belongs to nobody. */
const LOOP_DOMAIN = `${wireLabel('clusterip-loop')}${wireLabel('internal')}\0`;

export interface UpstreamOptions {
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** @default false */
  readonly forceTcp?: boolean | undefined;
  /** 0: it is never given up. @default 2 */
  readonly maxFails?: number | undefined;
  /** From one probe of a server that was given up to the next, which is twice as long after. @default 500 */
  readonly probeMs?: number | undefined;
  /** How long a connection is kept for the next question. @default 10,000 */
  readonly keepMs?: number | undefined;
}

/** One server, with what we know of its health. */
export class Upstream {
  readonly server: ServerAddress;
  /** What it answers to leads back to us: it must not be asked again. */
  looping = false;
  failures = 0;
  readonly metrics: UpstreamMetrics = new UpstreamMetrics();
  readonly #clock: Clock;
  readonly #socket: UpstreamSocket;
  readonly #streams: UpstreamStreams;
  readonly #timeoutMs: number;
  readonly #forceTcp: boolean;
  readonly #maxFails: number;
  readonly #probeMs: number;
  readonly #nonce = randomBytes(8).toString('hex');
  #probe: Disposable | undefined;
  #checked = false;
  #closed = false;
  #withoutEdns = false;

  constructor(server: ServerAddress, options: UpstreamOptions) {
    const { clock, timeoutMs, forceTcp = false, maxFails = MAX_FAILURES, probeMs = PROBE_MS } = options;
    this.#probeMs = probeMs;
    this.server = server;
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#forceTcp = forceTcp || server.tls !== undefined;
    this.#maxFails = maxFails === 0 ? Number.POSITIVE_INFINITY : maxFails;
    this.#socket = new UpstreamSocket(server, clock);
    this.#streams = new UpstreamStreams(server, { clock, keepMs: options.keepMs });
  }

  get healthy(): boolean {
    return this.failures < this.#maxFails;
  }

  isLoopName(name: WireName): boolean {
    return name === this.#loopName();
  }

  #loopName(): WireName {
    return wireLabel(this.#nonce) + LOOP_DOMAIN;
  }

  /** Over UDP first, over TCP what does not fit; an answer that was cut where the whole cannot be had. */
  async ask(key: string, flags: { readonly dnssecOk: boolean; readonly checkingDisabled: boolean }): Promise<Buffer> {
    try {
      const asked = this.#exchange(upstreamQuery(key, { ...flags, edns: !this.#withoutEdns }));
      this.#checkLoop();
      let answer = await asked;
      // RFC 6891 7: a server from before EDNS0 calls its question malformed.
      if (rcodeOf(answer) === RCODES.FORMERR && !this.#withoutEdns) {
        answer = await this.#exchange(upstreamQuery(key, { ...flags, edns: false }));
        if (rcodeOf(answer) !== RCODES.FORMERR) this.#withoutEdns = true;
      }
      this.failures = 0;
      return answer;
    } catch (error) {
      this.#failed();
      throw error;
    }
  }

  close(): void {
    this.#closed = true;
    this.#probe?.[Symbol.dispose]();
    this.#socket.close();
    this.#streams.close();
  }

  /** Counted, unlike probes. */
  async #exchange(query: Buffer): Promise<Buffer> {
    const start = this.#clock.monotonic();
    if (!this.#forceTcp) (this.#socket.isOpen ? this.metrics.reused : this.metrics.opened).udp++;
    const answer = await this.#askOver(query, (connection) => void this.metrics[connection].tcp++);
    this.metrics.answered(rcodeOf(answer), (this.#clock.monotonic() - start) / 1000);
    return answer;
  }

  async #askOver(query: Buffer, onTcp?: (connection: 'opened' | 'reused') => void): Promise<Buffer> {
    if (this.#forceTcp) return this.#streams.ask(query, this.#timeoutMs, onTcp);
    const answer = await this.#socket.ask(query, this.#timeoutMs);
    if (!isTruncated(answer)) return answer;
    return this.#streams.ask(query, this.#timeoutMs, onTcp).catch(() => answer);
  }

  #failed(): void {
    this.failures++;
    if (!this.healthy && this.#probe === undefined && !this.#closed) this.#probeAfter(this.#probeMs);
  }

  /** Any answer at all means that it is back. */
  #probeAfter(ms: number): void {
    this.#probe = this.#clock.after(ms, () => {
      const probe = upstreamQuery(`\0\0${String.fromCharCode(RECORD_TYPES.NS)}`, { edns: false });
      this.#askOver(probe).then(
        () => {
          this.failures = 0;
          this.#probe = undefined;
        },
        () => {
          this.metrics.failedProbes++;
          if (!this.#closed) this.#probeAfter(Math.min(2 * ms, Math.max(MAX_PROBE_MS, this.#probeMs)));
        },
      );
    });
  }

  /** Once, before anything depends on it: should our own question come in at the front, the way is a circle. */
  #checkLoop(): void {
    if (this.#checked) return;
    this.#checked = true;
    const key = `${this.#loopName()}\0${String.fromCharCode(RECORD_TYPES.HINFO)}`;
    this.#askOver(upstreamQuery(key, { edns: false })).catch(() => {});
  }
}
