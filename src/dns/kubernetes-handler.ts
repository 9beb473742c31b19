import { type AnswerSource, answerQuestion } from './answer.ts';
import { aliasedReply } from './aliased-reply.ts';
import { type Autopath, autopathReply } from './autopath.ts';
import type { AskOutside, Handler, Reply } from './handler.ts';
import { isBelow, trimSuffix, type WireName } from './name.ts';
import { nameOf, type Query } from './query.ts';
import { bareReply, noSuchName, reply } from './reply.ts';
import { compileTemplate } from './template.ts';
import { TemplateCache } from './template-cache.ts';

export interface KubernetesHandlerOptions {
  readonly source: AnswerSource;
  /** Seconds. */
  readonly ttl: number;
  /** False until the first lists are in: an answer before that could only be wrong. */
  readonly isReady: () => boolean;
  readonly autopath?: Autopath | undefined;
  /** Compiled answers that are kept. @default 20000 */
  readonly maxTemplates?: number | undefined;
  /** Names of the zone that do not exist, of which the next stage may know. @default none */
  readonly fallsThrough?: ((name: WireName) => boolean) | undefined;
  /** Whose SOA a denial carries, where that is not the zone's. */
  readonly reverseZones?: readonly WireName[] | undefined;
  readonly outside: AskOutside;
  readonly next: Handler;
}

/** Answers for the names of a cluster, and for the addresses in it. */
export function kubernetesHandler(options: KubernetesHandlerOptions): Handler {
  const { source, ttl, isReady, autopath, maxTemplates = 20_000, fallsThrough, outside, next } = options;
  const templates = new TemplateCache(maxTemplates);
  const soaZone = zoneOfDenials(options);
  let turn = 0;

  const deny = (query: Query, limit: number, client: string | undefined, depth: number): Reply => {
    const denied = (): Reply => {
      if (fallsThrough?.(nameOf(query)) === true) return next(query, limit, client, depth);
      return noSuchName(query, soaZone(nameOf(query)), ttl);
    };
    if (autopath === undefined) return denied();
    const walked = autopathReply({ autopath, query, limit, client, source, outside, ttl, turn: turn++, depth });
    return walked instanceof Promise ? walked.then((found) => found ?? denied()) : (walked ?? denied());
  };
  const answerSlowly: Handler = (query, limit, client, depth) => {
    const question = { name: nameOf(query), type: query.type };
    const answer = answerQuestion(source, question);
    if (answer.kind === 'outside') {
      if (answer.aliases.length > 0) return aliasedReply({ query, limit, outside, ttl, depth }, answer);
      return next(query, limit, client, depth);
    }
    if (answer.rcode === 'NXDOMAIN') return deny(query, limit, client, depth);
    const template = compileTemplate(question, answer, { ttl, zone: soaZone(question.name) });
    if (template.owner !== undefined) templates.set(query.key, template);
    return reply(template, query, limit, turn++);
  };

  return (query, limit, client, depth) => {
    if (!isReady()) {
      const ours = mayBeOurs(source, nameOf(query));
      return ours ? bareReply(query, 'SERVFAIL') : next(query, limit, client, depth);
    }
    const template = templates.get(query.key);
    return template === undefined ? answerSlowly(query, limit, client, depth) : reply(template, query, limit, turn++);
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
