import { badRequest } from '#api/status.ts';
import { StatusError } from './status-error.ts';

/** Where the next page of a list begins, and which state it shows. */
export interface ContinueToken {
  /** Undefined: whatever is there by then. A client takes such a token when its own state is forgotten. */
  readonly revision: number | undefined;
  /** Behind this key. */
  readonly after: string;
}

/** The form is etcd clients' in Kubernetes; clients must not look inside, and we accept only our own. */
export function encodeContinue(token: ContinueToken): string {
  const text = JSON.stringify({ v: 'meta.k8s.io/v1', rv: token.revision ?? -1, start: token.after });
  return Buffer.from(text).toString('base64url');
}

export function decodeContinue(text: string): ContinueToken {
  try {
    const { v, rv, start } = JSON.parse(Buffer.from(text, 'base64url').toString()) as Record<string, unknown>;
    if (v === 'meta.k8s.io/v1' && typeof rv === 'number' && Number.isSafeInteger(rv) && typeof start === 'string') {
      return { revision: rv < 0 ? undefined : rv, after: start };
    }
  } catch {
    // Falls through to the one answer for all that is not a token.
  }
  throw new StatusError(badRequest('continue key is not valid'));
}
