import { type AnswerSource, answerQuestion } from './answer.ts';
import { aliasedReply } from './aliased-reply.ts';
import { type Autopath, autopathReply } from './autopath.ts';
import type { AskOutside, Handler, Reply } from './handler.ts';
import { isBelow, trimSuffix, type WireName } from './name.ts';
import { nameOf, type Query } from './query.ts';
import { addressReply, bareReply, denial, reply } from './reply.ts';
import { RECORD_TYPES } from './record-type.ts';
import { SVC } from './service-entry.ts';
import { compileAnswer } from './compiled-answer.ts';
import { AnswerCache } from './answer-cache.ts';
import type { Zone } from './zone.ts';

export interface KubernetesHandlerOptions {
  readonly source: AnswerSource;
  /** Seconds. */
  readonly ttl: number;
  /** False until the first lists are in: an answer before that could only be wrong. */
  readonly isReady: () => boolean;
  readonly autopath?: Autopath | undefined;
  /** Of compiled answers that are kept. @default 4 MiB */
  readonly maxCompiledBytes?: number | undefined;
  /** Names of the zone that do not exist, of which the next stage may know. @default none */
  readonly fallsThrough?: ((name: WireName) => boolean) | undefined;
  /** Whose SOA a denial carries, where that is not the zone's. */
  readonly reverseZones?: readonly WireName[] | undefined;
  readonly outside: AskOutside;
  readonly next: Handler;
}

/** Answers for the names of a cluster, and for the addresses in it. */
export function kubernetesHandler(options: KubernetesHandlerOptions): Handler {
  const { source, ttl, isReady, autopath, maxCompiledBytes, fallsThrough, outside, next } = options;
  const kept = new AnswerCache(maxCompiledBytes);
  const soaZone = zoneOfDenials(options);
  const { onlyKnownNamespaces = false, ignoreEmptyServices = false } = source;
  const addressOf = onlyKnownNamespaces || ignoreEmptyServices ? undefined : clusterIpReply(source.zone, ttl);
  let turn = 0;

  const deny = (query: Query, limit: number, client: string | undefined, depth: number): Reply => {
    const denied = (): Reply => {
      if (fallsThrough?.(nameOf(query)) === true) return next(query, limit, client, depth);
      return denial(query, 'NXDOMAIN', soaZone(nameOf(query)), ttl);
    };
    if (autopath === undefined) return denied();
    const walked = autopathReply({ autopath, query, limit, client, source, outside, ttl, turn: turn++, depth });
    const finish = (found: Buffer | undefined): Reply => {
      if (found === undefined) return denied();
      autopath.onWalked?.();
      return found;
    };
    return walked instanceof Promise ? walked.then(finish) : finish(walked);
  };
  const answerSlowly: Handler = (query, limit, client, depth) => {
    const question = { name: nameOf(query), type: query.type };
    const answer = answerQuestion(source, question);
    if (answer.kind === 'outside') {
      if (answer.aliases.length > 0) return aliasedReply({ query, limit, outside, ttl, depth }, answer);
      return next(query, limit, client, depth);
    }
    if (answer.rcode === 'NXDOMAIN') return deny(query, limit, client, depth);
    const compiled = compileAnswer(question, answer, { ttl, zone: soaZone(question.name) });
    if (compiled.owner !== undefined) kept.set(query.key, compiled);
    return reply(compiled, query, limit, turn++);
  };

  return (query, limit, client, depth) => {
    if (!isReady()) {
      const ours = mayBeOurs(source, nameOf(query));
      return ours ? bareReply(query, 'SERVFAIL') : next(query, limit, client, depth);
    }
    const straight = addressOf?.(query);
    if (straight !== undefined) return straight;
    const compiled = kept.get(query.key);
    return compiled === undefined ? answerSlowly(query, limit, client, depth) : reply(compiled, query, limit, turn++);
  };
}

/** For the addresses of Services that have their own, by far the most questions that have answers. */
function clusterIpReply(zone: Zone, ttl: number): (query: Query) => Buffer | undefined {
  const end = SVC + zone.name;
  return (query) => {
    const { key, type } = query;
    if (type !== RECORD_TYPES.A && type !== RECORD_TYPES.AAAA) return undefined;
    const nameLength = key.length - 2;
    if (!key.endsWith(end, nameLength)) return undefined;
    const entry = zone.serviceOfKey(key, nameLength - end.length);
    const address = type === RECORD_TYPES.A ? entry?.ipv4 : entry?.ipv6;
    if (address !== undefined) return addressReply(query, address, ttl);
    return entry?.shape?.kind === 'clusterIp' ? denial(query, 'NOERROR', zone.name, ttl) : undefined;
  };
}

function mayBeOurs({ zone, servesReverse }: AnswerSource, name: WireName): boolean {
  if (trimSuffix(name, zone.name) !== undefined) return true;
  return trimSuffix(name, '\x04arpa\0') !== undefined && servesReverse?.(name) !== false;
}

function zoneOfDenials({ source, reverseZones = [] }: KubernetesHandlerOptions): (name: WireName) => WireName {
  if (reverseZones.length === 0) return () => source.zone.name;
  return (name) => reverseZones.find((zone) => isBelow(name, zone)) ?? source.zone.name;
}
