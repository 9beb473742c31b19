import type { Clock } from '#base/clock.ts';
import { DURATION_BUCKETS, Histogram } from './histogram.ts';
import { HEADER_BYTES, uint16, OPT_BYTES } from './query.ts';
import { RECORD_TYPES, typeName } from './record-type.ts';
import type { Resolve } from './resolver.ts';

/** CoreDNS's buckets, bytes. */
const SIZE_BUCKETS: readonly number[] = [
  0, 100, 200, 300, 400, 511, 1023, 2047, 4095, 8291, 16_000, 32_000, 48_000, 64_000,
];

/** The types that are counted by name; the rest together, so that nobody can fill the memory with types. */
const COUNTED_TYPES: readonly number[] = Object.values(RECORD_TYPES).filter(
  (type) => type !== RECORD_TYPES.OPT && type !== RECORD_TYPES.HINFO,
);
export const TYPE_LABELS: readonly string[] = [...COUNTED_TYPES.map(typeName), 'other'];
const OTHER = COUNTED_TYPES.length;
const TYPE_INDEX = Uint8Array.from({ length: 256 }, (_, type) => {
  const index = COUNTED_TYPES.indexOf(type);
  return index === -1 ? OTHER : index;
});

export const PROTOCOLS = ['udp', 'tcp'] as const;
export const FAMILIES = ['1', '2'] as const;
/** Who made the answer, in CoreDNS's words; an error of ours has no plugin. */
export const PLUGINS = ['', 'kubernetes', 'forward'] as const;

/** A clock is read for one answer out of so many that are there at once; those that wait are all timed. */
const SAMPLE = 64;

/** Counters of a server: arrays of numbers, since they are touched by every query. */
export class DnsMetrics {
  /** By protocol, family and type, the last the fastest. */
  readonly requests: Float64Array = new Float64Array(PROTOCOLS.length * FAMILIES.length * TYPE_LABELS.length);
  /** By plugin and rcode. */
  readonly responses: Float64Array = new Float64Array(PLUGINS.length * 16);
  readonly requestSizes: readonly Histogram[] = PROTOCOLS.map(() => new Histogram(SIZE_BUCKETS));
  readonly responseSizes: readonly Histogram[] = PROTOCOLS.map(() => new Histogram(SIZE_BUCKETS));
  readonly durations: Histogram = new Histogram(DURATION_BUCKETS);
  /** Answers to queries with the DO bit, which they repeat. */
  dnssecOk = 0;
  /** Search paths that were walked for somebody, to an answer. */
  walks = 0;
  /** Errors of ours that no answer came of. */
  panics = 0;

  request(bytes: Uint8Array, transport: 'udp' | 'tcp', client: string | undefined): void {
    const protocol = transport === 'udp' ? 0 : 1;
    const family = client !== undefined && client.includes(':') && !client.startsWith('::ffff:') ? 1 : 0;
    const index = (2 * protocol + family) * TYPE_LABELS.length + typeIndex(bytes);
    this.requests[index] = (this.requests[index] ?? 0) + 1;
    this.requestSizes[protocol]?.observe(bytes.length);
  }

  response(bytes: Uint8Array, transport: 'udp' | 'tcp'): void {
    const rcode = (bytes[3] ?? 0) & 15;
    const plugin = ((bytes[2] ?? 0) & 0x04) !== 0 ? 1 : rcode === 0 || rcode === 3 ? 2 : 0;
    const index = 16 * plugin + rcode;
    this.responses[index] = (this.responses[index] ?? 0) + 1;
    if (isDnssecOk(bytes)) this.dnssecOk++;
    this.responseSizes[transport === 'udp' ? 0 : 1]?.observe(bytes.length);
  }
}

/** OPT without options is the last record of all our answers. */
function isDnssecOk(bytes: Uint8Array): boolean {
  const opt = bytes.length - OPT_BYTES;
  return opt > HEADER_BYTES && uint16(bytes, opt + 1) === RECORD_TYPES.OPT && ((bytes[opt + 7] ?? 0) & 0x80) !== 0;
}

function typeIndex(bytes: Uint8Array): number {
  let at = 12;
  for (let length = bytes[at] ?? 0; length !== 0 && length < 64; length = bytes[at] ?? 0) at += 1 + length;
  const type = uint16(bytes, at + 1);
  return type < 256 ? (TYPE_INDEX[type] ?? OTHER) : OTHER;
}

/** The same resolver, counted. Questions of our own, at the end of an alias, are nobody's queries. */
export function withMetrics(resolve: Resolve, metrics: DnsMetrics, clock: Clock): Resolve {
  const { durations } = metrics;
  let number = 0;
  const panicked = (error: unknown): never => {
    metrics.panics++;
    throw error;
  };
  const timedSince = (start: number): void => durations.observe((clock.monotonic() - start) / 1000);
  return (bytes, transport, client, depth = 0) => {
    if (depth > 0) return resolve(bytes, transport, client, depth);
    metrics.request(bytes, transport, client);
    const timed = number++ % SAMPLE === 0;
    const start = timed ? clock.monotonic() : 0;
    let answer: ReturnType<Resolve>;
    try {
      answer = resolve(bytes, transport, client, depth);
    } catch (error) {
      return panicked(error);
    }
    if (answer instanceof Promise) {
      const asked = timed ? start : clock.monotonic();
      return answer.then((found) => {
        timedSince(asked);
        if (found !== undefined) metrics.response(found, transport);
        return found;
      }, panicked);
    }
    if (timed) timedSince(start);
    // The last that was timed is as good as any for those after it.
    else durations.repeat();
    if (answer !== undefined) metrics.response(answer, transport);
    return answer;
  };
}
