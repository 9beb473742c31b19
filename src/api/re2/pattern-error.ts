/** A text that is no pattern, in the words of Go: `missing closing ): `(a``. */
export class PatternError extends Error {
  constructor(problem: string, part: string) {
    super(`error parsing regexp: ${problem}: \`${part}\``);
  }
}
