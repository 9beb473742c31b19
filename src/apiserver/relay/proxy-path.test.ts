import assert from 'node:assert/strict';
import test from 'node:test';
import { parseProxyPath } from './proxy-path.ts';

const cases = [
  ['/api/v1/namespaces/a/pods/b/proxy', 'pods a http= b: path= prefix=/api/v1/namespaces/a/pods/b/proxy'],
  ['/api/v1/namespaces/a/pods/b:1/proxy/', 'pods a http= b:1 path=/ prefix=/api/v1/namespaces/a/pods/b:1/proxy'],
  [
    '/api/v1/namespaces/a/services/https:b:web/proxy/x//y%20z',
    'services a http=https b:web path=/x//y%20z prefix=/api/v1/namespaces/a/services/https:b:web/proxy',
  ],
  [
    '/api/v1/namespaces/a/services/http%3Ab%3A/proxy/x',
    'services a http=http b: path=/x prefix=/api/v1/namespaces/a/services/http%3Ab%3A/proxy',
  ],
  ['/api/v1/nodes/n:10250/proxy/pods', 'nodes  http= n:10250 path=/pods prefix=/api/v1/nodes/n:10250/proxy'],
  ['/api/v1/namespaces/a/pods/ftp:b:1/proxy/', undefined],
  ['/api/v1/namespaces/a/pods/a:b:c:d/proxy/', undefined],
  ['/api/v1/namespaces/a/pods/:1/proxy/', undefined],
  ['/api/v1/namespaces/a/configmaps/b/proxy/', undefined],
  ['/api/v1/namespaces/a/pods/b/proxyx', undefined],
  ['/apis/v1/v1/namespaces/a/pods/b/proxy', undefined],
] as const;

for (const [path, expected] of cases) {
  test(`proxy path ${path}`, () => {
    const to = parseProxyPath(path);
    const shown =
      to && `${to.plural} ${to.namespace} http=${to.scheme} ${to.name}:${to.port} path=${to.path} prefix=${to.prefix}`;
    assert.equal(shown, expected);
  });
}
