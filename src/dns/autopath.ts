import { askOutside, type AliasedContext, mergedReply } from './aliased-reply.ts';
import { parseAddress } from './address.ts';
import { answerQuestion, type AnswerSource, type LocalAnswer, type OutsideAnswer } from './answer.ts';
import { isBelow, trimSuffix, wireLabel, wireName, type WireName } from './name.ts';
import type { PodIndex } from './pod-index.ts';
import { nameOf } from './query.ts';
import { RCODES, RECORD_TYPES } from './record-type.ts';
import type { DnsRecord } from './record.ts';
import { reply } from './reply.ts';
import { compileAnswer } from './compiled-answer.ts';
import { rcodeOf } from './upstream-answer.ts';
import type { Zone } from './zone.ts';

/** The search path of whoever asks from an address; undefined when we cannot be sure of it. */
export interface Autopath {
  searchOf(client: string, name: WireName): readonly WireName[] | undefined;
  /** Told of each answer that came of it. */
  readonly onWalked?: (() => void) | undefined;
}

export interface AutopathOptions {
  readonly zone: Zone;
  readonly pods: PodIndex;
  /** What the nodes' own resolv.conf adds after the cluster's domains. */
  readonly hostSearch?: readonly string[] | undefined;
  /** Whose names are walked for. @default all */
  readonly zones?: readonly WireName[] | undefined;
  readonly onWalked?: (() => void) | undefined;
}

export function createAutopath({ zone, pods, hostSearch = [], zones = ['\0'], onWalked }: AutopathOptions): Autopath {
  const shared = [`${wireLabel('svc')}${zone.name}`, zone.name, ...hostSearch.flatMap((text) => wireName(text) ?? [])];
  return {
    onWalked,
    searchOf(client, name) {
      if (!zones.some((own) => isBelow(name, own))) return undefined;
      const address = parseAddress(client.replace(/^::ffff:/, ''));
      const pod = address === undefined ? undefined : pods.podAt(address);
      if (pod?.search === undefined) return undefined;
      const own = `${wireLabel(pod.namespace)}${wireLabel('svc')}${zone.name}`;
      return [own, ...shared, ...pod.search.flatMap((text) => wireName(text) ?? [])];
    },
  };
}

export interface AutopathContext extends AliasedContext {
  readonly autopath: Autopath;
  readonly source: AnswerSource;
  readonly client: string | undefined;
  readonly turn: number;
}

const MAX_NAME = 255;
/** What clients look for along a search path. */
const WALKED: ReadonlySet<number> = new Set(
  (['A', 'AAAA', 'SRV', 'TXT', 'MX', 'HTTPS'] as const).map((type) => RECORD_TYPES[type]),
);

/**
 * For a name that does not exist: the client is about to walk its search path, so we do. What is found is given as an
 * alias of the name that was asked for. Undefined when nothing is, or when it is not a step of a walk.
 */
export function autopathReply(context: AutopathContext): Buffer | Promise<Buffer | undefined> | undefined {
  const { query, client, autopath } = context;
  if (client === undefined || !WALKED.has(query.type)) return undefined;
  const search = autopath.searchOf(client, nameOf(query));
  const [first, ...others] = search ?? [];
  const base = first === undefined ? undefined : trimSuffix(nameOf(query), first);
  if (base === undefined || base === '') return undefined;
  return walk(
    context,
    [...others, '\0'].map((suffix) => base + suffix).filter((name) => name.length <= MAX_NAME),
  );
}

/** What is ours is answered at once; the first name of the outside makes the rest of the way wait. */
function walk(context: AutopathContext, names: readonly WireName[]): Buffer | Promise<Buffer | undefined> | undefined {
  for (const [i, name] of names.entries()) {
    const found = answerQuestion(context.source, { name, type: context.query.type });
    if (found.kind === 'outside') return walkOutside(context, name, found, names.slice(i + 1));
    if (found.rcode === 'NOERROR') return localReply(context, name, found);
  }
  return undefined;
}

async function walkOutside(
  context: AutopathContext,
  name: WireName,
  outside: OutsideAnswer,
  rest: readonly WireName[],
): Promise<Buffer | undefined> {
  const answer = await askOutside(context, outside);
  const rcode = rcodeOf(answer);
  if (rcode === RCODES.NXDOMAIN && outside.aliases.length === 0) return walk(context, rest);
  // Without an answer the client must walk by itself: to skip a name would be to answer wrong.
  if (rcode !== RCODES.NOERROR && rcode !== RCODES.NXDOMAIN) return undefined;
  try {
    return mergedReply(context, { ...outside, aliases: [aliasTo(context, name), ...outside.aliases] }, answer);
  } catch {
    return undefined;
  }
}

/**
 * Also without data: musl takes a name for missing when either of A and AAAA says NXDOMAIN, so both must say that it is
 * there.
 */
function localReply(context: AutopathContext, name: WireName, found: LocalAnswer): Buffer {
  const { query, limit, source, ttl, turn } = context;
  const { rcode, answers, additionals, soa } = found;
  const compiled = compileAnswer(
    { name: nameOf(query), type: query.type },
    { kind: 'answer', rcode, answers: [aliasTo(context, name), ...answers], additionals, soa },
    { ttl, zone: source.zone.name },
  );
  return reply(compiled, query, limit, turn);
}

function aliasTo({ query }: AutopathContext, target: WireName): DnsRecord {
  return { kind: 'CNAME', name: nameOf(query), target };
}
