/** What an evaluation ends in when it has no value; `&&`, `||`, all() and exists() may do without. */
export class CelError extends Error {}

/** The evaluation took more than it may; nothing can do without that. */
export class CostError extends Error {
  constructor() {
    super('operation cancelled: actual cost limit exceeded');
  }
}

export function noOverload(detail: string = ''): CelError {
  return new CelError(detail === '' ? 'no such overload' : `no such overload: ${detail}`);
}
