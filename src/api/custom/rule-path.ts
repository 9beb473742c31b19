import { isObject } from '../patch/json-value.ts';
import type { StructuralSchema } from './structural-schema.ts';

const STEP = /\.([^.[\]']+)|\['((?:[^'\\]|\\.)*)'\]/y;

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  "'": "'",
  '\\': '\\',
};

/** `.spec.replicas` or `.map['a.b']` as the path that errors show, below the value; undefined where the schema has no such. */
export function rulePath(path: string, schema: StructuralSchema): string | undefined {
  let at = 0;
  let shown = '';
  let current = schema;
  while (at < path.length) {
    STEP.lastIndex = at;
    const match = STEP.exec(path);
    if (match === null) return undefined;
    const name = match[1] ?? (match[2] ?? '').replaceAll(/\\(.)/g, (all, letter: string) => ESCAPES[letter] ?? all);
    const { properties, additionalProperties } = current;
    const isNamed = properties !== undefined;
    const next = isNamed
      ? Object.hasOwn(properties, name) && properties[name]
      : isObject(additionalProperties) && additionalProperties;
    if (next === false || next === undefined) return undefined;
    shown += isNamed ? `${shown === '' ? '' : '.'}${name}` : `[${name}]`;
    current = next;
    at += match[0].length;
  }
  return shown === '' ? undefined : shown;
}
