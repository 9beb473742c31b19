import assert from 'node:assert/strict';
import { test } from 'node:test';
import { throughProxyOf } from './http-proxy.ts';

test('the environment names a proxy for all but the loopback, and a kubeconfig comes first', () => {
  const at = (server: string, env: NodeJS.ProcessEnv, proxyUrl?: string): string | undefined =>
    throughProxyOf(env, { server, proxyUrl, insecureSkipTlsVerify: false, namespace: 'default' }).proxyUrl;
  const env = { HTTPS_PROXY: 'http://p:1' };
  assert.deepEqual(at('https://192.0.2.1:6443', env), 'http://p:1');
  assert.deepEqual(at('https://192.0.2.1', { https_proxy: 'p:1' }), 'http://p:1');
  assert.equal(at('http://192.0.2.1', env), undefined);
  for (const host of ['127.0.0.1', '[::1]', 'localhost']) assert.equal(at(`https://${host}:6443`, env), undefined);
  assert.deepEqual(at('https://192.0.2.1', env, 'http://q'), 'http://q');
  assert.equal(at('https://192.0.2.1', { HTTPS_PROXY: '', https_proxy: 'http://p:1' }), 'http://p:1');
});

test('a proxy that is none of HTTP is refused, and its password kept', () => {
  const connection = { server: 'https://192.0.2.1', insecureSkipTlsVerify: false, namespace: 'default' };
  for (const url of ['socks5://me:secret@p:1', 'http://', 'http://me:secret@a b']) {
    assert.throws(() => throughProxyOf({ HTTPS_PROXY: url }, connection), {
      code: 'EPROXY',
      message: 'Cannot go through the proxy that HTTPS_PROXY names: it must be a URL of http or https',
    });
    assert.equal(throughProxyOf({ HTTPS_PROXY: url, NO_PROXY: '*' }, connection), connection);
  }
});

test('NO_PROXY names ranges, addresses and domains', () => {
  const isDirect = (host: string, NO_PROXY: string): boolean => {
    const connection = { server: `https://${host}`, insecureSkipTlsVerify: false, namespace: 'default' };
    return throughProxyOf({ HTTPS_PROXY: 'http://p:1', NO_PROXY }, connection).proxyUrl === undefined;
  };
  for (const [host, list] of [
    ['10.96.0.1', 'example.com, 10.96.0.0/12'],
    ['[fd00:96::1]:6443', 'fd00:96::/112'],
    ['[fd00:96::1]:6443', '[fd00:96::1]:6443'],
    ['[fd00:96::1]', 'fd00:96::1'],
    ['192.0.2.1:6443', '192.0.2.1'],
    ['192.0.2.1:6443', '192.0.2.1:6443'],
    ['192.0.2.1', '192.0.2.1:443'],
    ['api.example.com', 'EXAMPLE.com'],
    ['api.example.com', '.example.com'],
    ['api.example.com', '*.example.com'],
    ['example.com', 'example.com'],
    ['example.com', '*'],
  ] as const) {
    assert.equal(isDirect(host, list), true, `${host} in ${list}`);
  }
  for (const [host, list] of [
    ['10.112.0.1', '10.96.0.0/12'],
    ['192.0.2.1:6443', '192.0.2.1:443'],
    ['example.com', '.example.com'],
    ['myexample.com', 'example.com'],
    ['192.0.2.11', '192.0.2.1'],
    ['example.com', ''],
  ] as const) {
    assert.equal(isDirect(host, list), false, `${host} in ${list}`);
  }
});
