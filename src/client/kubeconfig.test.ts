import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type Connection, inClusterConnection, readConnection } from './kubeconfig.ts';

const dir = mkdtempSync(join(tmpdir(), 'kubeconfig-'));
after(() => rmSync(dir, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(dir, name);
  writeFileSync(path, text);
  return path;
}

function config(cluster: string, user: string, extra: string = ''): string {
  return `apiVersion: v1
kind: Config
current-context: a
contexts: [{name: a, context: {cluster: c, user: u${extra}}}, {name: other, context: {cluster: gone, user: u}}]
clusters: [{name: c, cluster: ${cluster}}]
users: [{name: u, user: ${user}}]
`;
}

/** With what functions return. */
function texts(connection: Connection): object {
  const read = (value: unknown): unknown => (typeof value === 'function' ? (value as () => string)() : value);
  return Object.fromEntries(Object.entries(connection).map(([name, value]) => [name, read(value)]));
}

const PEM = Buffer.from('PEM').toString('base64');

const cases = [
  {
    name: 'inline certificates',
    text: config(
      `{server: "https://h:6443/", certificate-authority-data: ${PEM}}`,
      `{client-certificate-data: ${PEM}, client-key-data: ${PEM}}`,
      ', namespace: n',
    ),
    is: { server: 'https://h:6443', ca: 'PEM', cert: 'PEM', key: 'PEM', namespace: 'n' },
  },
  {
    name: 'certificate files beside it',
    text: config('{server: "https://h", certificate-authority: ca.pem}', '{token: t}'),
    is: { server: 'https://h', ca: 'CA', token: 't', namespace: 'default' },
  },
  {
    name: 'a token file, a server name and no verification',
    text: config('{server: "https://h", insecure-skip-tls-verify: true, tls-server-name: n}', '{tokenFile: token}'),
    is: {
      server: 'https://h',
      token: 'from file',
      tlsServerName: 'n',
      insecureSkipTlsVerify: true,
      namespace: 'default',
    },
  },
  {
    name: 'a server without a scheme that has to prove itself',
    text: config('{server: "h:6443", insecure-skip-tls-verify: true}', '{}'),
    is: { server: 'https://h:6443', insecureSkipTlsVerify: true, namespace: 'default' },
  },
  {
    name: 'a server without a scheme',
    text: config('{server: "localhost:8080"}', '{}'),
    is: { server: 'http://localhost:8080', namespace: 'default' },
  },
  {
    name: 'a proxy',
    text: config('{server: "https://h", proxy-url: "http://p:3128"}', '{}'),
    is: {
      server: 'https://h',
      proxyUrl: 'http://p:3128',
      namespace: 'default',
    },
  },
];

for (const [i, c] of cases.entries()) {
  test(`readConnection() reads ${c.name}`, () => {
    file('ca.pem', 'CA');
    file('token', 'from file\n');
    const found = texts(readConnection(file(`config-${i}`, c.text)));
    const names = ['ca', 'cert', 'key', 'token', 'tlsServerName', 'proxyUrl'];
    const none = Object.fromEntries(names.map((name) => [name, undefined]));
    assert.deepEqual(found, { ...none, insecureSkipTlsVerify: false, ...c.is });
  });
}

const refused = [
  { name: 'no YAML', text: '{', why: /Flow map/ },
  { name: 'no context', text: 'kind: Config', why: /it names no current context/ },
  {
    name: 'a cluster that is not there',
    text: config('{server: s}', '{}'),
    context: 'other',
    why: /it has no cluster "gone"/,
  },
  { name: 'no server', text: config('{}', '{}'), why: /the cluster of context "a" has no server/ },
  { name: 'a log-in program', text: config('{server: s}', '{exec: {}}'), why: /runs a program to log in/ },
  { name: 'a user who acts as another', text: config('{server: s}', '{as: other}'), why: /acts as another/ },
  {
    name: 'a proxy of another kind',
    text: config('{server: s, proxy-url: "socks5://me:secret@p"}', '{}'),
    why: /: the proxy-url of the cluster of context "a" is not supported: it must be a URL of http or https$/,
  },
  { name: 'no proxy', text: config('{server: s, proxy-url: "http://a b"}', '{}'), why: /the proxy-url of the cluster/ },
  { name: 'a server that is no URL', text: config('{server: "a b"}', '{}'), why: /the server "a b", which is no URL/ },
  { name: 'a missing file', text: config('{server: s, certificate-authority: nowhere}', '{}'), why: /ENOENT/ },
];

for (const [i, c] of refused.entries()) {
  test(`readConnection() refuses ${c.name}`, () => {
    const path = file(`bad-${i}`, c.text);
    assert.throws(() => readConnection(path, c.context), { code: 'EKUBECONFIG', message: c.why });
  });
}

test('inClusterConnection() reads the service account of a Pod', () => {
  for (const [name, text] of [
    ['ca.crt', 'CA'],
    ['token', 't\n'],
    ['namespace', 'n'],
  ] as const)
    file(name, text);
  const env = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' };
  const connection = inClusterConnection(env, dir);
  const is = { server: 'https://[fd00::1]:443', ca: 'CA', token: 't', insecureSkipTlsVerify: false, namespace: 'n' };
  assert.ok(connection !== undefined);
  assert.deepEqual(texts(connection), is);
  // The kubelet replaces them.
  file('ca.crt', 'CA 2');
  file('token', 't 2\n');
  assert.deepEqual(texts(connection), { ...is, ca: 'CA 2', token: 't 2' });
  rmSync(join(dir, 'namespace'));
  assert.equal(inClusterConnection(env, dir)?.namespace, 'default');
  rmSync(join(dir, 'token'));
  assert.throws(() => inClusterConnection(env, dir), {
    code: 'ENOACCOUNT',
    message: /^Cannot use the account of this Pod: ENOENT: .*token'$/,
  });
  assert.equal(inClusterConnection({}), undefined);
  assert.equal(inClusterConnection({ ...env, KUBERNETES_SERVICE_HOST: '' }), undefined);
});
