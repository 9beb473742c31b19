import 'reflect-metadata';
import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { connect, createServer, type TLSSocket } from 'node:tls';
import {
  AuthorityKeyIdentifierExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate as Parsed,
} from '@peculiar/x509';
import { ManualClock, systemClock } from '#base/clock.ts';
import { ensurePki, readPki, type Pki, type PkiOptions } from './pki.ts';

async function loadPki(dir: string, options: PkiOptions): Promise<Pki> {
  await ensurePki(dir, options);
  return readPki(dir);
}

const root = mkdtempSync(join(tmpdir(), 'clusterip-pki-'));
after(() => rmSync(root, { recursive: true }));
const serverNames = ['localhost', 'kubernetes.default.svc.cluster.local', '127.0.0.1', '10.96.0.1', 'fd00::1'];
const dir = join(root, 'state', 'pki');
const pki = await loadPki(dir, { clock: systemClock, serverNames });
const [ca, server, admin] = [pki.caCert, pki.serverCert, pki.adminCert].map((pem) => new X509Certificate(pem)) as [
  X509Certificate,
  X509Certificate,
  X509Certificate,
];

test('who the certificates are of, who signed them and what for', () => {
  const text = (certificate: X509Certificate): string =>
    [
      certificate.subject.replace('\n', ', '),
      `by ${certificate.issuer}${certificate.checkIssued(ca) && certificate.verify(ca.publicKey) ? ', verified' : ''}`,
      certificate.ca ? 'CA' : `for ${certificate.keyUsage.join(' ')}`,
      certificate.subjectAltName ?? 'no names',
    ].join(' | ');
  assert.deepEqual([ca, server, admin].map(text), [
    'CN=clusterip-ca | by CN=clusterip-ca, verified | CA | no names',
    // id-kp-serverAuth
    'CN=kube-apiserver | by CN=clusterip-ca, verified | for 1.3.6.1.5.5.7.3.1 | DNS:localhost, DNS:kubernetes.default.svc.cluster.local, IP Address:127.0.0.1, IP Address:10.96.0.1, IP Address:FD00:0:0:0:0:0:0:1',
    // id-kp-clientAuth
    'O=system:masters, CN=kubernetes-admin | by CN=clusterip-ca, verified | for 1.3.6.1.5.5.7.3.2 | no names',
  ]);
});

test('a cluster from before the key of its authority was kept works without', async () => {
  const old = join(root, 'old');
  const made = await loadPki(old, { clock: systemClock, serverNames });
  rmSync(join(old, 'ca.key'));
  assert.deepEqual(readPki(old), { ...made, caKey: undefined });
});

test('every certificate has its own number and the key that belongs to it', () => {
  assert.equal(new Set([ca, server, admin].map((certificate) => certificate.serialNumber)).size, 3);
  assert.ok(server.checkPrivateKey(createPrivateKey(pki.serverKey)));
  assert.ok(admin.checkPrivateKey(createPrivateKey(pki.adminKey)));
  assert.deepEqual(createPrivateKey(pki.serviceAccountKey).asymmetricKeyDetails, { namedCurve: 'prime256v1' });
});

test('the certificates say which key signed them', () => {
  const own = new Parsed(pki.caCert).getExtension(SubjectKeyIdentifierExtension)?.keyId;
  for (const pem of [pki.serverCert, pki.adminCert]) {
    assert.equal(new Parsed(pem).getExtension(AuthorityKeyIdentifierExtension)?.keyId, own);
  }
});

for (const name of serverNames) {
  test(`the API server is known as ${name}`, () => {
    const known = /^[\d.]+$|:/.test(name) ? server.checkIP(name) : server.checkHost(name);
    assert.equal(known, name);
  });
}

test('the API server is known by no other name', () => {
  assert.deepEqual([server.checkHost('example.org'), server.checkIP('10.96.0.2')], [undefined, undefined]);
});

test('certificates hold from a day ago for ten years', async () => {
  const made = await loadPki(join(root, 'dated'), { clock: new ManualClock(Date.UTC(2026, 0, 2)), serverNames });
  for (const pem of [made.caCert, made.serverCert, made.adminCert]) {
    const { validFrom, validTo } = new X509Certificate(pem);
    assert.deepEqual([validFrom, validTo], ['Jan  1 00:00:00 2026 GMT', 'Dec 31 00:00:00 2035 GMT']);
  }
});

test('server and client believe each other over TLS', async (t) => {
  const listener = createServer({
    cert: pki.serverCert,
    key: pki.serverKey,
    ca: pki.caCert,
    requestCert: true,
    rejectUnauthorized: true,
  });
  t.after(() => listener.close());
  const accepted = new Promise<TLSSocket>((resolve) => listener.once('secureConnection', resolve));
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const { port } = listener.address() as AddressInfo;
  const { adminCert: cert, adminKey: key, caCert } = pki;
  const socket = connect({ host: '127.0.0.1', port, ca: caCert, cert, key });
  t.after(() => socket.destroy());
  await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
  const there = await accepted;
  t.after(() => there.destroy());
  assert.deepEqual(
    [socket.authorized, there.authorized, socket.getPeerCertificate().subject.CN, there.getPeerCertificate().subject],
    [true, true, 'kube-apiserver', { O: 'system:masters', CN: 'kubernetes-admin', __proto__: null }],
  );
});

test('what was made once is read from then on, by its owner only', async () => {
  assert.deepEqual(await loadPki(dir, { clock: systemClock, serverNames: ['other'] }), pki);
  const names = ['admin.crt', 'admin.key', 'apiserver.crt', 'apiserver.key', 'ca.crt', 'ca.key', 'sa.key'];
  assert.deepEqual(readdirSync(dir).sort(), names);
  const modes = ['.', ...names].map((name) => (statSync(join(dir, name)).mode & 0o777).toString(8));
  assert.deepEqual(modes, ['700', ...names.map(() => '600')]);
  assert.ok(!names.some((name) => readFileSync(join(dir, name), 'utf8').includes('ENCRYPTED')));
});

test('what was interrupted while it was made is made anew, all of it', async () => {
  const broken = join(root, 'broken');
  const before = await loadPki(broken, { clock: systemClock, serverNames });
  rmSync(join(broken, 'sa.key'));
  const later = await loadPki(broken, { clock: systemClock, serverNames });
  const same = (Object.keys(before) as (keyof Pki)[]).filter((name) => before[name] === later[name]);
  assert.deepEqual(same, []);
  assert.ok(new X509Certificate(later.serverCert).verify(new X509Certificate(later.caCert).publicKey));
});
