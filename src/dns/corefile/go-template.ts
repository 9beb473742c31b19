import { corefileError, type Place } from './place.ts';

/** What stands in a text, or what is put there when a question comes. */
export type TemplatePart = string | TemplateValue;

export type TemplateValue =
  | { readonly kind: 'field'; readonly name: TemplateField }
  | { readonly kind: 'match'; readonly index: number }
  | { readonly kind: 'group'; readonly name: string }
  /** A number of another base, in decimal. */
  | { readonly kind: 'number'; readonly of: TemplateValue; readonly base: number; readonly bits: number };

const FIELDS = ['Name', 'Zone', 'Class', 'Type', 'Remote'] as const;
export type TemplateField = (typeof FIELDS)[number];

/** What a question brings. */
export interface TemplateData {
  readonly fields: Readonly<Record<TemplateField, string>>;
  readonly match: readonly string[];
  readonly groups: Readonly<Record<string, string | undefined>>;
}

/** The part of Go's templates that answers are written with: values, and no conditions, loops, variables or pipes. */
export function parseTemplate(place: Place, text: string): readonly TemplatePart[] {
  const parts: TemplatePart[] = [];
  const action = /\{\{(-\s)?([^]*?)(\s-)?\}\}/g;
  let at = 0;
  let trims = false;
  const literal = (piece: string, trimsEnd: boolean): void => {
    const begun = trims ? piece.trimStart() : piece;
    parts.push(trimsEnd ? begun.trimEnd() : begun);
  };
  for (const match of text.matchAll(action)) {
    const [whole, before, inner = '', after] = match;
    literal(text.slice(at, match.index), before !== undefined);
    if (!/^\s*\/\*[^]*\*\/\s*$/.test(inner)) parts.push(valueOf(place, inner));
    trims = after !== undefined;
    at = match.index + whole.length;
  }
  literal(text.slice(at), false);
  return parts.filter((part) => part !== '');
}

/** What a record in text has a use of its own for: clients choose the names that they ask for. */
const NO_WORD = /[\s"();\\]/;

/** @throws RangeError where a match or a group is not there, is no number, or is more than a part of one word. */
export function fillTemplate(parts: readonly TemplatePart[], data: TemplateData): string {
  return parts.map((part) => (typeof part === 'string' ? part : word(filled(part, data)))).join('');
}

function word(text: string): string {
  if (NO_WORD.test(text)) throw new RangeError(`Cannot fill a template: "${text}" is not one word`);
  return text;
}

function filled(value: TemplateValue, data: TemplateData): string {
  switch (value.kind) {
    case 'field':
      return data.fields[value.name];
    case 'match':
      return present(data.match[value.index], `match ${value.index}`);
    case 'group':
      return present(data.groups[value.name], `group "${value.name}"`);
    case 'number':
      return number(filled(value.of, data), value);
  }
}

function present(text: string | undefined, what: string): string {
  if (text === undefined) throw new RangeError(`Cannot fill a template: there is no ${what}`);
  return text;
}

function number(text: string, { base, bits }: { readonly base: number; readonly bits: number }): string {
  const digits = '0123456789abcdefghijklmnopqrstuvwxyz'.slice(0, base);
  const values = text
    .toLowerCase()
    .split('')
    .map((digit) => digits.indexOf(digit));
  const value = values.reduce((sum, digit) => sum * BigInt(base) + BigInt(digit), 0n);
  if (values.length > 0 && !values.includes(-1) && value < 1n << BigInt(bits)) return `${value}`;
  throw new RangeError(`Cannot fill a template: "${text}" is no number of ${bits} bits`);
}

const VALUE = String.raw`\(?\s*(?:\.(?<field>[A-Z]\w*)|\.Group\.(?<group>\w+)|index\s+\.Match\s+(?<index>\d+)|index\s+\.Group\s+"(?<key>\w+)")\s*\)?`;
const PLAIN = new RegExp(`^\\s*${VALUE}\\s*$`);
const PARSED = new RegExp(String.raw`^\s*parseInt\s+${VALUE}\s+(?<base>\d+)\s+(?<bits>\d+)\s*$`);

function valueOf(place: Place, inner: string): TemplateValue {
  const { groups = {} } = PARSED.exec(inner) ?? PLAIN.exec(inner) ?? {};
  const value = plainValue(groups);
  if (value === undefined) {
    throw corefileError(
      place,
      `"{{${inner}}}" is not supported in a template: there is ${FIELDS.map((name) => `.${name}`).join(', ')}, ` +
        '.Group.NAME, index .Match N, index .Group "N" and parseInt of one of these',
    );
  }
  if (groups['base'] === undefined) return value;
  const base = Number(groups['base']);
  // No bits are as many as there are, as in Go.
  const bits = Number(groups['bits']) || 64;
  if (base >= 2 && base <= 36 && bits <= 64) return { kind: 'number', of: value, base, bits };
  throw corefileError(place, `parseInt cannot have the base ${base} and ${bits} bits`);
}

function plainValue({ field, index, group, key }: Readonly<Record<string, string>>): TemplateValue | undefined {
  const known = FIELDS.find((name) => name === field);
  if (known !== undefined) return { kind: 'field', name: known };
  if (index !== undefined) return { kind: 'match', index: Number(index) };
  const name = group ?? key;
  return name === undefined ? undefined : { kind: 'group', name };
}
