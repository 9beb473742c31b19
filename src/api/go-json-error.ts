/** Where a reading of JSON is. */
interface Scan {
  readonly text: string;
  at: number;
}

class JsonError extends Error {}

/** A character as Go quotes it. */
function quoted(character: string): string {
  if (character === "'") return "'\\''";
  if (character === '"') return "'\"'";
  const code = character.codePointAt(0) ?? 0;
  if (character === '\\') return "'\\\\'";
  const named: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };
  if (named[character] !== undefined) return `'${named[character]}'`;
  return code < 0x20 ? `'\\x${code.toString(16).padStart(2, '0')}'` : `'${character}'`;
}

function wrong(scan: Scan, context: string): JsonError {
  const code = scan.text.codePointAt(scan.at);
  if (code === undefined) return new JsonError('unexpected end of JSON input');
  return new JsonError(`invalid character ${quoted(String.fromCodePoint(code))} ${context}`);
}

function skipSpace(scan: Scan): string {
  while (/[ \n\t\r]/.test(scan.text[scan.at] ?? '')) scan.at += 1;
  return scan.text[scan.at] ?? '';
}

function value(scan: Scan): void {
  const first = skipSpace(scan);
  if (first === '{') return object(scan);
  if (first === '[') return array(scan);
  if (first === '"') return text(scan);
  if (first === '-' || /\d/.test(first)) return number(scan);
  const literal = ['true', 'false', 'null'].find((name) => name.startsWith(first) && first !== '');
  if (literal === undefined) throw wrong(scan, 'looking for beginning of value');
  for (const [index, character] of Array.from(literal).entries()) {
    if (scan.text[scan.at] !== character) {
      const context =
        index === 0 ? 'looking for beginning of value' : `in literal ${literal} (expecting '${character}')`;
      throw wrong(scan, context);
    }
    scan.at += 1;
  }
}

function object(scan: Scan): void {
  scan.at += 1;
  if (skipSpace(scan) === '}') {
    scan.at += 1;
    return;
  }
  for (;;) {
    if (skipSpace(scan) !== '"') throw wrong(scan, 'looking for beginning of object key string');
    text(scan);
    if (skipSpace(scan) !== ':') throw wrong(scan, 'after object key');
    scan.at += 1;
    value(scan);
    const next = skipSpace(scan);
    if (next !== ',' && next !== '}') throw wrong(scan, 'after object key:value pair');
    scan.at += 1;
    if (next === '}') return;
  }
}

function array(scan: Scan): void {
  scan.at += 1;
  if (skipSpace(scan) === ']') {
    scan.at += 1;
    return;
  }
  for (;;) {
    value(scan);
    const next = skipSpace(scan);
    if (next !== ',' && next !== ']') throw wrong(scan, 'after array element');
    scan.at += 1;
    if (next === ']') return;
  }
}

function text(scan: Scan): void {
  scan.at += 1;
  for (;;) {
    const character = scan.text[scan.at];
    if (character === undefined || character < ' ') throw wrong(scan, 'in string literal');
    scan.at += 1;
    if (character === '"') return;
    if (character === '\\') escape(scan);
  }
}

function escape(scan: Scan): void {
  const character = scan.text[scan.at] ?? '';
  if (!'"\\/bfnrtu'.includes(character) || character === '') throw wrong(scan, 'in string escape code');
  scan.at += 1;
  if (character !== 'u') return;
  for (let digit = 0; digit < 4; digit++) {
    if (!/[0-9a-fA-F]/.test(scan.text[scan.at] ?? '')) throw wrong(scan, 'in \\u hexadecimal character escape');
    scan.at += 1;
  }
}

function digits(scan: Scan, context: string): void {
  if (!/\d/.test(scan.text[scan.at] ?? '')) throw wrong(scan, context);
  while (/\d/.test(scan.text[scan.at] ?? '')) scan.at += 1;
}

function number(scan: Scan): void {
  if (scan.text[scan.at] === '-') scan.at += 1;
  if (scan.text[scan.at] === '0') scan.at += 1;
  else digits(scan, 'in numeric literal');
  if (scan.text[scan.at] === '.') {
    scan.at += 1;
    digits(scan, 'after decimal point in numeric literal');
  }
  if (/[eE]/.test(scan.text[scan.at] ?? '')) {
    scan.at += 1;
    if (/[-+]/.test(scan.text[scan.at] ?? '')) scan.at += 1;
    digits(scan, 'in exponent of numeric literal');
  }
}

/** Deeper text than this is not looked through for its mistake. */
const MAX_BYTES = 3 * 1024 * 1024;

/** What Go says about text that is no JSON, which clients show; undefined when it is JSON. */
export function goJsonError(json: string): string | undefined {
  const scan: Scan = { text: json.slice(0, MAX_BYTES), at: 0 };
  try {
    value(scan);
    if (skipSpace(scan) !== '') throw wrong(scan, 'after top-level value');
    return undefined;
  } catch (error) {
    if (error instanceof JsonError) return error.message;
    // Nested too deep for the stack.
    if (error instanceof RangeError) return 'exceeded max depth';
    throw error;
  }
}
