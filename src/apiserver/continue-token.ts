import { badRequest } from '#api/status.ts';
import { goJsonError } from '#api/go-json-error.ts';
import { StatusError } from './status-error.ts';

const VERSION = 'meta.k8s.io/v1';

/** Where the next page of a list begins, and which state it shows. */
export interface ContinueToken {
  /** Undefined: whatever is there by then. A client takes such a token when its own state is forgotten. */
  readonly revision: number | undefined;
  /** Behind this key. */
  readonly after: string;
}

/** The form is etcd clients' in Kubernetes; clients must not look inside, and we accept only our own. */
export function encodeContinue(token: ContinueToken): string {
  const text = JSON.stringify({ v: VERSION, rv: token.revision ?? -1, start: token.after });
  return Buffer.from(text).toString('base64url');
}

export function decodeContinue(text: string): ContinueToken {
  const refuse = (why: string): StatusError =>
    new StatusError(badRequest(`invalid continue token: continue key is not valid: ${why}`));
  const bad = /[^A-Za-z0-9_-]/.exec(text);
  if (bad !== null || text.length % 4 === 1) {
    throw refuse(`illegal base64 data at input byte ${bad?.index ?? text.length - 1}`);
  }
  const json = Buffer.from(text, 'base64url').toString();
  const problem = goJsonError(json);
  if (problem !== undefined) throw refuse(problem);
  const { v = '', rv, start } = (JSON.parse(json) ?? {}) as Readonly<Record<string, unknown>>;
  if (v !== VERSION) throw refuse(`server does not recognize this encoded version ${String(v)}`);
  if (typeof rv !== 'number' || !Number.isSafeInteger(rv) || typeof start !== 'string') {
    throw refuse('incorrect encoded start resourceVersion (version meta.k8s.io/v1)');
  }
  return { revision: rv < 0 ? undefined : rv, after: start };
}
