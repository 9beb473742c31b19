import { createHash, createPrivateKey, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';

export type Claims = Readonly<Record<string, unknown>>;

/** Makes and checks compact JSON Web Signatures with one key: ES256 with a P-256 key, RS256 with an RSA key. */
export class TokenKey {
  readonly #private: KeyObject;
  readonly #public: KeyObject;
  readonly #algorithm: 'ES256' | 'RS256';
  /** Names the key in the header; other programs choose the verification key by it. */
  readonly #keyId: string;

  constructor(key: string | KeyObject) {
    this.#private = typeof key === 'string' ? createPrivateKey(key) : key;
    this.#public = createPublicKey(this.#private);
    this.#algorithm = this.#private.asymmetricKeyType === 'rsa' ? 'RS256' : 'ES256';
    const der = this.#public.export({ type: 'spki', format: 'der' });
    this.#keyId = createHash('sha256').update(der).digest('base64url');
  }

  sign(claims: Claims): string {
    const header = { alg: this.#algorithm, kid: this.#keyId };
    const signed = `${encodePart(header)}.${encodePart(claims)}`;
    const signature = sign('sha256', Buffer.from(signed), this.#parameters(this.#private));
    return `${signed}.${signature.toString('base64url')}`;
  }

  /** The claims of a token with a good signature. Times and audience are the caller's to check. */
  verify(token: string): Claims | undefined {
    const [header, payload, signature, ...more] = token.split('.');
    if (header === undefined || payload === undefined || signature === undefined || more.length > 0) return undefined;
    // The algorithm is the key's, never the one that the token claims.
    if (decodePart(header)?.['alg'] !== this.#algorithm) return undefined;
    const signed = Buffer.from(`${header}.${payload}`);
    const bytes = Buffer.from(signature, 'base64url');
    if (!verify('sha256', signed, this.#parameters(this.#public), bytes)) return undefined;
    return decodePart(payload);
  }

  /** The public key as a JSON Web Key Set. */
  keySet(): unknown {
    const key = this.#public.export({ format: 'jwk' });
    return { keys: [{ use: 'sig', ...key, kid: this.#keyId, alg: this.#algorithm }] };
  }

  #parameters(key: KeyObject): { key: KeyObject; dsaEncoding: 'ieee-p1363' } {
    return { key, dsaEncoding: 'ieee-p1363' };
  }
}

function encodePart(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function decodePart(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
