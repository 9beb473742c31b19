import { createPrivateKey, generateKeyPairSync, webcrypto } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '#base/clock.ts';
import { CodedError, errorMessage } from '#base/errors.ts';
import { writeAtomically } from './state-dir.ts';

/** Keys and certificates of one cluster, PEM. */
export interface Pki {
  readonly caCert: string;
  /** Signs certificates of users. Clusters that were made before it was kept have none. */
  readonly caKey: string | undefined;
  readonly serverCert: string;
  readonly serverKey: string;
  /** Client certificate of the group system:masters. */
  readonly adminCert: string;
  readonly adminKey: string;
  /** Signs service account tokens. */
  readonly serviceAccountKey: string;
}

const FILES: Readonly<Record<keyof Pki, string>> = {
  caCert: 'ca.crt',
  caKey: 'ca.key',
  serverCert: 'apiserver.crt',
  serverKey: 'apiserver.key',
  adminCert: 'admin.crt',
  adminKey: 'admin.key',
  serviceAccountKey: 'sa.key',
};

type NewPki = { readonly [name in keyof Pki]: string };

export interface PkiOptions {
  readonly clock: Clock;
  /** DNS names and addresses that the API server is reached by. */
  readonly serverNames: readonly string[];
}

const DAY_MS = 86_400_000;

/** Makes the cluster's keys when there are none yet. */
export async function ensurePki(dir: string, options: PkiOptions): Promise<void> {
  if (existsSync(join(dir, FILES.serviceAccountKey))) return;
  const pki = await createPki(options);
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  // sa.key comes last in FILES: its presence means that all the others are there.
  for (const [name, file] of Object.entries(FILES)) writeAtomically(join(dir, file), pki[name as keyof NewPki]);
}

/** @throws CodedError `ESTATEDIR` when a file is missing */
export function readPki(dir: string): Pki {
  const read = (name: keyof Pki): string => {
    try {
      return readFileSync(join(dir, FILES[name]), 'utf8');
    } catch (error) {
      throw new CodedError('ESTATEDIR', `Cannot read the cluster's keys: ${errorMessage(error)}`, {
        cause: error,
        hint: 'restore the file, or start afresh after clusterip down --purge',
      });
    }
  };
  return {
    caCert: read('caCert'),
    caKey: existsSync(join(dir, FILES.caKey)) ? read('caKey') : undefined,
    serverCert: read('serverCert'),
    serverKey: read('serverKey'),
    adminCert: read('adminCert'),
    adminKey: read('adminKey'),
    serviceAccountKey: read('serviceAccountKey'),
  };
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

async function createPki({ clock, serverNames }: PkiOptions): Promise<NewPki> {
  // Loaded only when a cluster is made: a restart reads its files.
  await import('reflect-metadata');
  const x509 = await import('@peculiar/x509');
  x509.cryptoProvider.set(webcrypto as unknown as Parameters<typeof x509.cryptoProvider.set>[0]);
  const { subtle } = webcrypto;
  const newKeys = (): Promise<webcrypto.CryptoKeyPair> => subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const pem = async (key: webcrypto.CryptoKey): Promise<string> => {
    const der = Buffer.from(await subtle.exportKey('pkcs8', key));
    return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({
      format: 'pem',
      type: 'pkcs8',
    }) as string;
  };
  // A day back, for machines whose clocks disagree a little.
  const validity = { notBefore: new Date(clock.now() - DAY_MS), notAfter: new Date(clock.now() + 3650 * DAY_MS) };
  const [caKeys, serverKeys, adminKeys] = await Promise.all([newKeys(), newKeys(), newKeys()]);
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    ...validity,
    name: 'CN=clusterip-ca',
    keys: caKeys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(caKeys.publicKey),
    ],
  });
  const issue = async (subject: string, keys: webcrypto.CryptoKeyPair, usage: string, names: readonly string[]) =>
    x509.X509CertificateGenerator.create({
      ...validity,
      subject,
      issuer: ca.subject,
      publicKey: keys.publicKey,
      signingKey: caKeys.privateKey,
      signingAlgorithm: ALGORITHM,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([usage]),
        // RFC 5280 4.2.1.1 wants it, and Python 3.13 refuses a certificate without.
        await x509.AuthorityKeyIdentifierExtension.create(caKeys.publicKey),
        ...(names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names.map(alternativeName))]),
      ],
    });
  const server = await issue('CN=kube-apiserver', serverKeys, x509.ExtendedKeyUsage.serverAuth, serverNames);
  const admin = await issue('O=system:masters, CN=kubernetes-admin', adminKeys, x509.ExtendedKeyUsage.clientAuth, []);
  const serviceAccount = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  return {
    caCert: `${ca.toString('pem')}\n`,
    caKey: await pem(caKeys.privateKey),
    serverCert: `${server.toString('pem')}\n`,
    serverKey: await pem(serverKeys.privateKey),
    adminCert: `${admin.toString('pem')}\n`,
    adminKey: await pem(adminKeys.privateKey),
    serviceAccountKey: serviceAccount.export({ format: 'pem', type: 'pkcs8' }) as string,
  };
}

function alternativeName(value: string): { type: 'ip' | 'dns'; value: string } {
  return { type: /^[\d.]+$/.test(value) || value.includes(':') ? 'ip' : 'dns', value };
}
