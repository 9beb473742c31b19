/**
 * Replaces `$(NAME)` by its value. `$$(NAME)` is how to write the text `$(NAME)`, and a name without a value stays as
 * it is written.
 */
export function expand(text: string, value: (name: string) => string | undefined): string {
  let out = '';
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at);
    const next = text.charAt(at + 1);
    if (char !== '$' || (next !== '$' && next !== '(')) {
      out += char;
    } else if (next === '$') {
      out += '$';
      at++;
    } else {
      const end = text.indexOf(')', at + 2);
      if (end < 0) return `${out}${text.slice(at)}`;
      const name = text.slice(at + 2, end);
      out += value(name) ?? `$(${name})`;
      at = end;
    }
  }
  return out;
}
