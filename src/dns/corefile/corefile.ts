import { corefileError, type Place } from './place.ts';
import { type Environment, type Token, tokenize } from './tokens.ts';

/** One line inside of a directive's braces, or the directive's own. */
export interface Line extends Place {
  readonly name: string;
  readonly args: readonly string[];
}

export interface Directive extends Line {
  /** Undefined where there are no braces. */
  readonly block: readonly Line[] | undefined;
}

export interface ServerBlock extends Place {
  /** As written: `.:53`, `example.org`, `10.0.0.0/24`. */
  readonly keys: readonly string[];
  readonly directives: readonly Directive[];
}

export interface SourceFile {
  readonly file: string;
  readonly text: string;
}

export interface CorefileOptions {
  readonly env?: Environment;
  /** The files that an `import` means, in order; none for a pattern that matches nothing, undefined for a missing file. */
  readonly imported?: (pattern: string, from: string) => readonly SourceFile[] | undefined;
}

/** How deep files may import files. */
const MAX_DEPTH = 10;

/** Reads a Corefile, imports and snippets included, without a look at what its directives mean. */
export function parseCorefile({ file, text }: SourceFile, options: CorefileOptions = {}): readonly ServerBlock[] {
  const snippets = new Map<string, readonly Token[]>();
  const expand = (tokens: readonly Token[], depth: number): readonly Token[] =>
    expandImports(takeSnippets(tokens, snippets), { snippets, options, depth, expand });
  return new Parser(expand(tokenize(text, file, options.env ?? {}), 0)).blocks();
}

const isOpen = (token: Token | undefined): boolean => token?.text === '{' && !token.quoted;
const isClose = (token: Token | undefined): boolean => token?.text === '}' && !token.quoted;
const isLineStart = (tokens: readonly Token[], i: number): boolean => {
  const before = tokens[i - 1];
  const here = tokens[i];
  return before === undefined || before.line !== here?.line || before.file !== here.file;
};

/** The place after the brace that closes the one at `open`. */
function closing(tokens: readonly Token[], open: number): number {
  let depth = 0;
  for (let i = open; i < tokens.length; i++) {
    if (isOpen(tokens[i])) depth++;
    if (isClose(tokens[i]) && --depth === 0) return i + 1;
  }
  throw corefileError(tokens[open] as Token, 'a brace is never closed', 'close it');
}

/** `(name) { ... }` at the top: kept for `import name`, and no server. */
function takeSnippets(tokens: readonly Token[], snippets: Map<string, readonly Token[]>): readonly Token[] {
  const rest: Token[] = [];
  let depth = 0;
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i] as Token;
    const name = /^\((.+)\)$/.exec(token.text)?.[1];
    if (depth === 0 && name !== undefined && isLineStart(tokens, i) && isOpen(tokens[i + 1])) {
      const end = closing(tokens, i + 1);
      snippets.set(name, tokens.slice(i + 2, end - 1));
      i = end - 1;
      continue;
    }
    if (isOpen(token)) depth++;
    if (isClose(token)) depth--;
    rest.push(token);
  }
  return rest;
}

interface Expansion {
  readonly snippets: ReadonlyMap<string, readonly Token[]>;
  readonly options: CorefileOptions;
  readonly depth: number;
  readonly expand: (tokens: readonly Token[], depth: number) => readonly Token[];
}

function expandImports(tokens: readonly Token[], expansion: Expansion): readonly Token[] {
  return tokens.flatMap((token, i) => {
    const before = tokens[i - 1];
    if (before?.text === 'import' && !isLineStart(tokens, i) && isLineStart(tokens, i - 1)) return [];
    if (token.text !== 'import' || token.quoted || !isLineStart(tokens, i)) return [token];
    const pattern = tokens[i + 1];
    if (pattern === undefined || pattern.line !== token.line) throw corefileError(token, 'import says not what');
    return importOf(pattern, expansion);
  });
}

function importOf(pattern: Token, { snippets, options, depth, expand }: Expansion): readonly Token[] {
  if (depth >= MAX_DEPTH) throw corefileError(pattern, `files import each other more than ${MAX_DEPTH} deep`);
  const snippet = snippets.get(pattern.text);
  if (snippet !== undefined) return expand(snippet, depth + 1);
  const files = options.imported?.(pattern.text, pattern.file);
  if (files === undefined) throw corefileError(pattern, `there is no file or snippet "${pattern.text}" to import`);
  return files.flatMap(({ file, text }) => expand(tokenize(text, file, options.env ?? {}), depth + 1));
}

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  blocks(): readonly ServerBlock[] {
    const blocks: ServerBlock[] = [];
    while (this.#at < this.#tokens.length) blocks.push(this.#block());
    return blocks;
  }

  get #token(): Token | undefined {
    return this.#tokens[this.#at];
  }

  /** Keys, which a comma may carry on to the next line. Without a brace the rest of the file is the block. */
  #block(): ServerBlock {
    const first = this.#token as Token;
    const keys: string[] = [];
    while (this.#token !== undefined && !isOpen(this.#token)) {
      const { text } = this.#token;
      if (isClose(this.#token)) throw corefileError(this.#token, 'a brace closes nothing', 'take it out');
      if (keys.length > 0 && isLineStart(this.#tokens, this.#at) && !this.#afterComma()) break;
      keys.push(...text.split(',').filter((key) => key !== ''));
      this.#at++;
    }
    const braced = isOpen(this.#token);
    if (keys.length === 0) throw corefileError(first, 'a server block needs a zone before its brace');
    if (braced) this.#at++;
    return { file: first.file, line: first.line, keys, directives: this.#directives(first, braced) };
  }

  #afterComma(): boolean {
    return this.#tokens[this.#at - 1]?.text.endsWith(',') === true;
  }

  #directives(start: Token, braced: boolean): readonly Directive[] {
    const directives: Directive[] = [];
    for (;;) {
      const token = this.#token;
      if (token === undefined && !braced) return directives;
      if (token === undefined) throw corefileError(start, 'the brace of this server block is never closed', 'close it');
      if (isClose(token) && braced) {
        this.#at++;
        return directives;
      }
      directives.push(this.#directive());
    }
  }

  #directive(): Directive {
    const line = this.#line();
    if (!isOpen(this.#token) || this.#token?.line !== line.line) return { ...line, block: undefined };
    const open = this.#token;
    this.#at++;
    const block: Line[] = [];
    while (!isClose(this.#token)) {
      if (this.#token === undefined) throw corefileError(open, `the brace of ${line.name} is never closed`, 'close it');
      if (isOpen(this.#token)) throw corefileError(this.#token, 'a brace stands where none can', 'take it out');
      block.push(this.#line());
    }
    this.#at++;
    return { ...line, block };
  }

  #line(): Line {
    const first = this.#token as Token;
    this.#at++;
    const args: string[] = [];
    while (this.#token !== undefined && !isLineStart(this.#tokens, this.#at)) {
      if (isOpen(this.#token) || isClose(this.#token)) break;
      args.push(this.#token.text);
      this.#at++;
    }
    return { file: first.file, line: first.line, name: first.text, args };
  }
}
