import { CodedError } from '#base/errors.ts';

/** Where something stands in a Corefile. */
export interface Place {
  readonly file: string;
  readonly line: number;
}

/** `Cannot use "Corefile", line 7: ...` */
export function corefileError(place: Place, why: string, hint?: string): CodedError {
  return new CodedError('ECOREFILE', `Cannot use "${place.file}", line ${place.line}: ${why}`, {
    hint: hint ?? 'see docs/migrate-from-coredns.md for what a Corefile may say here',
  });
}
