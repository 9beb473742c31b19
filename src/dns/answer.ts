import { type Address, addressOfReverse } from './address.ts';
import { labelsOf, trimSuffix, type WireName } from './name.ts';
import { type PodAddresses, type PodMode, podAddress } from './pod-name.ts';
import { RECORD_TYPES } from './record-type.ts';
import type { DnsRecord } from './record.ts';
import type { ServiceEntry } from './service-entry.ts';
import { addressRecords, locationRecords, type Match, matchesOf, targetOf } from './service-records.ts';
import type { Zone } from './zone.ts';

export interface Question {
  readonly name: WireName;
  readonly type: number;
}

/** All that an answer is made of. */
export interface AnswerSource {
  readonly zone: Zone;
  readonly pods: PodMode;
  /** Needed where `pods` is `verified`. */
  readonly podAddresses?: PodAddresses | undefined;
  /** Whether a reverse name is one that nobody else is asked for. No address where the name is not a whole one. */
  readonly keepsReverse: (name: WireName, address: Address | undefined) => boolean;
  /** Whether reverse names like this are ours to look at. @default all */
  readonly servesReverse?: ((name: WireName) => boolean) | undefined;
  /** Services of namespaces that are not there do not exist either. @default false */
  readonly onlyKnownNamespaces?: boolean | undefined;
  /** ClusterIP Services without ready endpoints do not exist. @default false */
  readonly ignoreEmptyServices?: boolean | undefined;
  /** The Service that clients reach us by: what NS says. */
  readonly dnsService: { readonly namespace: string; readonly name: string };
}

export interface LocalAnswer {
  readonly kind: 'answer';
  readonly rcode: 'NOERROR' | 'NXDOMAIN';
  readonly answers: readonly DnsRecord[];
  readonly additionals: readonly DnsRecord[];
  /** A negative answer carries the zone's SOA. */
  readonly soa: boolean;
  /** The only Service that the answer depends on: it is right for as long as that has the same version. */
  readonly owner?: ServiceEntry;
}

/** A name outside of the cluster; `aliases` led there. */
export interface OutsideAnswer {
  readonly kind: 'outside';
  readonly name: WireName;
  readonly aliases: readonly DnsRecord[];
}

export type Answer = LocalAnswer | OutsideAnswer;

const NO_DATA: LocalAnswer = Object.freeze({
  kind: 'answer',
  rcode: 'NOERROR',
  answers: [],
  additionals: [],
  soa: true,
});
const NO_NAME: LocalAnswer = Object.freeze({
  kind: 'answer',
  rcode: 'NXDOMAIN',
  answers: [],
  additionals: [],
  soa: true,
});
/** Aliases of aliases, as many as CoreDNS follows; then it is somebody's loop. */
const MAX_ALIASES = 8;

/** What the zone has to say to a question; pure. Behaves as CoreDNS does, NXDOMAIN against NODATA included. */
export function answerQuestion(source: AnswerSource, question: Question): Answer {
  const labels = labelsOf(question.name);
  const { zone } = source;
  const above = labels.length - zone.labels.length;
  if (above < 0 || zone.labels.some((label, i) => label !== labels[above + i])) {
    return outside(source, question, labels);
  }
  const [last, namespace, service, ...rest] = labels.slice(0, above).toReversed();
  if (last === undefined) return apex(source, question);
  if (last !== 'svc' && last !== 'pod') return special(source, question);
  if (namespace === undefined) return noData(question);
  if (service === undefined) return zone.hasNamespace(namespace) ? noData(question) : NO_NAME;
  if (last === 'pod') return rest.length === 0 ? podAnswer(source, question, service, namespace) : NO_NAME;
  if (source.onlyKnownNamespaces === true && !zone.hasNamespace(namespace)) return NO_NAME;
  const entry = zone.service(namespace, service);
  return entry === undefined ? NO_NAME : serviceAnswer(source, question, entry, rest);
}

function positive(
  answers: readonly DnsRecord[],
  additionals: readonly DnsRecord[] = [],
  owner?: ServiceEntry,
): LocalAnswer {
  if (answers.length === 0) return owner === undefined ? NO_DATA : { ...NO_DATA, owner };
  const answer = { kind: 'answer', rcode: 'NOERROR', answers, additionals, soa: false } as const;
  return owner === undefined ? answer : { ...answer, owner };
}

/** RFC 8482 4.2: who asks for everything gets one record that says no. */
function noData({ name, type }: Question, owner?: ServiceEntry): LocalAnswer {
  return positive(type === RECORD_TYPES.ANY ? [{ kind: 'HINFO', name, text: 'RFC8482' }] : [], [], owner);
}

function apex({ zone, dnsService }: AnswerSource, question: Question): Answer {
  const { name, type } = question;
  if (type === RECORD_TYPES.SOA) return positive([{ kind: 'SOA', name }]);
  if (type !== RECORD_TYPES.NS) return noData(question);
  const entry = zone.service(dnsService.namespace, dnsService.name);
  if (entry === undefined) return NO_DATA;
  const additionals = addressRecords(entry.name, dnsAddresses(zone, entry));
  return positive([{ kind: 'NS', name, target: entry.name }], additionals);
}

function dnsAddresses(zone: Zone, entry: ServiceEntry): readonly Address[] {
  return (matchesOf(zone, entry) ?? []).map(({ address }) => address);
}

/** The two names that are not below `svc` or `pod`. */
function special({ zone, dnsService }: AnswerSource, question: Question): Answer {
  const { name, type } = question;
  const own = trimSuffix(name, zone.name);
  if (own === '\x0bdns-version') {
    return type === RECORD_TYPES.TXT ? positive([{ kind: 'TXT', name, text: '1.1.0' }]) : noData(question);
  }
  const entry = own === '\x02ns\x03dns' ? zone.service(dnsService.namespace, dnsService.name) : undefined;
  if (entry === undefined) return NO_NAME;
  const records = addressRecords(name, dnsAddresses(zone, entry)).filter(({ kind }) => RECORD_TYPES[kind] === type);
  return records.length === 0 ? noData(question) : positive(records);
}

function podAnswer(source: AnswerSource, question: Question, label: string, namespace: string): LocalAnswer {
  const address = podAddress(source.pods, source.podAddresses, label, namespace);
  if (address === undefined || !source.zone.hasNamespace(namespace)) return NO_NAME;
  const records = addressRecords(question.name, [address]).filter(({ kind }) => RECORD_TYPES[kind] === question.type);
  return records.length === 0 ? noData(question) : positive(records);
}

/** `rest` are the labels before the Service's own, the nearest first: an endpoint, or a protocol and a port. */
function serviceAnswer(source: AnswerSource, question: Question, entry: ServiceEntry, rest: readonly string[]): Answer {
  const { shape } = entry;
  if (rest.length > 2 || shape === undefined) return NO_NAME;
  if (source.ignoreEmptyServices === true && shape.kind === 'clusterIp' && !hasEndpoints(entry)) return NO_NAME;
  if (shape.kind === 'alias') return rest.length === 0 ? aliasAnswer(source, question, entry, shape.target) : NO_NAME;
  const [first = '', second = ''] = rest;
  const asked =
    rest.length === 2
      ? { protocol: withoutUnderscore(first), port: withoutUnderscore(second) }
      : rest.length === 1
        ? { endpoint: first }
        : {};
  const matches = matchesOf(source.zone, entry, asked);
  return matches === undefined ? NO_NAME : matchAnswer(question, entry, matches);
}

function hasEndpoints({ parts }: ServiceEntry): boolean {
  return parts.some(({ addresses }) => addresses.length > 0);
}

/** CoreDNS takes the labels of a port also without it. */
function withoutUnderscore(label: string): string {
  return label.startsWith('_') ? label.slice(1) : label;
}

function matchAnswer(question: Question, entry: ServiceEntry, matches: readonly Match[]): LocalAnswer {
  const { name, type } = question;
  if (type === RECORD_TYPES.SRV) {
    const { answers, additionals } = locationRecords(name, entry, matches);
    return positive(answers, additionals, entry);
  }
  if (type !== RECORD_TYPES.A && type !== RECORD_TYPES.AAAA) return noData(question, entry);
  const kind = type === RECORD_TYPES.A ? 'number' : 'string';
  const addresses = new Set<Address>();
  for (const { address } of matches) if (typeof address === kind) addresses.add(address);
  return positive(addressRecords(name, [...addresses]), [], entry);
}

/** Only addresses and texts are looked for at the other end; for them an alias that leads nowhere is no data. */
function aliasAnswer(source: AnswerSource, question: Question, entry: ServiceEntry, target: WireName): Answer {
  const { name, type } = question;
  if (type === RECORD_TYPES.CNAME) return positive([{ kind: 'CNAME', name, target }], [], entry);
  if (type !== RECORD_TYPES.A && type !== RECORD_TYPES.AAAA && type !== RECORD_TYPES.TXT) {
    return noData(question, entry);
  }
  const aliases: DnsRecord[] = [{ kind: 'CNAME', name, target }];
  const seen = new Set([name, target]);
  for (let at = target; ;) {
    if (trimSuffix(at, source.zone.name) === undefined) return { kind: 'outside', name: at, aliases };
    const next = aliasTarget(source, at);
    if (next === undefined) {
      const found = answerQuestion(source, { name: at, type });
      const records = found.kind === 'answer' ? found.answers : [];
      return records.length === 0 ? NO_DATA : positive([...aliases, ...records]);
    }
    if (seen.has(next) || aliases.length === MAX_ALIASES) return NO_DATA;
    seen.add(next);
    aliases.push({ kind: 'CNAME', name: at, target: next });
    at = next;
  }
}

function aliasTarget(source: AnswerSource, name: WireName): WireName | undefined {
  const found = answerQuestion(source, { name, type: RECORD_TYPES.CNAME });
  const record = found.kind === 'answer' ? found.answers[0] : undefined;
  return record?.kind === 'CNAME' ? record.target : undefined;
}

/** Reverse names of our own addresses are answered here even when nothing stands behind them: nobody else knows them. */
function outside(
  { zone, keepsReverse, servesReverse }: AnswerSource,
  question: Question,
  labels: readonly string[],
): Answer {
  const forward: OutsideAnswer = { kind: 'outside', name: question.name, aliases: [] };
  if (labels.at(-1) !== 'arpa' || servesReverse?.(question.name) === false) return forward;
  const address = addressOfReverse(labels);
  const targets = address === undefined ? [] : reverseTargets(zone, address);
  if (targets.length === 0) return keepsReverse(question.name, address) ? NO_NAME : forward;
  if (question.type !== RECORD_TYPES.PTR) return noData(question);
  return positive(targets.map((target) => ({ kind: 'PTR', name: question.name, target })));
}

function reverseTargets(zone: Zone, address: Address): readonly WireName[] {
  const service = zone.serviceOfClusterIp(address);
  if (service !== undefined) return [service.name];
  const targets: WireName[] = [];
  for (const part of zone.partsOfAddress(address)) {
    const { owner, addresses, hostnames } = part;
    if (owner.shape === undefined || owner.shape.kind === 'alias') continue;
    for (let i = addresses.indexOf(address); i !== -1; i = addresses.indexOf(address, i + 1)) {
      const target = targetOf(owner, address, hostnames?.[i]);
      if (!targets.includes(target)) targets.push(target);
    }
  }
  return targets;
}
