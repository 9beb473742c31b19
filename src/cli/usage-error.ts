import { CodedError } from '#base/errors.ts';

/** A command line that cannot be meant: the code `EUSAGE`, for which the command exits with 2. */
export function usageError(message: string, cause?: unknown): CodedError {
  return new CodedError('EUSAGE', message, { hint: 'see clusterip --help', cause });
}
