import { CodedError } from '#base/errors.ts';

/** A command line that cannot be meant: the code `EUSAGE`, for which the command exits with 2. The cause's hint is its own. */
export function usageError(message: string, cause?: unknown): CodedError {
  const hint = cause instanceof CodedError ? cause.hint : undefined;
  return new CodedError('EUSAGE', message, { hint: hint ?? 'see clusterip --help', cause });
}

/** Two options of which each says what the other does. */
export function bothGiven(one: string, other: string): CodedError {
  return usageError(`Cannot use both --${one} and --${other}`);
}
