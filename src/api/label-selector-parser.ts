import {
  type LabelOperator,
  type LabelRequirement,
  requirementProblem,
  type Selector,
  selectorError,
  selectorFromRequirements,
} from './label-selector.ts';
import { checkQualifiedName } from './names.ts';

interface Token {
  readonly kind: 'symbol' | 'word' | 'end' | 'bad';
  readonly text: string;
}

const SYMBOLS: ReadonlySet<string> = new Set(['=', '==', '!=', '!', '(', ')', ',', '>', '<']);
const BINARY = 'in, notin, =, ==, !=, gt, lt';
const END: Token = { kind: 'end', text: '' };

/** Takes the longest run of `=!(),<>` that begins with a known symbol. */
function scanSymbol(text: string, at: number): Token {
  let known = '';
  let end = at;
  while (end < text.length && '=!(),<>'.includes(text.charAt(end))) {
    end++;
    const run = text.slice(at, end);
    if (SYMBOLS.has(run)) known = run;
    else if (known !== '') break;
  }
  if (known !== '') return { kind: 'symbol', text: known };
  return { kind: 'bad', text: `error expected: keyword found '${text.slice(at, end)}'` };
}

function scan(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    const char = text.charAt(at);
    if (' \t\r\n'.includes(char)) {
      at++;
    } else if ('=!(),<>'.includes(char)) {
      const token = scanSymbol(text, at);
      tokens.push(token);
      if (token.kind === 'bad') break;
      at += token.text.length;
    } else {
      const word = /^[^=!(),<> \t\r\n]+/.exec(text.slice(at))?.[0] ?? char;
      tokens.push({ kind: 'word', text: word });
      at += word.length;
    }
  }
  return tokens;
}

/** One pass over the tokens of a selector's text. */
class Cursor {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(text: string) {
    this.#tokens = scan(text);
  }

  peek(): Token {
    return this.#tokens[this.#at] ?? END;
  }

  next(): Token {
    const token = this.peek();
    this.#at++;
    return token;
  }
}

function isSymbol(token: Token, text: string): boolean {
  return token.kind === 'symbol' && token.text === text;
}

function endsTerm(token: Token): boolean {
  return token.kind === 'end' || isSymbol(token, ',');
}

function expected(token: Token, what: string, separator: string = ', '): Error {
  return selectorError(`found '${token.text}'${separator}expected: ${what}`);
}

function parseKey(cursor: Cursor): { readonly key: string; readonly negated: boolean } {
  const negated = isSymbol(cursor.peek(), '!');
  if (negated) cursor.next();
  const token = cursor.next();
  if (token.kind !== 'word') throw expected(token, 'identifier');
  const problems = checkQualifiedName(token.text);
  // Clients see the path `<nil>` here: the key of a query has no field.
  if (problems.length > 0) {
    throw selectorError(`<nil>: Invalid value: ${JSON.stringify(token.text)}: ${problems.join('; ')}`);
  }
  return { key: token.text, negated };
}

const OPERATORS: ReadonlyMap<string, LabelOperator> = new Map([
  ['=', '='],
  ['==', '='],
  ['!=', '!='],
  ['in', 'in'],
  ['notin', 'notin'],
  ['>', 'gt'],
  ['<', 'lt'],
]);

function parseOperator(cursor: Cursor): LabelOperator {
  const token = cursor.next();
  const operator = OPERATORS.get(token.text);
  if (operator === undefined) throw expected(token, BINARY);
  return operator;
}

/** `(a,b)`; an empty place between commas is the empty value. */
function parseValues(cursor: Cursor): readonly string[] {
  const open = cursor.next();
  if (!isSymbol(open, '(')) throw expected(open, "'('", ' ');
  const values = new Set<string>();
  const first = cursor.peek();
  if (isSymbol(first, ')')) {
    cursor.next();
    return [];
  }
  if (first.kind !== 'word' && !isSymbol(first, ',')) throw expected(first, "',', ')' or identifier");
  for (;;) {
    const token = cursor.peek();
    if (token.kind === 'word') values.add(cursor.next().text);
    else if (isSymbol(token, ',') || isSymbol(token, ')')) values.add('');
    else throw expected(token, "',', or identifier");
    const separator = cursor.next();
    if (isSymbol(separator, ')')) return [...values].sort();
    if (!isSymbol(separator, ',')) throw expected(separator, "',' or ')'");
  }
}

function parseExactValue(cursor: Cursor): readonly string[] {
  if (endsTerm(cursor.peek())) return [''];
  const token = cursor.next();
  if (token.kind !== 'word') throw expected(token, 'identifier');
  return [token.text];
}

function parseRequirement(cursor: Cursor): LabelRequirement {
  const { key, negated } = parseKey(cursor);
  if (endsTerm(cursor.peek())) return { key, operator: negated ? '!' : 'exists', values: [] };
  const operator = parseOperator(cursor);
  const values = operator === 'in' || operator === 'notin' ? parseValues(cursor) : parseExactValue(cursor);
  const requirement: LabelRequirement = { key, operator, values };
  const problem = requirementProblem(requirement);
  if (problem !== undefined) throw selectorError(problem);
  return requirement;
}

function requirementOrError(cursor: Cursor): LabelRequirement {
  try {
    return parseRequirement(cursor);
  } catch (error) {
    throw selectorError(`unable to parse requirement: ${(error as Error).message}`);
  }
}

/**
 * The text of a `labelSelector`: `app=web,tier!=db,env in (a,b),!old`. Throws a CodedError `InvalidSelector` whose text
 * is the message of the 400.
 */
export function parseLabelSelector(text: string): Selector {
  const cursor = new Cursor(text);
  const requirements: LabelRequirement[] = [];
  if (cursor.peek().kind === 'end') return selectorFromRequirements(requirements);
  if (cursor.peek().kind !== 'word' && !isSymbol(cursor.peek(), '!')) {
    throw expected(cursor.peek(), "!, identifier, or 'end of string'");
  }
  for (;;) {
    requirements.push(requirementOrError(cursor));
    const token = cursor.next();
    if (token.kind === 'end') return selectorFromRequirements(requirements);
    if (!isSymbol(token, ',')) throw expected(token, "',' or 'end of string'");
    const next = cursor.peek();
    if (next.kind !== 'word' && !isSymbol(next, '!')) throw expected(next, "identifier after ','");
  }
}
