/** Questions to a resolver in bytes, and its answers as text, with a codec that is not ours. */
import { decode, encode, type Answer, type DecodedPacket, type OptAnswer } from 'dns-packet';
import type { Resolve } from '../resolver.ts';

export interface Asking {
  readonly id?: number;
  readonly class?: string;
  /** Size that EDNS0 offers; absent: no EDNS0. */
  readonly edns?: number;
  readonly dnssecOk?: boolean;
  readonly options?: OptAnswer['options'];
}

export function queryBytes(name: string, type = 'A', asking: Asking = {}): Buffer {
  const opt = {
    type: 'OPT',
    name: '.',
    udpPayloadSize: asking.edns ?? 0,
    flags: asking.dnssecOk === true ? 0x8000 : 0,
    extendedRcode: 0,
    ednsVersion: 0,
    flag_do: asking.dnssecOk === true,
    options: asking.options ?? [],
  } as const;
  return encode({
    type: 'query',
    id: asking.id ?? 7,
    flags: 0x100,
    questions: [{ name, type: type as 'A', class: (asking.class ?? 'IN') as 'IN' }],
    ...(asking.edns === undefined ? {} : { additionals: [{ ...opt, options: [...opt.options] }] }),
  });
}

/** `RCODE [flags] | answer | ! authority | + additional`; TTLs only where asked for. */
export function responseText(bytes: Uint8Array, withTtl = false): string {
  const packet = decode(Buffer.from(bytes));
  const flags = `${packet.flag_aa ? '' : ' -aa'}${packet.flag_tc ? ' tc' : ''}`;
  const text = (record: Answer): string => recordLine(record, withTtl);
  return [
    `${rcodeOf(packet)}${flags}`,
    ...(packet.answers ?? []).map(text),
    ...(packet.authorities ?? []).map((record) => `! ${text(record)}`),
    ...(packet.additionals ?? []).map((record) => `+ ${text(record)}`),
  ].join(' | ');
}

function rcodeOf(packet: DecodedPacket): string {
  return (packet as { rcode?: string }).rcode ?? '';
}

function recordLine(record: Answer, withTtl: boolean): string {
  const ttl = withTtl && 'ttl' in record ? ` ${record.ttl}` : '';
  const head = `${record.name}${ttl} ${record.type}`;
  switch (record.type) {
    case 'SRV': {
      const { priority, weight, port, target } = record.data;
      return `${head} ${priority} ${weight} ${port} ${target}`;
    }
    case 'SOA': {
      const { mname, rname, minimum } = record.data;
      return `${head} ${mname} ${rname} ${minimum}`;
    }
    case 'TXT':
      return `${head} ${[record.data].flat().map(String).join(' ')}`;
    case 'HINFO':
      return `${head} ${record.data.cpu}`;
    case 'OPT':
      return `OPT ${record.udpPayloadSize}${record.flag_do ? ' do' : ''} ${record.options.length}`;
    case 'A':
    case 'AAAA':
    case 'CNAME':
    case 'PTR':
    case 'NS':
      return `${head} ${record.data}`;
    default:
      return head;
  }
}

export async function ask(resolve: Resolve, question: string, asking: Asking = {}, client?: string): Promise<string> {
  const [name = '', type = 'A'] = question.split(' ');
  const response = await resolve(queryBytes(name, type, asking), 'udp', client);
  return response === undefined ? 'silence' : responseText(response);
}
