import assert from 'node:assert/strict';
import { webcrypto } from 'node:crypto';
import 'reflect-metadata';
import test from 'node:test';
import * as x509 from '@peculiar/x509';
import { parseSigningRequest } from './signing-request.ts';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);

async function requestOf(params: x509.JsonNameParams): Promise<string> {
  // It takes what its types do not say.
  const name = params as x509.JsonName;
  const request = await x509.Pkcs10CertificateRequestGenerator.create({ name, keys, signingAlgorithm: ALGORITHM });
  return request.toString('pem');
}

function subjectOf(pem: string): string {
  try {
    const { commonName, organizations } = parseSigningRequest(Buffer.from(pem).toString('base64'));
    return `${commonName} of ${organizations.join()}`;
  } catch (error) {
    return String(error);
  }
}

const NO_PEM = 'Error: PEM block type must be CERTIFICATE REQUEST';

test('parseSigningRequest() reads the last common name and all organizations', async () => {
  const pem = await requestOf([{ CN: ['first'] }, { O: ['a'] }, { O: [{ bmpString: 'b' }] }, { CN: ['last'] }]);
  assert.equal(subjectOf(pem), 'last of a,b');
  assert.equal(subjectOf(`before\n${pem.replaceAll('\n', '\r\n')}\nbehind`), 'last of a,b');
});

test('parseSigningRequest() refuses texts of a type that readers take for different ones', async () => {
  const pem = await requestOf([{ CN: ['ann'] }, { O: [{ universalString: 'system:masters' }] }]);
  assert.equal(subjectOf(pem), 'SyntaxError: asn1: structure error: unsupported type of string');
});

test('parseSigningRequest() refuses what is no whole block, in time that grows with it alone', () => {
  const begin = '-----BEGIN CERTIFICATE REQUEST-----\n';
  assert.equal(subjectOf(begin + '\n'.repeat(1_000_000)), NO_PEM);
  assert.equal(subjectOf(begin.repeat(30_000)), NO_PEM);
  assert.equal(subjectOf('-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n'), NO_PEM);
});
