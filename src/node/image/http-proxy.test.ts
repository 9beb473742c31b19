import assert from 'node:assert/strict';
import { test } from 'node:test';
import { proxyFor } from './http-proxy.ts';

const env = {
  HTTPS_PROXY: 'http://me:se%40cret@proxy.example.com:3128',
  http_proxy: 'plain.example.com:8080',
  NO_PROXY: 'internal.example.com, .corp.example.com,only.example.com:5000,10.0.0.1',
};

const cases: readonly (readonly [target: string, proxy: string | undefined])[] = [
  ['https://registry-1.docker.io/v2/', 'http://proxy.example.com:3128 me:se@cret'],
  ['http://registry.example.com/v2/', 'http://plain.example.com:8080'],
  ['http://127.0.0.1:5000/v2/', undefined],
  ['http://localhost:5000/v2/', undefined],
  ['https://[::1]/v2/', undefined],
  ['https://internal.example.com/', undefined],
  ['https://a.internal.example.com/', undefined],
  ['https://notinternal.example.com/', 'http://proxy.example.com:3128 me:se@cret'],
  ['https://corp.example.com/', 'http://proxy.example.com:3128 me:se@cret'],
  ['https://a.corp.example.com/', undefined],
  ['https://only.example.com:5000/', undefined],
  ['https://only.example.com/', 'http://proxy.example.com:3128 me:se@cret'],
  ['https://10.0.0.1/', undefined],
];
for (const [target, expected] of cases) {
  test(`proxyFor(${target}) is ${expected ?? 'none'}`, () => {
    const proxy = proxyFor(new URL(target), env);
    const login = proxy?.authorization && ` ${Buffer.from(proxy.authorization.slice(6), 'base64').toString()}`;
    assert.equal(proxy && `http://${proxy.url.host}${login ?? ''}`, expected);
  });
}

test('proxyFor() without a variable, with one that is no URL, and with all exempt', () => {
  const target = new URL('https://a.example.com');
  assert.equal(proxyFor(target, {}), undefined);
  assert.equal(proxyFor(target, { HTTPS_PROXY: 'socks5://a:1' }), undefined);
  assert.equal(proxyFor(target, { HTTPS_PROXY: 'a:1', NO_PROXY: '*' }), undefined);
});
