import type { KindDefinition } from './kind.ts';
import { selectorError } from './label-selector.ts';
import type { KubeObject } from './object.ts';

export interface FieldRequirement {
  readonly field: string;
  readonly operator: '=' | '!=';
  readonly value: string;
}

export type FieldSelector = readonly FieldRequirement[];

/** Cuts at commas that no backslash stands before. */
function terms(text: string): readonly string[] {
  const parts: string[] = [];
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === ',') {
      parts.push(text.slice(start, i));
      start = i + 1;
    }
  }
  parts.push(text.slice(start));
  return parts;
}

function splitTerm(term: string): readonly [string, '=' | '!=', string] | undefined {
  for (let i = 0; i < term.length; i++) {
    if (term[i] === '\\') i++;
    else if (term.startsWith('!=', i)) return [term.slice(0, i), '!=', term.slice(i + 2)];
    else if (term.startsWith('==', i)) return [term.slice(0, i), '=', term.slice(i + 2)];
    else if (term[i] === '=') return [term.slice(0, i), '=', term.slice(i + 1)];
  }
  return undefined;
}

function unescape(value: string): string {
  let out = '';
  for (let i = 0; i < value.length; i++) {
    const char = value.charAt(i);
    if (char === '\\') {
      const next = value.charAt(++i);
      if (next === '' || !'\\,='.includes(next)) {
        throw selectorError(`invalid field selector: invalid escape sequence: \\${next}`);
      }
      out += next;
    } else if (char === ',' || char === '=') {
      throw selectorError(`invalid field selector: unescaped character in value: ${char}`);
    } else {
      out += char;
    }
  }
  return out;
}

/** The text of a `fieldSelector`: `metadata.name=web,status.phase!=Running`. Throws `InvalidSelector`. */
export function parseFieldSelector(text: string): FieldSelector {
  const requirements: FieldRequirement[] = [];
  for (const term of terms(text)) {
    if (term === '') continue;
    const parts = splitTerm(term);
    if (parts === undefined) throw selectorError(`invalid selector: '${text}'; can't understand '${term}'`);
    const [field, operator, value] = parts;
    requirements.push({ field, operator, value: unescape(value) });
  }
  return requirements;
}

/** The text of the 400 where the kind does not know one of the fields. */
export function fieldSelectorProblem(kind: KindDefinition, selector: FieldSelector): string | undefined {
  const unknown = selector.find(({ field }) => !Object.hasOwn(kind.fields, field));
  return unknown === undefined ? undefined : `field label not supported: ${unknown.field}`;
}

export function matchesFields(kind: KindDefinition, selector: FieldSelector, object: KubeObject): boolean {
  return selector.every(({ field, operator, value }) => {
    const found = kind.fields[field]?.(object) ?? '';
    return operator === '=' ? found === value : found !== value;
  });
}

/** The one name that the selector admits, which makes a list or watch that of a single object. */
export function selectedName(selector: FieldSelector): string | undefined {
  return selector.find(({ field, operator }) => field === 'metadata.name' && operator === '=')?.value;
}

export function formatFieldSelector(selector: FieldSelector): string {
  return selector
    .map(({ field, operator, value }) => `${field}${operator}${value.replace(/[\\,=]/g, (char) => `\\${char}`)}`)
    .join(',');
}
