import { createPrivateKey, webcrypto } from 'node:crypto';

/** Whose certificate and key certificates are signed with, PEM. */
export interface Authority {
  readonly cert: string;
  readonly key: string;
}

export interface IssueOptions {
  /** DER of a PKCS #10 request. */
  readonly request: Uint8Array;
  readonly usages: readonly string[];
  /** At most this; no asking gets a year's certificate. */
  readonly seconds: number | undefined;
  /** Milliseconds. */
  readonly now: number;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const LONGEST_MS = 365 * 24 * HOUR_MS;
const SHORTEST_MS = 10 * MINUTE_MS;
/** For machines whose clocks disagree a little. */
const BACK_MS = 5 * MINUTE_MS;
/** Below this the end is not put back as well. */
const SHORT_MS = 8 * HOUR_MS;

/** Bits of the extension KeyUsage (RFC 5280 4.2.1.3). */
const KEY_USAGES: Readonly<Record<string, number>> = {
  signing: 1,
  'digital signature': 1,
  'content commitment': 2,
  'key encipherment': 4,
  'data encipherment': 8,
  'key agreement': 16,
  'cert sign': 32,
  'crl sign': 64,
  'encipher only': 128,
  'decipher only': 256,
};

const PURPOSES: Readonly<Record<string, string>> = {
  any: '2.5.29.37.0',
  'server auth': '1.3.6.1.5.5.7.3.1',
  'client auth': '1.3.6.1.5.5.7.3.2',
  'code signing': '1.3.6.1.5.5.7.3.3',
  'email protection': '1.3.6.1.5.5.7.3.4',
  's/mime': '1.3.6.1.5.5.7.3.4',
  'ipsec end system': '1.3.6.1.5.5.7.3.5',
  'ipsec tunnel': '1.3.6.1.5.5.7.3.6',
  'ipsec user': '1.3.6.1.5.5.7.3.7',
  timestamping: '1.3.6.1.5.5.7.3.8',
  'ocsp signing': '1.3.6.1.5.5.7.3.9',
  'microsoft sgc': '1.3.6.1.4.1.311.10.3.3',
  'netscape sgc': '2.16.840.1.113730.4.1',
};

const ALTERNATIVE_NAMES = '2.5.29.17';

/** A certificate for what a request names, PEM. Models pkg/controller/certificates/authority/policies.go of 1.34. */
export async function issueCertificate(authority: Authority, options: IssueOptions): Promise<string> {
  // Most clusters never sign anything: the library is loaded when there is something to sign.
  await import('reflect-metadata');
  const x509 = await import('@peculiar/x509');
  x509.cryptoProvider.set(webcrypto as unknown as Parameters<typeof x509.cryptoProvider.set>[0]);
  const request = new x509.Pkcs10CertificateRequest(Uint8Array.from(options.request));
  const issuer = new x509.X509Certificate(authority.cert);
  const { usages } = options;
  const bits = usages.reduce((sum, usage) => sum | (KEY_USAGES[usage] ?? 0), 0);
  const purposes = [...new Set(usages.flatMap((usage) => PURPOSES[usage] ?? []))];
  const names = request.getExtension(ALTERNATIVE_NAMES);
  const signed = await x509.X509CertificateGenerator.create({
    ...validity(options, issuer.notAfter),
    subject: request.subjectName,
    issuer: issuer.subjectName,
    publicKey: request.publicKey,
    signingKey: await signingKey(authority.key),
    signingAlgorithm: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
    extensions: [
      ...(bits === 0 ? [] : [new x509.KeyUsagesExtension(bits, true)]),
      ...(purposes.length === 0 ? [] : [new x509.ExtendedKeyUsageExtension(purposes)]),
      new x509.BasicConstraintsExtension(false, undefined, true),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
      ...(names === null ? [] : [names]),
    ],
  });
  return `${signed.toString('pem')}\n`;
}

function validity({ seconds, now }: IssueOptions, end: Date): { readonly notBefore: Date; readonly notAfter: Date } {
  const asked = seconds === undefined ? LONGEST_MS : seconds * 1000;
  const length = Math.min(Math.max(asked, SHORTEST_MS), LONGEST_MS);
  const until = now + length - (length < SHORT_MS ? 0 : BACK_MS);
  return { notBefore: new Date(now - BACK_MS), notAfter: new Date(Math.min(until, end.getTime())) };
}

async function signingKey(pem: string): Promise<webcrypto.CryptoKey> {
  const der = createPrivateKey(pem).export({ format: 'der', type: 'pkcs8' });
  return webcrypto.subtle.importKey('pkcs8', der, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign']);
}
