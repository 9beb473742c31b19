import { isObject, valueAt } from '../patch/json-value.ts';

/**
 * The JSONPath of printer columns and scale paths: `.spec.x`, `['a.b']`, `[0]`, `[*]`, `[?(@.type=="Ready")]`, with or
 * without braces and `$` around it.
 */
export type JsonPath = (value: unknown) => readonly unknown[];

type Step = (value: unknown) => readonly unknown[];

const NAME = /^\.?([^.[\]{}'"()\s]+)/;
const QUOTED = /^\[\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")\s*\]/;
const INDEX = /^\[\s*(-?\d+)\s*\]/;
const ALL = /^(?:\[\s*\*\s*\]|\.\*)/;
const FILTER = /^\[\s*\?\(\s*@((?:\.[^.[\]'"()\s=!<>]+)+)\s*(?:(==|!=)\s*("[^"]*"|'[^']*'|[^\s)]+)\s*)?\)\s*\]/;

/** Undefined for a text that is no such path. */
export function parseJsonPath(text: string): JsonPath | undefined {
  let rest = text
    .trim()
    .replace(/^\{(.*)\}$/s, '$1')
    .replace(/^\$/, '');
  const steps: Step[] = [];
  while (rest !== '' && rest !== '.') {
    const parsed = parseStep(rest);
    if (parsed === undefined) return undefined;
    steps.push(parsed.step);
    rest = rest.slice(parsed.length);
  }
  return (value) => steps.reduce<readonly unknown[]>((values, step) => values.flatMap(step), [value]);
}

function parseStep(text: string): { readonly step: Step; readonly length: number } | undefined {
  const all = ALL.exec(text);
  if (all !== null) return { step: membersOf, length: all[0].length };
  const quoted = QUOTED.exec(text);
  if (quoted !== null) return { step: member(unescaped(quoted[1] ?? quoted[2] ?? '')), length: quoted[0].length };
  const index = INDEX.exec(text);
  if (index !== null) return { step: item(Number(index[1])), length: index[0].length };
  const filter = FILTER.exec(text);
  if (filter !== null) return { step: matching(filter), length: filter[0].length };
  const name = NAME.exec(text.replaceAll(String.raw`\.`, '\0'));
  if (name === null) return undefined;
  const escapes = (name[0].match(/\0/g) ?? []).length;
  return { step: member((name[1] ?? '').replaceAll('\0', '.')), length: name[0].length + escapes };
}

function unescaped(text: string): string {
  return text.replaceAll(/\\(.)/g, '$1');
}

function member(name: string): Step {
  return (value) => {
    const found = isObject(value) ? valueAt(value, name) : undefined;
    return found === undefined ? [] : [found];
  };
}

function item(index: number): Step {
  return (value) => {
    const found: unknown = Array.isArray(value) ? value.at(index) : undefined;
    return found === undefined ? [] : [found];
  };
}

function membersOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  return isObject(value) ? Object.values(value) : [];
}

function matching([, path = '', operator, literal]: RegExpExecArray): Step {
  const steps = path.split('.').slice(1).map(member);
  const wanted = literal === undefined ? undefined : literal.replace(/^(["'])(.*)\1$/s, '$2');
  return (value) =>
    membersOf(value).filter((candidate) => {
      const found = steps.reduce<readonly unknown[]>((values, step) => values.flatMap(step), [candidate]);
      if (wanted === undefined) return found.length > 0;
      return found.some((actual) => String(actual) === wanted) === (operator === '==');
    });
}

/** What a path finds as the text that a column shows. */
export function jsonPathText(values: readonly unknown[]): string {
  return values.map((value) => (typeof value === 'string' ? value : JSON.stringify(value))).join(' ');
}
