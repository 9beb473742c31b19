/** What is wrong with an expression, and where. */
export interface Issue {
  readonly offset: number;
  readonly text: string;
}

/** More are not listed. */
const MAX_ISSUES = 100;

function place(source: readonly string[], offset: number): { readonly line: number; readonly column: number } {
  let line = 1;
  let start = 0;
  for (let index = 0; index < offset && index < source.length; index++) {
    if (source[index] !== '\n') continue;
    line += 1;
    start = index + 1;
  }
  return { line, column: offset - start };
}

const isWide = (character: string): boolean => (character.codePointAt(0) ?? 0) > 0x7f;

function issueText(lines: readonly string[], source: readonly string[], issue: Issue): string {
  const { line, column } = place(source, issue.offset);
  const snippet = Array.from((lines[line - 1] ?? '').replaceAll('\t', ' '));
  const dots = snippet.slice(0, column).map((character) => (isWide(character) ? '\uFF0E' : '.'));
  const mark = isWide(snippet[column] ?? '') ? '\uFF3E' : '^';
  const pointer = `${dots.join('')}${mark}`;
  return `ERROR: <input>:${line}:${column + 1}: ${issue.text}\n | ${snippet.join('')}\n | ${pointer}`;
}

/** All issues in the order of the source, each with its line and a mark below it. */
export function issuesText(text: string, issues: readonly Issue[]): string {
  const source = Array.from(text);
  const lines = text.split('\n');
  const ordered = issues.toSorted((a, b) => a.offset - b.offset);
  const shown = ordered.slice(0, MAX_ISSUES).map((issue) => issueText(lines, source, issue));
  if (ordered.length > MAX_ISSUES) shown.push(`${ordered.length - MAX_ISSUES} more errors were truncated`);
  return shown.join('\n');
}
