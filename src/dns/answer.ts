import { parseIp } from '#base/ip.ts';
import { type DnsRecord } from './record.ts';
import { type Zone } from './zone.ts';

export interface Question {
  /** As it was asked: case is kept in the answer. No trailing dot. */
  readonly name: string;
  /** `A`, `AAAA`, `SRV` ... or `TYPE64` for one that has no name here. */
  readonly type: string;
}

export type Answer =
  | {
      readonly kind: 'answer';
      readonly rcode: 'NOERROR' | 'NXDOMAIN';
      readonly answers: readonly DnsRecord[];
      readonly additionals: readonly DnsRecord[];
      /** A negative answer carries the zone's SOA. */
      readonly soa: boolean;
    }
  /** A name outside of the cluster; `answers` holds the alias that led there, if one did. */
  | { readonly kind: 'forward'; readonly name: string; readonly answers: readonly DnsRecord[] };

/** What the zone has to say to a question; pure. Behaves as CoreDNS does, NXDOMAIN against NODATA included. */
export function answerQuestion(zone: Zone, question: Question, isOwnAddress: (reverseName: string) => boolean): Answer {
  const name = question.name.toLowerCase();
  if (name !== zone.domain && !name.endsWith(`.${zone.domain}`)) return outside(zone, name, question, isOwnAddress);
  const records = zone.lookup(name) ?? podRecords(zone, name);
  if (records === undefined) return exists(zone, name) ? noData : noName;
  const alias = records.find((record) => record.kind === 'CNAME');
  if (alias?.kind === 'CNAME') return followAlias(zone, question, alias);
  const answers = withName(
    records.filter((record) => record.kind === question.type),
    question.name,
  );
  return answers.length === 0 ? noData : positive(zone, answers);
}

const noData: Answer = Object.freeze({ kind: 'answer', rcode: 'NOERROR', answers: [], additionals: [], soa: true });
const noName: Answer = Object.freeze({ kind: 'answer', rcode: 'NXDOMAIN', answers: [], additionals: [], soa: true });

function positive(zone: Zone, answers: readonly DnsRecord[]): Answer {
  const targets = new Set(answers.flatMap((record) => (record.kind === 'SRV' ? [record.target] : [])));
  const additionals = [...targets].flatMap((target) =>
    (zone.lookup(target) ?? []).filter((record) => record.kind === 'A' || record.kind === 'AAAA'),
  );
  return { kind: 'answer', rcode: 'NOERROR', answers, additionals, soa: false };
}

/** Resolvers that match the answer to the question by its text (0x20) get the case they asked with. */
function withName(records: readonly DnsRecord[], name: string): readonly DnsRecord[] {
  return records.map((record) => ({ ...record, name }));
}

function followAlias(zone: Zone, question: Question, alias: Extract<DnsRecord, { kind: 'CNAME' | 'PTR' }>): Answer {
  const first = withName([alias], question.name);
  if (question.type === 'CNAME') return positive(zone, first);
  const target = alias.target;
  if (!target.endsWith(`.${zone.domain}`)) return { kind: 'forward', name: target, answers: first };
  // One step only: an alias to an alias inside of the cluster is somebody's loop.
  const records = (zone.lookup(target) ?? []).filter((record) => record.kind === question.type);
  return positive(zone, [...first, ...records]);
}

/** Reverse names of our own addresses are answered here even when nothing stands behind them: nobody else knows them. */
function outside(zone: Zone, name: string, question: Question, isOwnAddress: (name: string) => boolean): Answer {
  const records = zone.lookup(name);
  if (records !== undefined) {
    const answers = records.filter((record) => record.kind === question.type);
    return answers.length === 0 ? noData : positive(zone, withName(answers, question.name));
  }
  return isOwnAddress(name) ? noName : { kind: 'forward', name: question.name, answers: [] };
}

/** Names that have no records of their own but others below them. */
function exists(zone: Zone, name: string): boolean {
  if (name === zone.domain) return true;
  const labels = name.slice(0, -zone.domain.length - 1).split('.');
  const [last = '', namespace] = labels.toReversed();
  if (last !== 'svc' && last !== 'pod') return false;
  return labels.length === 1 || (labels.length === 2 && namespace !== undefined && zone.hasNamespace(namespace));
}

/** `10-244-0-5.default.pod.cluster.local`: the address is in the name, the namespace must be there. */
function podRecords(zone: Zone, name: string): readonly DnsRecord[] | undefined {
  const [dashed = '', namespace = '', pod, ...rest] = name.split('.');
  if (pod !== 'pod' || rest.join('.') !== zone.domain || !zone.hasNamespace(namespace)) return undefined;
  const v4 = dashed.replaceAll('-', '.');
  if (parseIp(v4)?.family === 4) return [{ kind: 'A', name, address: v4 }];
  const v6 = dashed.replaceAll('-', ':');
  return parseIp(v6)?.family === 6 ? [{ kind: 'AAAA', name, address: v6 }] : undefined;
}
