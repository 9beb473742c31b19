import { type Cidr, cidrContains } from '#base/cidr.ts';
import { ipOf } from './address.ts';
import type { AnswerSource } from './answer.ts';
import type { Autopath } from './autopath.ts';
import { forwardHandler } from './forward-handler.ts';
import type { Forwarder } from './forward-socket.ts';
import type { AskOutside, Handler } from './handler.ts';
import { kubernetesHandler } from './kubernetes-handler.ts';
import type { PodAddresses, PodMode } from './pod-name.ts';
import { isInternetClass, parseQuery } from './query.ts';
import { RCODES, RECORD_TYPES } from './record-type.ts';
import { bareReply, errorReply, sizeLimit } from './reply.ts';
import { upstreamQuery } from './upstream-query.ts';
import type { Zone } from './zone.ts';

/**
 * From the bytes of a query to the bytes of its answer; undefined where silence is right. What is answered from memory
 * comes at once. `client` is the address it came from, for autopath and logs; `depth` counts questions of our own that
 * led to this one.
 */
export type Resolve = (
  bytes: Buffer,
  transport: 'udp' | 'tcp',
  client?: string,
  depth?: number,
) => Promise<Uint8Array | undefined> | Uint8Array | undefined;

const refused: Handler = (query) => bareReply(query, 'REFUSED');

/** Reads what comes in, refuses what nobody answers, and leaves the rest to the stages; other classes to `otherClass`. */
export function resolveWith(handler: Handler, otherClass: Handler = refused): Resolve {
  return (bytes, transport, client, depth = 0) => {
    const query = parseQuery(bytes);
    if (query.kind === 'ignore') return undefined;
    if (query.kind === 'error') return errorReply(bytes, query.rcode);
    if (!isInternetClass(query)) return otherClass(query, sizeLimit(query, transport), client, depth);
    if (query.type === RECORD_TYPES.AXFR || query.type === RECORD_TYPES.IXFR) return bareReply(query, 'REFUSED');
    return handler(query, sizeLimit(query, transport), client, depth);
  };
}

/** Aliases of aliases through all stages, as many as anybody means; then it is a circle. */
const MAX_DEPTH = 8;

/** Asks the stages themselves: a name at the end of an alias may be rewritten, or belong to another zone. */
export function outsideThrough(resolve: () => Resolve): AskOutside {
  return (key, checkingDisabled, depth) => {
    const query = upstreamQuery(key, { edns: false, checkingDisabled });
    const failed = (): Uint8Array => failure(query);
    if (depth >= MAX_DEPTH) return failed();
    const answer = resolve()(query, 'tcp', undefined, depth + 1);
    return answer instanceof Promise ? answer.then((found) => found ?? failed(), failed) : (answer ?? failed());
  };
}

function failure(query: Buffer): Uint8Array {
  const out = Buffer.from(query);
  out.writeUInt16BE(0x8180 | RCODES.SERVFAIL, 2);
  return out;
}

export interface ResolverOptions {
  readonly zone: Zone;
  readonly forwarder: Forwarder;
  /** Ranges of the cluster: their reverse names are never asked of anybody else. */
  readonly ownRanges: readonly Cidr[];
  /** Seconds. @default 5 */
  readonly ttl?: number;
  readonly isReady: () => boolean;
  /** Names of Pods by their address. @default insecure */
  readonly pods?: PodMode;
  /** For `pods: 'verified'`. */
  readonly podAddresses?: PodAddresses;
  /** Walks the search path of a Pod on its behalf. @default off */
  readonly autopath?: Autopath | undefined;
  /** @default kube-system/kube-dns */
  readonly dnsService?: { readonly namespace: string; readonly name: string };
  /** Of compiled answers that are kept. @default 4 MiB */
  readonly maxCompiledBytes?: number;
}

/** One cluster's names, and servers that know the others. */
export function createResolver(options: ResolverOptions): Resolve {
  const { forwarder, ttl = 5, isReady, autopath, maxCompiledBytes } = options;
  const outside = outsideThrough(() => resolve);
  const next = forwardHandler({ forwarder });
  const source = answerSource(options);
  const resolve = resolveWith(kubernetesHandler({ source, ttl, isReady, autopath, maxCompiledBytes, outside, next }));
  return resolve;
}

function answerSource(options: ResolverOptions): AnswerSource {
  const { zone, ownRanges, pods = 'insecure', podAddresses } = options;
  const dnsService = options.dnsService ?? { namespace: 'kube-system', name: 'kube-dns' };
  const keepsReverse: AnswerSource['keepsReverse'] = (_name, address) => {
    if (address === undefined) return false;
    const ip = ipOf(address);
    return ownRanges.some((range) => cidrContains(range, ip));
  };
  return { zone, pods, podAddresses, keepsReverse, dnsService };
}
