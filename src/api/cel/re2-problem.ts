/**
 * What Go says of a pattern that only other engines can run: look-arounds, references back, and groups that do not match
 * up. Undefined for any other, though it may be wrong in a way of its own.
 */
export function re2Problem(pattern: string): string | undefined {
  let depth = 0;
  for (const { 0: token, index } of pattern.matchAll(TOKEN)) {
    if (token.startsWith('\\')) {
      if (FOREIGN_ESCAPE.test(pattern.slice(index))) return `invalid escape sequence: \`${token}\``;
    } else if (token === '(?=' || token === '(?!') {
      return `invalid or unsupported Perl syntax: \`${token}\``;
    } else if (token === '(?<=' || token === '(?<!') {
      const rest = pattern.slice(index);
      return `invalid named capture: \`${rest.slice(0, rest.indexOf('>') + 1 || undefined)}\``;
    } else if (token === '(') {
      depth++;
    } else if (token === ')' && --depth < 0) {
      return `unexpected ): \`${pattern}\``;
    }
  }
  return depth > 0 ? `missing closing ): \`${pattern}\`` : undefined;
}

/** Quoted text, an escape, a class as a whole, what opens a group, what closes it. */
const TOKEN = /\\Q[\s\S]*?(?:\\E|$)|\\[\s\S]|\[\^?\]?(?:\[:\^?[a-z]+:\]|\\[\s\S]|[^\]\\])*\]|\(\?<?[=!]|[()]/g;

/** One digit alone refers to a group; two of eight are a character. */
const FOREIGN_ESCAPE = /^\\(?:[89k]|[1-7](?![0-7]))/;
