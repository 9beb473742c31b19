import assert from 'node:assert/strict';
import { createPrivateKey, webcrypto, X509Certificate } from 'node:crypto';
import 'reflect-metadata';
import test from 'node:test';
import * as x509 from '@peculiar/x509';
import type { CertificateSigningRequest } from '#api/generated/types.ts';
import { certificateSigningRequests } from '#api/resource.ts';
import { controlPlane } from '../control-plane-fixture.ts';
import { startCertificateSigner } from './certificate-signer.ts';
import type { Authority } from './issue-certificate.ts';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 86_400_000;

const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
const NOW = Date.UTC(2026, 0, 1);
const ca = await x509.X509CertificateGenerator.createSelfSigned({
  name: 'CN=test-ca',
  keys,
  signingAlgorithm: ALGORITHM,
  notBefore: new Date(NOW - DAY_MS),
  notAfter: new Date(NOW + 3650 * DAY_MS),
  extensions: [new x509.BasicConstraintsExtension(true, undefined, true)],
});
const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
const authority: Authority = {
  cert: ca.toString('pem'),
  key: createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({ format: 'pem', type: 'pkcs8' }) as string,
};

interface Asked {
  readonly subject: string;
  readonly signer: string;
  readonly usages: readonly string[];
  readonly names?: readonly string[];
  readonly seconds?: number;
  readonly conditions?: readonly string[];
  readonly rsa?: boolean;
}

async function requestOf({ subject, names = [], rsa = false }: Asked): Promise<string> {
  const algorithm = rsa
    ? { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) }
    : ALGORITHM;
  const own = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const alternative = names.map((value) => ({ type: 'dns', value }) as const);
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: subject,
    keys: own,
    signingAlgorithm: algorithm,
    extensions: names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(alternative)],
  });
  return Buffer.from(request.toString('pem')).toString('base64');
}

/** That nothing becomes of it is not waited for as long. */
const TURNS = { something: 5000, nothing: 30 };

/** What becomes of a request that was decided on. */
async function outcome(asked: Asked, turns: number): Promise<string> {
  await using plane = controlPlane();
  const { conditions = ['Approved'] } = asked;
  await plane.start((context) => startCertificateSigner(context, authority));
  await plane.client.create(certificateSigningRequests, {
    apiVersion: 'certificates.k8s.io/v1',
    kind: 'CertificateSigningRequest',
    metadata: { name: 'x' },
    spec: {
      request: await requestOf(asked),
      signerName: asked.signer,
      usages: asked.usages,
      expirationSeconds: asked.seconds,
    },
    status: { conditions: conditions.map((type) => ({ type, status: 'True' })) },
  } as unknown as CertificateSigningRequest);
  for (let turn = 0; turn < turns; turn++) {
    const { status } = await plane.client.get(certificateSigningRequests, { name: 'x' });
    if (status?.certificate !== undefined) return certificateText(status.certificate, plane.clock.now());
    const failed = status?.conditions?.find(({ type }) => type === 'Failed');
    if (failed !== undefined) return `${failed.reason}: ${failed.message}`;
    await plane.rest();
    // The library is loaded, and it signs, beside the clock.
    await new Promise((resolve) => setImmediate(resolve));
    if (turn > 10) await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return 'nothing';
}

function certificateText(base64: string, now: number): string {
  const certificate = new X509Certificate(Buffer.from(base64, 'base64'));
  const minutes = (date: string): number => Math.round((Date.parse(date) - now) / 60_000);
  return [
    certificate.subject.replaceAll('\n', ', '),
    certificate.verify(new X509Certificate(authority.cert).publicKey) ? 'verified' : 'not verified',
    certificate.ca ? 'CA' : certificate.keyUsage.join(' '),
    certificate.subjectAltName ?? 'no names',
    `${minutes(certificate.validFrom)} to ${minutes(certificate.validTo)} minutes`,
  ].join(' | ');
}

const CLIENT = 'kubernetes.io/kube-apiserver-client';
const NODE = 'kubernetes.io/kube-apiserver-client-kubelet';
const SERVING = 'kubernetes.io/kubelet-serving';
const NODE_SUBJECT = 'O=system:nodes, CN=system:node:n';
const YEAR = 365 * 24 * 60;

const cases: readonly (readonly [string, Asked, string])[] = [
  [
    'a client',
    { subject: 'O=dev, O=ops, CN=ann', signer: CLIENT, usages: ['client auth', 'digital signature'] },
    `O=dev, O=ops, CN=ann | verified | 1.3.6.1.5.5.7.3.2 | no names | -5 to ${YEAR - 5} minutes`,
  ],
  [
    'a client for an hour, with a key of RSA',
    { subject: 'CN=ann', signer: CLIENT, usages: ['client auth'], seconds: 3600, rsa: true },
    'CN=ann | verified | 1.3.6.1.5.5.7.3.2 | no names | -5 to 60 minutes',
  ],
  [
    'a node',
    { subject: NODE_SUBJECT, signer: NODE, usages: ['client auth', 'digital signature'] },
    `O=system:nodes, CN=system:node:n | verified | 1.3.6.1.5.5.7.3.2 | no names | -5 to ${YEAR - 5} minutes`,
  ],
  [
    "a node's server",
    {
      subject: NODE_SUBJECT,
      signer: SERVING,
      usages: ['server auth', 'digital signature', 'key encipherment'],
      names: ['n'],
    },
    `O=system:nodes, CN=system:node:n | verified | 1.3.6.1.5.5.7.3.1 | DNS:n | -5 to ${YEAR - 5} minutes`,
  ],
  [
    'a client that is to sign',
    { subject: 'CN=ann', signer: CLIENT, usages: ['client auth', 'cert sign'] },
    'SignerValidationFailure: invalid usage for client certificate: cert sign',
  ],
  [
    'a client that is none',
    { subject: 'CN=ann', signer: CLIENT, usages: ['digital signature'] },
    'SignerValidationFailure: missing required usage for client certificate: client auth',
  ],
  [
    'a node of nobody',
    { subject: 'CN=system:node:n', signer: NODE, usages: ['client auth', 'digital signature'] },
    'SignerValidationFailure: subject organization is not system:nodes',
  ],
  [
    'a node that is none',
    { subject: 'O=system:nodes, CN=n', signer: NODE, usages: ['client auth', 'digital signature'] },
    'SignerValidationFailure: subject common name does not begin with system:node:',
  ],
  [
    'a node with names',
    { subject: NODE_SUBJECT, signer: NODE, usages: ['client auth', 'digital signature'], names: ['n'] },
    'SignerValidationFailure: DNS subjectAltNames are not allowed',
  ],
  [
    'a node that serves',
    { subject: NODE_SUBJECT, signer: NODE, usages: ['server auth', 'digital signature'] },
    'SignerValidationFailure: usages did not match [client auth digital signature key encipherment]',
  ],
  [
    'a server without names',
    { subject: NODE_SUBJECT, signer: SERVING, usages: ['server auth', 'digital signature'] },
    'SignerValidationFailure: DNS or IP subjectAltName is required',
  ],
  ['what nobody approved', { subject: 'CN=ann', signer: CLIENT, usages: ['client auth'], conditions: [] }, 'nothing'],
  ['what another signs', { subject: 'CN=ann', signer: 'a.test/b', usages: ['client auth'] }, 'nothing'],
];

for (const [name, asked, expected] of cases) {
  test(`a certificate of ${name}`, async () => {
    assert.equal(await outcome(asked, expected === 'nothing' ? TURNS.nothing : TURNS.something), expected);
  });
}
