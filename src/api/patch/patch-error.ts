import { CodedError } from '#base/errors.ts';

/** What a refused patch answers: `reason` and `httpStatus` go into the Status, with `message` as its text. */
export class PatchError extends CodedError {
  readonly httpStatus: 400 | 413 | 422 | 500;
  /** Empty where Kubernetes answers without a reason. */
  readonly reason: '' | 'BadRequest' | 'RequestEntityTooLarge' | 'Invalid';
  /** What went wrong in detail. Kubernetes keeps it from the client in the 422 case. */
  readonly detail: string;

  constructor(httpStatus: PatchError['httpStatus'], reason: PatchError['reason'], message: string, detail?: string) {
    super(reason === '' ? 'InternalError' : reason, message);
    this.name = 'PatchError';
    this.httpStatus = httpStatus;
    this.reason = reason;
    this.detail = detail ?? message;
  }
}

/** 400: the patch itself is malformed. */
export function badPatch(message: string): PatchError {
  return new PatchError(400, 'BadRequest', message);
}

/** 422: a well-formed patch does not fit the object. The text is the one that every client gets. */
export function patchDoesNotApply(detail: string): PatchError {
  return new PatchError(422, 'Invalid', 'the server rejected our request due to an error in our request', detail);
}

/** 500 without a reason: what Kubernetes answers to a strategic merge patch that breaks its rules. */
export function patchFailed(message: string): PatchError {
  return new PatchError(500, '', message);
}
