import { randomUUID } from 'node:crypto';
import type { Clock } from '#base/clock.ts';
import type { KubeObject } from '#api/object.ts';
import type { UserInfo } from '#api/request.ts';
import type { Claims, TokenKey } from './json-web-token.ts';

/** An object that a token stands and falls with. */
export interface Bound {
  readonly name: string;
  readonly uid: string;
}

export interface TokenSubject {
  readonly namespace: string;
  readonly serviceAccount: Bound;
  readonly pod?: Bound | undefined;
  readonly node?: Bound | undefined;
  readonly secret?: Bound | undefined;
}

export interface TokenGrant {
  readonly subject: TokenSubject;
  readonly audiences: readonly string[];
  readonly seconds: number;
}

/** Finds the objects that tokens are bound to. */
export interface SubjectLookup {
  serviceAccount(namespace: string, name: string): KubeObject | undefined;
  pod(namespace: string, name: string): KubeObject | undefined;
  secret(namespace: string, name: string): KubeObject | undefined;
}

/** Clocks of different machines may differ by so much. */
const CLOCK_SKEW_SECONDS = 60;
/** So many verified tokens are remembered; checking a signature costs some 100 us. */
const REMEMBERED = 4_096;

/** Issues tokens of service accounts and tells who brings one. */
export class ServiceAccountTokens {
  readonly issuer: string;
  readonly key: TokenKey;
  readonly #clock: Clock;
  readonly #lookup: SubjectLookup;
  readonly #verified = new Map<string, Claims>();

  constructor(options: { key: TokenKey; issuer: string; clock: Clock; lookup: SubjectLookup }) {
    this.key = options.key;
    this.issuer = options.issuer;
    this.#clock = options.clock;
    this.#lookup = options.lookup;
  }

  issue(grant: TokenGrant): { readonly token: string; readonly expires: number } {
    const now = Math.floor(this.#clock.now() / 1000);
    const expires = now + grant.seconds;
    const { namespace, serviceAccount, pod, node, secret } = grant.subject;
    const token = this.key.sign({
      aud: grant.audiences,
      exp: expires,
      iat: now,
      iss: this.issuer,
      jti: randomUUID(),
      'kubernetes.io': { namespace, node, pod, secret, serviceaccount: serviceAccount },
      nbf: now,
      sub: `system:serviceaccount:${namespace}:${serviceAccount.name}`,
    });
    return { token, expires };
  }

  /** Who brings `token`, or undefined where it proves nothing (any more). */
  authenticate(token: string, audience: string = this.issuer): UserInfo | undefined {
    const claims = this.#claims(token);
    if (claims === undefined || !this.#isCurrent(claims, audience)) return undefined;
    const subject = claims['kubernetes.io'] as Partial<Record<string, unknown>> | undefined;
    const namespace = subject?.['namespace'];
    const account = subject?.['serviceaccount'] as Bound | undefined;
    if (typeof namespace !== 'string' || account === undefined || subject === undefined) return undefined;
    if (!this.#exists(namespace, account, subject)) return undefined;
    const { jti } = claims;
    return userOf(namespace, account, subject, typeof jti === 'string' ? jti : '');
  }

  #isCurrent({ exp, nbf, iss, aud }: Claims, audience: string): boolean {
    const now = this.#clock.now() / 1000;
    if (iss !== this.issuer || !Array.isArray(aud) || !aud.includes(audience)) return false;
    return typeof exp === 'number' && exp > now && (typeof nbf !== 'number' || nbf <= now + CLOCK_SKEW_SECONDS);
  }

  #claims(token: string): Claims | undefined {
    const known = this.#verified.get(token);
    if (known !== undefined) return known;
    const claims = this.key.verify(token);
    if (claims === undefined) return undefined;
    if (this.#verified.size >= REMEMBERED) this.#verified.clear();
    this.#verified.set(token, claims);
    return claims;
  }

  #exists(namespace: string, account: Bound, subject: Partial<Record<string, unknown>>): boolean {
    const pod = subject['pod'] as Bound | undefined;
    const secret = subject['secret'] as Bound | undefined;
    const same = (found: KubeObject | undefined, bound: Bound): boolean => found?.metadata.uid === bound.uid;
    return (
      same(this.#lookup.serviceAccount(namespace, account.name), account) &&
      (pod === undefined || same(this.#lookup.pod(namespace, pod.name), pod)) &&
      (secret === undefined || same(this.#lookup.secret(namespace, secret.name), secret))
    );
  }
}

function userOf(namespace: string, account: Bound, subject: Partial<Record<string, unknown>>, jti: string): UserInfo {
  const pod = subject['pod'] as Bound | undefined;
  const node = subject['node'] as Bound | undefined;
  const extra: Record<string, readonly string[]> = {};
  if (jti !== '') extra['authentication.kubernetes.io/credential-id'] = [`JTI=${jti}`];
  if (node !== undefined) {
    extra['authentication.kubernetes.io/node-name'] = [node.name];
    extra['authentication.kubernetes.io/node-uid'] = [node.uid];
  }
  if (pod !== undefined) {
    extra['authentication.kubernetes.io/pod-name'] = [pod.name];
    extra['authentication.kubernetes.io/pod-uid'] = [pod.uid];
  }
  return {
    username: `system:serviceaccount:${namespace}:${account.name}`,
    uid: account.uid,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
    extra,
  };
}
