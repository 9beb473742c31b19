import { decode, type Answer } from 'dns-packet';
import { fillTemplate, type TemplateData, type TemplatePart } from './corefile/go-template.ts';
import type { TemplateRule } from './corefile/server-config.ts';
import type { AskOutside, Handler } from './handler.ts';
import { isBelow, nameText, wireName, type WireName } from './name.ts';
import { packedReply } from './packed-reply.ts';
import { keyOf, nameOf, type Query } from './query.ts';
import { RCODES, RECORD_TYPES, typeName } from './record-type.ts';
import { parseRecord } from './record-text.ts';
import { bareReply } from './reply.ts';

export interface TemplateHandlerOptions {
  readonly rules: readonly TemplateRule[];
  readonly outside: AskOutside;
  readonly next: Handler;
}

const CHECKING_DISABLED = 0x10;

/** Answers what is written in the configuration, with parts of the name that is asked for. */
export function templateHandler({ rules: written, outside, next }: TemplateHandlerOptions): Handler {
  // The longest zone that a name is in is the one that is meant.
  const rules = written.map((rule) => ({ ...rule, zones: rule.zones.toSorted((a, b) => b.length - a.length) }));
  return (query, limit, client, depth) => {
    const name = nameOf(query);
    for (const rule of rules) {
      const zone = rule.zones.find((own) => isBelow(name, own));
      if (zone === undefined || !isFor(rule, query.type)) continue;
      const data = dataOf(rule, query, zone, client);
      if (data === undefined && rule.fallthrough.some((own) => isBelow(name, own))) continue;
      if (data === undefined || rule.rcode === RCODES.SERVFAIL) return bareReply(query, 'SERVFAIL');
      try {
        return answered(rule, data, { query, limit, outside, depth });
      } catch {
        // What came of it is no record, as CoreDNS says it.
        return bareReply(query, 'SERVFAIL');
      }
    }
    return next(query, limit, client, depth);
  };
}

function isFor(rule: TemplateRule, type: number): boolean {
  return rule.type === RECORD_TYPES.ANY || type === RECORD_TYPES.ANY || rule.type === type;
}

function dataOf(rule: TemplateRule, query: Query, zone: WireName, client: string = ''): TemplateData | undefined {
  const name = dotted(nameOf(query));
  for (const pattern of rule.patterns) {
    const match = pattern.groups(name);
    if (match === undefined) continue;
    const named = pattern.names.flatMap((group, i) => (group === '' ? [] : [[group, match[i]]]));
    const type = typeName(query.type === RECORD_TYPES.ANY ? rule.type : query.type);
    return {
      fields: { Name: name, Zone: dotted(zone), Class: 'IN', Type: type, Remote: client },
      match,
      groups: Object.fromEntries([...match.entries(), ...named]) as Record<string, string>,
    };
  }
  return undefined;
}

const dotted = (name: WireName): string => (name === '\0' ? '.' : `${nameText(name)}.`);

interface Writing {
  readonly query: Query;
  readonly limit: number;
  readonly outside: AskOutside;
  readonly depth: number;
}

function answered(rule: TemplateRule, data: TemplateData, writing: Writing): Buffer | Promise<Buffer> {
  const records = (templates: readonly (readonly TemplatePart[])[]): readonly Answer[] =>
    templates.map((parts) => parseRecord(fillTemplate(parts, data)));
  const answers = records(rule.answers);
  const rest = { rcode: rule.rcode, authorities: records(rule.authorities), additionals: records(rule.additionals) };
  const { query, limit } = writing;
  const targets = answers.map((answer) => targetOf(answer, query));
  if (targets.every((target) => target === undefined)) return packedReply(query, limit, { ...rest, answers });
  return Promise.all(targets.map((target) => found(target, writing))).then((behind) =>
    packedReply(query, limit, { ...rest, answers: answers.flatMap((answer, i) => [answer, ...(behind[i] ?? [])]) }),
  );
}

/** Where an alias leads who asked for an address. */
function targetOf(answer: Answer, { type }: Query): WireName | undefined {
  if (answer.type !== 'CNAME' || (type !== RECORD_TYPES.A && type !== RECORD_TYPES.AAAA)) return undefined;
  return wireName(answer.data);
}

/** None where nobody knows: then the alias has to do. */
async function found(target: WireName | undefined, { query, outside, depth }: Writing): Promise<readonly Answer[]> {
  if (target === undefined) return [];
  try {
    const checkingDisabled = ((query.bytes[3] ?? 0) & CHECKING_DISABLED) !== 0;
    const answer = await outside(keyOf(target, query.type), checkingDisabled, depth);
    return decode(Buffer.from(answer)).answers ?? [];
  } catch {
    return [];
  }
}
