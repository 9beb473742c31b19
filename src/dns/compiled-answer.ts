import type { LocalAnswer, Question } from './answer.ts';
import { MessageWriter } from './message-writer.ts';
import type { WireName } from './name.ts';
import { HEADER_BYTES } from './query.ts';
import { RCODES } from './record-type.ts';
import type { DnsRecord } from './record.ts';
import type { ServiceEntry } from './service-entry.ts';

/** A whole answer, but for what each query brings: id, flags, the case of the name, EDNS0 and the room there is. */
export interface CompiledAnswer {
  /**
   * What comes after the header, one character a byte: a string of some bytes takes a tenth of what a buffer takes, and there
   * are many thousands.
   */
  readonly body: string;
  readonly rcode: number;
  readonly questionEnd: number;
  /** The first byte after each record, and after the question first: where an answer can be cut. */
  readonly ends: readonly number[];
  readonly answers: number;
  readonly authorities: number;
  /** Address records at the end of the answers, all of one size, which take turns to be first. */
  readonly turn: { readonly start: number; readonly size: number; readonly count: number } | undefined;
  /** Right for as long as the Service has this version; without one it is right only now. */
  readonly owner: ServiceEntry | undefined;
  readonly version: number;
}

export interface CompileOptions {
  /** Seconds. */
  readonly ttl: number;
  readonly zone: WireName;
}

/** A record must start below this, or its end would not be a number of two bytes. */
const MAX_START = 0xfc00;

export function compileAnswer(question: Question, answer: LocalAnswer, { ttl, zone }: CompileOptions): CompiledAnswer {
  const writer = new MessageWriter({ start: HEADER_BYTES, ttl, zone });
  writer.question(question.name, question.type);
  const ends = [writer.length];
  const authorities: readonly DnsRecord[] = answer.soa ? [{ kind: 'SOA', name: zone }] : [];
  const write = (records: readonly DnsRecord[]): number => {
    let written = 0;
    for (const record of records) {
      if (writer.length > MAX_START) break;
      writer.record(record);
      ends.push(writer.length);
      written++;
    }
    return written;
  };
  const answers = write(answer.answers);
  const turn = turnOf(answer.answers, ends, answers);
  const written = write(authorities);
  write(answer.additionals);
  return {
    body: writer.bytes().toString('latin1', HEADER_BYTES),
    rcode: RCODES[answer.rcode],
    questionEnd: ends[0] ?? 0,
    ends: sharedEnds(ends),
    answers,
    authorities: written,
    turn,
    owner: answer.owner,
    version: answer.owner?.version ?? 0,
  };
}

/** Where the one record of most answers ends: few different places, which are kept once. */
const SHARED_ENDS = new Map<number, readonly number[]>();
const MAX_SHARED_ENDS = 4096;

function sharedEnds(ends: readonly number[]): readonly number[] {
  const [first = 0, second = 0] = ends;
  if (ends.length !== 2 || SHARED_ENDS.size >= MAX_SHARED_ENDS) return ends.slice();
  const key = first * 65_536 + second;
  const known = SHARED_ENDS.get(key);
  if (known !== undefined) return known;
  const made = ends.slice();
  SHARED_ENDS.set(key, made);
  return made;
}

function turnOf(records: readonly DnsRecord[], ends: readonly number[], count: number): CompiledAnswer['turn'] {
  const first = records.findIndex(({ kind }) => kind === 'A' || kind === 'AAAA');
  const turning = count - first;
  if (first === -1 || turning < 2) return undefined;
  const start = ends[first] ?? 0;
  return { start, size: ((ends[count] ?? 0) - start) / turning, count: turning };
}
