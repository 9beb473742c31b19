import { Re2 } from '#api/re2/regexp.ts';
import type { WireName } from '../name.ts';
import { parseRecord, recordType, WRITTEN_TYPES } from '../record-text.ts';
import { RCODES } from '../record-type.ts';
import { argumentsOf, fallthroughZones, rcodeNamed, unknownProperty, zonesOrBlock, typeNamed } from './arguments.ts';
import type { Directive, Line } from './corefile.ts';
import { regularExpression } from './regular-expression.ts';
import { fillTemplate, parseTemplate, type TemplateData, type TemplatePart } from './go-template.ts';
import { corefileError } from './place.ts';
import type { TemplateRule } from './server-config.ts';

type Draft = { -readonly [K in keyof TemplateRule]: TemplateRule[K] };
const MANY = Number.POSITIVE_INFINITY;
const EVERY_NAME = new Re2('.*');

/** `template CLASS TYPE [ZONE...] { ... }` */
export function readTemplate(directive: Directive, block: readonly WireName[]): TemplateRule {
  const [queryClass = '', type = '', ...zones] = argumentsOf(directive, 2, MANY);
  if (queryClass !== 'IN' && queryClass !== 'ANY') {
    throw corefileError(directive, `template cannot be for class "${queryClass}": it is IN or ANY`);
  }
  const draft: Draft = {
    zones: zonesOrBlock(directive, zones, block),
    type: typeNamed(directive, type),
    patterns: [],
    answers: [],
    authorities: [],
    additionals: [],
    rcode: RCODES.NOERROR,
    fallthrough: [],
  };
  // What records may refer to stands in the patterns, which may come after them.
  const lines = (directive.block ?? []).toSorted((a, b) => Number(b.name === 'match') - Number(a.name === 'match'));
  for (const line of lines) {
    const read = Object.hasOwn(PROPERTIES, line.name) ? PROPERTIES[line.name] : undefined;
    if (read === undefined) throw unknownProperty(line, 'template', Object.keys(PROPERTIES));
    read(draft, line);
  }
  return Object.freeze({ ...draft, patterns: draft.patterns.length === 0 ? [EVERY_NAME] : draft.patterns });
}

const PROPERTIES: Readonly<Record<string, (draft: Draft, line: Line) => void>> = {
  match: (draft, line) => {
    const patterns = argumentsOf(line, 1, MANY).map((text) => regularExpression(line, text));
    draft.patterns = [...draft.patterns, ...patterns];
  },
  answer: (draft, line) => {
    draft.answers = [...draft.answers, ...records(draft, line)];
  },
  additional: (draft, line) => {
    draft.additionals = [...draft.additionals, ...records(draft, line)];
  },
  authority: (draft, line) => {
    draft.authorities = [...draft.authorities, ...records(draft, line)];
  },
  rcode: (draft, line) => {
    draft.rcode = rcodeNamed(line, argumentsOf(line, 1)[0] ?? '');
  },
  fallthrough: (draft, line) => {
    draft.fallthrough = fallthroughZones(line);
  },
  // CoreDNS has no use for it any more, either.
  upstream: () => {},
};

function records({ patterns }: Draft, line: Line): readonly (readonly TemplatePart[])[] {
  return argumentsOf(line, 1, MANY).map((text) => {
    const parts = parseTemplate(line, text);
    const data = exampleData(patterns);
    try {
      const record = fillTemplate(parts, data);
      // Its data may only be right with the names of questions.
      if (parts.every((part) => typeof part === 'string')) parseRecord(record);
      const type = recordType(record);
      if (WRITTEN_TYPES.includes(type)) return parts;
      throw new SyntaxError(`Cannot write records of type "${type}": there is ${WRITTEN_TYPES.join(', ')}`);
    } catch (error) {
      throw corefileError(line, `"${text}" is no record: ${(error as Error).message}`);
    }
  });
}

/** Of each group that there is in one of the patterns, a number that may stand in addresses. */
function exampleData(patterns: readonly Re2[]): TemplateData {
  const keys = patterns.flatMap(({ names }) => names.flatMap((name, i) => [String(i), ...(name === '' ? [] : [name])]));
  const groups = Object.fromEntries(['0', ...keys].map((key) => [key, '1']));
  const match = Array.from({ length: Math.max(1, ...patterns.map(({ names }) => names.length)) }, () => '1');
  const fields = { Name: 'name.', Zone: 'zone.', Class: 'IN', Type: 'A', Remote: '192.0.2.1' };
  return { fields, match, groups };
}
