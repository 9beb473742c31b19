import { type Cidr, cidrContains } from '#base/cidr.ts';
import { type Address, ipOf } from './address.ts';
import { type AnswerSource, answerQuestion } from './answer.ts';
import { aliasedReply } from './aliased-reply.ts';
import { type Autopath, autopathReply } from './autopath.ts';
import { forwardedReply } from './forwarded-reply.ts';
import { type Forwarder } from './forward-socket.ts';
import { type PodAddresses, type PodMode } from './pod-name.ts';
import { isInternetClass, nameOf, parseQuery, type Query } from './query.ts';
import { RECORD_TYPES } from './record-type.ts';
import { bareReply, errorReply, noSuchName, reply, sizeLimit } from './reply.ts';
import { compileTemplate } from './template.ts';
import { TemplateCache } from './template-cache.ts';
import { type Zone } from './zone.ts';

export interface ResolverOptions {
  readonly zone: Zone;
  readonly forwarder: Forwarder;
  /** Ranges of the cluster: their reverse names are never asked of anybody else. */
  readonly ownRanges: readonly Cidr[];
  /** Seconds. @default 5 */
  readonly ttl?: number;
  /** False until the first lists are in: an answer before that could only be wrong. */
  readonly isReady: () => boolean;
  /** Names of Pods by their address. @default insecure */
  readonly pods?: PodMode;
  /** For `pods: 'verified'`. */
  readonly podAddresses?: PodAddresses;
  /** Walks the search path of a Pod on its behalf. @default off */
  readonly autopath?: Autopath;
  /** @default kube-system/kube-dns */
  readonly dnsService?: { readonly namespace: string; readonly name: string };
  /** Compiled answers that are kept. @default 20000 */
  readonly maxTemplates?: number;
}

/**
 * From the bytes of a query to the bytes of its answer; undefined where silence is right. What is answered from memory
 * comes at once. `client` is the address it came from, for autopath.
 */
export type Resolve = (
  bytes: Buffer,
  transport: 'udp' | 'tcp',
  client?: string,
) => Promise<Uint8Array | undefined> | Uint8Array | undefined;

export function createResolver(options: ResolverOptions): Resolve {
  const { zone, forwarder, ttl = 5, isReady, autopath, maxTemplates = 20_000 } = options;
  const source = answerSource(options);
  const compileOptions = { ttl, zone: zone.name };
  const templates = new TemplateCache(maxTemplates);
  let turn = 0;

  const resolveSlowly = (query: Query, limit: number, client: string | undefined): ReturnType<Resolve> => {
    const question = { name: nameOf(query), type: query.type };
    const answer = answerQuestion(source, question);
    if (answer.kind === 'outside') {
      if (answer.aliases.length > 0) return aliasedReply({ query, limit, forwarder, ttl }, answer);
      return forward(query, limit);
    }
    if (answer.rcode === 'NXDOMAIN') {
      const walked =
        autopath === undefined
          ? undefined
          : autopathReply({ autopath, query, limit, client, source, forwarder, ttl, turn: turn++ });
      if (!(walked instanceof Promise)) return walked ?? noSuchName(query, zone.name, ttl);
      return walked.then((found) => found ?? noSuchName(query, zone.name, ttl));
    }
    const template = compileTemplate(question, answer, compileOptions);
    if (template.owner !== undefined) templates.set(query.key, template);
    return reply(template, query, limit, turn++);
  };
  const forward = (query: Query, limit: number): ReturnType<Resolve> => {
    if (query.type === RECORD_TYPES.HINFO && forwarder.noticeLoop(nameOf(query))) return bareReply(query, 'REFUSED');
    const asked = forwarder.ask({
      key: query.key,
      dnssecOk: query.dnssecOk,
      checkingDisabled: ((query.bytes[3] ?? 0) & 0x10) !== 0,
    });
    if (!(asked instanceof Promise)) return forwardedReply(asked, query, limit);
    return asked.then(
      (forwarded) => forwardedReply(forwarded, query, limit),
      () => bareReply(query, 'SERVFAIL'),
    );
  };

  return (bytes, transport, client) => {
    const query = parseQuery(bytes);
    if (query.kind === 'ignore') return undefined;
    if (query.kind === 'error') return errorReply(bytes, query.rcode);
    if (!isInternetClass(query)) return bareReply(query, 'REFUSED');
    if (!isReady()) return bareReply(query, 'SERVFAIL');
    const limit = sizeLimit(query, transport);
    const template = templates.get(query.key);
    if (template !== undefined) return reply(template, query, limit, turn++);
    if (query.type === RECORD_TYPES.AXFR || query.type === RECORD_TYPES.IXFR) return bareReply(query, 'REFUSED');
    return resolveSlowly(query, limit, client);
  };
}

function answerSource(options: ResolverOptions): AnswerSource {
  const { zone, ownRanges, pods = 'insecure', podAddresses } = options;
  const isOwnAddress = (address: Address): boolean => {
    const ip = ipOf(address);
    return ownRanges.some((range) => cidrContains(range, ip));
  };
  const dnsService = options.dnsService ?? { namespace: 'kube-system', name: 'kube-dns' };
  return { zone, pods, podAddresses, isOwnAddress, dnsService };
}
