import type { Call, Expression, ListLiteral, MapLiteral } from './expression.ts';
import type { Issue } from './issues.ts';
import { Lexer, SyntaxIssue, type Token } from './lexer.ts';
import { expandMacro } from './macros.ts';

const RELATIONS: ReadonlySet<string> = new Set(['<', '<=', '>=', '>', '==', '!=', 'in']);
const RESERVED: ReadonlySet<string> = new Set(
  'as break const continue else false for function if import in let loop package namespace null return true var void while'.split(
    ' ',
  ),
);
/** These are literals and an operator, never names, not even of fields. */
const KEYWORDS: ReadonlySet<string> = new Set(['true', 'false', 'null', 'in']);
/** What is nested deeper is refused. */
const MAX_DEPTH = 200;

export type Parsed =
  | { readonly kind: 'ok'; readonly expression: Expression }
  | { readonly kind: 'wrong'; readonly issues: readonly Issue[] };

export function parseExpression(text: string): Parsed {
  const issues: Issue[] = [];
  try {
    const expression = new Parser(new Lexer(text, issues).tokens(), issues).all();
    return issues.length === 0 ? { kind: 'ok', expression } : { kind: 'wrong', issues };
  } catch (error) {
    if (error instanceof SyntaxIssue) return { kind: 'wrong', issues: [...issues, error] };
    throw error;
  }
}

class Parser {
  readonly #tokens: readonly Token[];
  readonly #issues: Issue[];
  #at = 0;
  #depth = 0;

  constructor(tokens: readonly Token[], issues: Issue[]) {
    this.#tokens = tokens;
    this.#issues = issues;
  }

  all(): Expression {
    const expression = this.#ternary();
    const { kind } = this.#token;
    if (kind !== 'end') throw this.#unexpected('extraneous input', '<EOF>');
    return expression;
  }

  get #token(): Token {
    return this.#tokens[this.#at] ?? { kind: 'end', text: '<EOF>', offset: 0 };
  }

  #next(): Token {
    const token = this.#token;
    this.#at += 1;
    return token;
  }

  #is(text: string): boolean {
    const { kind } = this.#token;
    return (kind === 'symbol' || kind === 'ident') && this.#token.text === text;
  }

  #take(text: string): Token | undefined {
    return this.#is(text) ? this.#next() : undefined;
  }

  #expect(text: string): Token {
    const token = this.#take(text);
    if (token !== undefined) return token;
    const { kind, offset } = this.#token;
    if (kind === 'end') throw new SyntaxIssue(offset, `Syntax error: missing '${text}' at '<EOF>'`);
    throw this.#unexpected('mismatched input', `'${text}'`);
  }

  #unexpected(what: string, wanted: string): SyntaxIssue {
    const { text, offset } = this.#token;
    const shown = text === '<EOF>' ? text : text.replaceAll('\n', '\\n');
    return new SyntaxIssue(offset, `Syntax error: ${what} '${shown}' expecting ${wanted}`);
  }

  #nested<T>(parse: () => T): T {
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) {
      throw new SyntaxIssue(this.#token.offset, `expression recursion limit exceeded: ${MAX_DEPTH}`);
    }
    const result = parse();
    this.#depth -= 1;
    return result;
  }

  #ternary(): Expression {
    return this.#nested(() => {
      const condition = this.#binary(0);
      const question = this.#take('?');
      if (question === undefined) return condition;
      const truthy = this.#binary(0);
      this.#expect(':');
      const falsy = this.#ternary();
      return { kind: 'call', name: '_?_:_', args: [condition, truthy, falsy], offset: question.offset };
    });
  }

  /** Left to right within a level: `||`, `&&`, relations, sums, products. */
  #binary(level: number): Expression {
    if (level === LEVELS.length) return this.#unary();
    let left = this.#binary(level + 1);
    while (LEVELS[level]?.has(this.#token.text) === true && this.#token.kind !== 'literal') {
      const { text, offset } = this.#next();
      const right = this.#binary(level + 1);
      left = { kind: 'call', name: text === 'in' ? '@in' : `_${text}_`, args: [left, right], offset };
    }
    return left;
  }

  #unary(): Expression {
    const { text, offset, kind } = this.#token;
    if (kind !== 'symbol' || (text !== '!' && text !== '-')) return this.#checkedMember();
    let count = 0;
    while (this.#take(text) !== undefined) count += 1;
    if (text === '-') {
      const { value } = this.#token;
      if (typeof value === 'bigint' || typeof value === 'number') return this.#negative(count, offset);
    }
    const operand = this.#nested(() => (this.#is('-') || this.#is('!') ? this.#unary() : this.#checkedMember()));
    if (count % 2 === 0) return operand;
    return { kind: 'call', name: text === '!' ? '!_' : '-_', args: [operand], offset };
  }

  /** A minus before a number belongs to it. */
  #negative(count: number, offset: number): Expression {
    const operand = this.#member();
    let rest = count;
    let result = operand;
    if (operand.kind === 'literal' && (typeof operand.value === 'bigint' || typeof operand.value === 'number')) {
      result = { kind: 'literal', value: -operand.value, offset };
      rest -= 1;
    }
    if (rest % 2 === 1) return { kind: 'call', name: '-_', args: [result], offset };
    return checkInt(result);
  }

  #checkedMember(): Expression {
    return checkInt(this.#member());
  }

  #member(): Expression {
    let expression = this.#primary();
    for (;;) {
      const dot = this.#take('.');
      if (dot !== undefined) {
        expression = this.#select(expression, dot);
        continue;
      }
      const bracket = this.#take('[');
      if (bracket === undefined) return expression;
      const isOptional = this.#take('?') !== undefined;
      const index = this.#ternary();
      this.#expect(']');
      const name = isOptional ? '_[?_]' : '_[_]';
      expression = { kind: 'call', name, args: [expression, index], offset: bracket.offset };
    }
  }

  #select(operand: Expression, dot: Token): Expression {
    const isOptional = this.#take('?') !== undefined;
    const { kind, text, offset } = this.#token;
    if (kind !== 'ident' || KEYWORDS.has(text)) {
      if (kind === 'end') throw this.#unexpected('mismatched input', 'IDENTIFIER');
      throw new SyntaxIssue(offset, `Syntax error: no viable alternative at input '.${text}'`);
    }
    this.#next();
    const open = isOptional ? undefined : this.#take('(');
    if (open === undefined) {
      return { kind: 'select', operand, field: text, mode: isOptional ? 'optional' : 'plain', offset: dot.offset };
    }
    return this.#expanded({ kind: 'call', name: text, target: operand, args: this.#args(), offset: open.offset });
  }

  #args(): Expression[] {
    const args: Expression[] = [];
    if (this.#take(')') !== undefined) return args;
    do args.push(this.#ternary());
    while (this.#take(',') !== undefined);
    this.#expect(')');
    return args;
  }

  #expanded(call: Call): Expression {
    return expandMacro(call, this.#issues);
  }

  #primary(): Expression {
    const token = this.#next();
    const { kind, text, offset, value } = token;
    if (kind === 'literal' && value !== undefined) return { kind: 'literal', value, offset };
    if (kind === 'ident') return this.#named(token);
    if (text === '.' && this.#token.kind === 'ident') return this.#named(this.#next());
    if (text === '(') {
      const inner = this.#ternary();
      this.#expect(')');
      return inner;
    }
    if (text === '[') return this.#list(offset);
    if (text === '{') return this.#map(offset);
    this.#at -= 1;
    const next = this.#tokens[this.#at + 1];
    const isExtra = kind !== 'end' && next !== undefined && startsOperand(next);
    const issue = this.#unexpected(
      isExtra ? 'extraneous input' : 'mismatched input',
      "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}",
    );
    if (!isExtra) throw issue;
    // One token too many is passed over, to see what else is wrong.
    this.#issues.push(issue);
    this.#at += 1;
    return this.#primary();
  }

  #named({ text, offset }: Token): Expression {
    if (text === 'true' || text === 'false') return { kind: 'literal', value: text === 'true', offset };
    if (text === 'null') return { kind: 'literal', value: null, offset };
    if (RESERVED.has(text)) {
      this.#issues.push({ offset, text: `reserved identifier: ${text}` });
      return { kind: 'literal', value: null, offset };
    }
    const open = this.#take('(');
    if (open !== undefined) {
      return this.#expanded({ kind: 'call', name: text, args: this.#args(), offset: open.offset });
    }
    if (!this.#is('{')) return { kind: 'ident', name: text, offset };
    const brace = this.#next();
    this.#map(brace.offset);
    return { kind: 'struct', name: text, offset: brace.offset };
  }

  #list(offset: number): ListLiteral {
    const items: ListLiteral['items'][number][] = [];
    while (this.#take(']') === undefined) {
      const isOptional = this.#take('?') !== undefined;
      items.push({ value: this.#ternary(), isOptional });
      if (this.#take(',') === undefined && !this.#is(']')) throw this.#unexpected('mismatched input', "']'");
    }
    return { kind: 'list', items, offset };
  }

  #map(offset: number): MapLiteral {
    const entries: MapLiteral['entries'][number][] = [];
    while (this.#take('}') === undefined) {
      const isOptional = this.#take('?') !== undefined;
      const key = this.#ternary();
      this.#expect(':');
      entries.push({ key, value: this.#ternary(), isOptional });
      if (this.#take(',') === undefined && !this.#is('}')) throw this.#unexpected('mismatched input', "'}'");
    }
    return { kind: 'map', entries, offset };
  }
}

/** Whether an operand may begin with a token. */
function startsOperand({ kind, text }: Token): boolean {
  return kind === 'literal' || kind === 'ident' || (kind === 'symbol' && ['[', '{', '(', '.', '-', '!'].includes(text));
}

const LEVELS: readonly ReadonlySet<string>[] = [
  new Set(['||']),
  new Set(['&&']),
  RELATIONS,
  new Set(['+', '-']),
  new Set(['*', '/', '%']),
];

const TOO_LARGE = 2n ** 63n;

function checkInt(expression: Expression): Expression {
  if (expression.kind === 'literal' && typeof expression.value === 'bigint' && expression.value >= TOO_LARGE) {
    throw new SyntaxIssue(expression.offset, 'invalid int literal');
  }
  return expression;
}
