import { CodedError } from '#base/errors.ts';

/** `Malformed`: not the message that it should be. `UnknownKind`: a kind whose message is not known here. */
export type ProtobufErrorCode = 'Malformed' | 'UnknownKind';

/** The one error that decoding throws. */
export class ProtobufError extends CodedError {
  declare readonly code: ProtobufErrorCode;

  constructor(code: ProtobufErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(code, message, options);
    this.name = 'ProtobufError';
  }
}

export function malformed(message: string, cause?: unknown): ProtobufError {
  return new ProtobufError('Malformed', message, { cause });
}
