/** Where the scan is, and what it has found. */
interface Scan {
  readonly text: string;
  at: number;
  readonly found: Set<string>;
  /** Where each field stands, for the last time; only for those who ask. */
  readonly places?: Map<string, number>;
}

/**
 * Names of fields that occur twice in one object, as `duplicate field "spec.replicas"`. The text must be valid JSON:
 * `JSON.parse` has read it before, keeping the last of each.
 */
export function duplicateFields(text: string): readonly string[] {
  const scan: Scan = { text, at: 0, found: new Set() };
  scanValue(scan, '');
  return [...scan.found].map((path) => `duplicate field ${JSON.stringify(path)}`);
}

/** Where in `text` stands what `unknown field "spec.foo"` or `duplicate field "spec.replicas"` is about. */
export function fieldPlaces(text: string): (about: string) => number {
  const places = new Map<string, number>();
  scanValue({ text, at: 0, found: new Set(), places }, '');
  return (about) => places.get(JSON.parse(about.slice(about.indexOf('"'))) as string) ?? 0;
}

function skipSpace(scan: Scan): string {
  for (;;) {
    const char = scan.text[scan.at] ?? '';
    if (char !== ' ' && char !== '\n' && char !== '\t' && char !== '\r') return char;
    scan.at++;
  }
}

/** The string that begins here, still escaped unless it has to be compared. */
function scanString(scan: Scan): string {
  const start = scan.at++;
  let end = scan.text.indexOf('"', scan.at);
  // A quote behind an odd number of backslashes is part of the string.
  while (end > 0 && isEscaped(scan.text, end)) end = scan.text.indexOf('"', end + 1);
  scan.at = end + 1;
  const raw = scan.text.slice(start + 1, end);
  return raw.includes('\\') ? (JSON.parse(`"${raw}"`) as string) : raw;
}

function isEscaped(text: string, quote: number): boolean {
  let slashes = 0;
  while (text[quote - 1 - slashes] === '\\') slashes++;
  return slashes % 2 === 1;
}

function scanValue(scan: Scan, path: string): void {
  const char = skipSpace(scan);
  if (char === '{') scanObject(scan, path);
  else if (char === '[') scanList(scan, path);
  else if (char === '"') scanString(scan);
  else while (scan.at < scan.text.length && !',]} \n\t\r'.includes(scan.text[scan.at] ?? '')) scan.at++;
}

function scanObject(scan: Scan, path: string): void {
  const seen = new Set<string>();
  scan.at++;
  while (skipSpace(scan) !== '}') {
    const name = scanString(scan);
    const below = path === '' ? name : `${path}.${name}`;
    scan.places?.set(below, scan.at);
    if (seen.has(name)) scan.found.add(below);
    seen.add(name);
    skipSpace(scan);
    scan.at++;
    scanValue(scan, below);
    if (skipSpace(scan) === ',') scan.at++;
  }
  scan.at++;
}

function scanList(scan: Scan, path: string): void {
  scan.at++;
  for (let index = 0; skipSpace(scan) !== ']'; index++) {
    scanValue(scan, `${path}[${index}]`);
    if (skipSpace(scan) === ',') scan.at++;
  }
  scan.at++;
}
