import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, type JsonWebKey, verify } from 'node:crypto';
import test from 'node:test';
import { TokenKey } from './json-web-token.ts';

const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;

for (const [algorithm, key] of [
  ['ES256', ec],
  ['RS256', rsa],
] as const) {
  test(`TokenKey signs with ${algorithm} and verifies its own`, () => {
    const tokens = new TokenKey(key.export({ type: 'pkcs8', format: 'pem' }).toString());
    const token = tokens.sign({ sub: 'x' });
    assert.deepEqual(tokens.verify(token), { sub: 'x' });
    const [header = '', payload = '', signature = ''] = token.split('.');
    assert.equal(JSON.parse(Buffer.from(header, 'base64url').toString()).alg, algorithm);
    // As anybody would who has nothing but the published key.
    const { keys } = tokens.keySet() as { keys: JsonWebKey[] };
    const published = createPublicKey({ key: keys[0] ?? {}, format: 'jwk' });
    const signed = Buffer.from(`${header}.${payload}`);
    assert.ok(
      verify('sha256', signed, { key: published, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url')),
    );
  });
}

const tokens = new TokenKey(ec);
const token = tokens.sign({ sub: 'x' });
const [header = '', payload = '', signature = ''] = token.split('.');
const forged = Buffer.from(JSON.stringify({ sub: 'admin' })).toString('base64url');
const none = Buffer.from(JSON.stringify({ alg: 'none' })).toString('base64url');

const refused = [
  { name: 'other claims', token: `${header}.${forged}.${signature}` },
  { name: 'no signature', token: `${header}.${payload}.` },
  { name: 'the algorithm none', token: `${none}.${forged}.` },
  {
    name: 'another key',
    token: new TokenKey(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey).sign({ sub: 'x' }),
  },
  { name: 'another algorithm', token: new TokenKey(rsa).sign({ sub: 'x' }) },
  { name: 'two parts', token: `${header}.${payload}` },
  { name: 'four parts', token: `${token}.x` },
  { name: 'nonsense', token: 'x.y.z' },
  { name: 'nothing', token: '' },
];

for (const { name, token } of refused) {
  test(`TokenKey refuses ${name}`, () => assert.equal(tokens.verify(token), undefined));
}
