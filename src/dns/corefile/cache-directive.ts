import type { WireName } from '../name.ts';
import { argumentsOf, duration, unknownProperty, wholeNumber, zonesOf, zonesOrBlock } from './arguments.ts';
import type { Directive, Line } from './corefile.ts';
import { corefileError } from './place.ts';
import type { CacheConfig, CacheLimits } from './server-config.ts';

type Draft = { -readonly [K in keyof CacheConfig]: CacheConfig[K] };

const ENTRIES = 9984;
const SUCCESS_SECONDS = 3600;
const DENIAL_SECONDS = 1800;
const HOUR_MS = 3_600_000;
const FIVE_MINUTES_MS = 300_000;

/** What is kept of other servers' answers when nothing is said. Of our own names nothing ever is. */
export const DEFAULT_CACHE: CacheConfig = Object.freeze({
  zones: ['\0'],
  success: { entries: ENTRIES, maxSeconds: SUCCESS_SECONDS, minSeconds: 0 },
  denial: { entries: ENTRIES, maxSeconds: DENIAL_SECONDS, minSeconds: 0 },
  servfailMs: 1000,
  prefetch: { amount: 1, withinMs: 60_000, part: 0.1 },
  stale: { ms: HOUR_MS, immediately: false },
  keepTtl: false,
  exceptSuccess: [],
  exceptDenial: [],
});

export function readCache(directive: Directive, block: readonly WireName[]): CacheConfig {
  const [first, ...rest] = directive.args;
  const timed = first !== undefined && /^\d+$/.test(first);
  const draft: Draft = { ...DEFAULT_CACHE };
  if (timed) {
    const maxSeconds = wholeNumber(directive, first, 1);
    draft.success = { ...draft.success, maxSeconds };
    draft.denial = { ...draft.denial, maxSeconds };
  }
  draft.zones = zonesOrBlock(directive, timed ? rest : directive.args, block);
  for (const line of directive.block ?? []) {
    const read = Object.hasOwn(PROPERTIES, line.name) ? PROPERTIES[line.name] : undefined;
    if (read === undefined) throw unknownProperty(line, 'cache', Object.keys(PROPERTIES));
    read(draft, line);
  }
  return Object.freeze(draft);
}

/** `CAPACITY [TTL] [MINTTL]` */
function limits(line: Line, before: CacheLimits): CacheLimits {
  const [entries = '', most, least] = argumentsOf(line, 1, 3);
  return {
    entries: wholeNumber(line, entries),
    maxSeconds: most === undefined ? before.maxSeconds : wholeNumber(line, most, 1),
    minSeconds: least === undefined ? before.minSeconds : wholeNumber(line, least),
  };
}

const PROPERTIES: Readonly<Record<string, (draft: Draft, line: Line) => void>> = {
  success: (draft, line) => {
    draft.success = limits(line, draft.success);
  },
  denial: (draft, line) => {
    draft.denial = limits(line, draft.denial);
  },
  prefetch: (draft, line) => {
    const [amount = '', within = '1m', percent = '10%'] = argumentsOf(line, 1, 3);
    const digits = /^(\d+)%$/.exec(percent)?.[1];
    if (digits === undefined) throw corefileError(line, `"${percent}" is no percentage`, 'write it like 10%');
    draft.prefetch = {
      amount: wholeNumber(line, amount),
      withinMs: duration(line, within),
      part: wholeNumber(line, digits, 10, 90) / 100,
    };
  },
  serve_stale: (draft, line) => {
    const [time = '1h', mode = 'immediate'] = argumentsOf(line, 0, 2);
    if (mode !== 'immediate' && mode !== 'verify') {
      throw corefileError(line, `serve_stale cannot be "${mode}": it is immediate or verify`);
    }
    draft.stale = { ms: duration(line, time), immediately: mode === 'immediate' };
  },
  servfail: (draft, line) => {
    const ms = duration(line, argumentsOf(line, 1)[0] ?? '');
    if (ms > FIVE_MINUTES_MS) throw corefileError(line, 'failures are not kept for more than 5 minutes (RFC 2308)');
    draft.servfailMs = ms;
  },
  disable: (draft, line) => {
    const [what, ...zones] = argumentsOf(line, 1, Number.POSITIVE_INFINITY);
    const except = zones.length === 0 ? ['\0'] : zones.flatMap((zone) => zonesOf(line, zone));
    if (what === 'success') draft.exceptSuccess = except;
    else if (what === 'denial') draft.exceptDenial = except;
    else throw corefileError(line, `"${what}" cannot be disabled: success and denial can`);
  },
  keepttl: (draft, line) => {
    argumentsOf(line, 0);
    draft.keepTtl = true;
  },
};
