import type { TLSSocket } from 'node:tls';
import type { UserInfo } from '#api/request.ts';
import type { ServiceAccountTokens } from './service-account-token.ts';

export const anonymous: UserInfo = Object.freeze({
  username: 'system:anonymous',
  groups: Object.freeze(['system:unauthenticated']),
});

/** A subject's attribute; Node gives a list where a certificate names it several times. */
type Attribute = string | readonly string[] | undefined;

function listOf(attribute: Attribute): readonly string[] {
  if (attribute === undefined) return [];
  return typeof attribute === 'string' ? [attribute] : attribute;
}

/** The user that a client certificate names: the last common name, as for who signs it, and a group for each organisation. */
export function userOfCertificate(subject: Readonly<Record<string, Attribute>>): UserInfo | undefined {
  const name = listOf(subject['CN']).at(-1);
  if (name === undefined || name === '') return undefined;
  return Object.freeze({ username: name, groups: Object.freeze([...listOf(subject['O']), 'system:authenticated']) });
}

/** What a connection proves by itself: a user, nothing, or a certificate that is not ours. */
export type PeerIdentity = UserInfo | 'none' | 'invalid';

/** A connection's certificate is looked at once, not with each request on it. */
const identities = new WeakMap<object, PeerIdentity>();

export function identityOf(socket: TLSSocket): PeerIdentity {
  let identity = identities.get(socket);
  if (identity === undefined) {
    identity = readIdentity(socket);
    identities.set(socket, identity);
  }
  return identity;
}

function readIdentity(socket: TLSSocket): PeerIdentity {
  const certificate = socket.getPeerCertificate();
  if (certificate?.subject === undefined) return 'none';
  if (!socket.authorized) return 'invalid';
  const user = userOfCertificate(certificate.subject);
  if (user === undefined) return 'invalid';
  const print = certificate.fingerprint256.replaceAll(':', '').toLowerCase();
  return Object.freeze({ ...user, extra: { 'authentication.kubernetes.io/credential-id': [`X509SHA256=${print}`] } });
}

export interface Credentials {
  readonly socket: TLSSocket | undefined;
  readonly authorization: string | undefined;
}

/** Who sends a request; undefined when the credentials are bad, which is worse than none. */
export function authenticate(credentials: Credentials, tokens: ServiceAccountTokens): UserInfo | undefined {
  const identity = credentials.socket === undefined ? 'none' : identityOf(credentials.socket);
  if (identity === 'invalid') return undefined;
  if (identity !== 'none') return identity;
  if (credentials.authorization === undefined) return anonymous;
  const token = /^Bearer +(\S+) *$/i.exec(credentials.authorization)?.[1];
  return token === undefined ? undefined : tokens.authenticate(token);
}
