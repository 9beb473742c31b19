import assert from 'node:assert/strict';
import test from 'node:test';
import { parseRequestPath, verbOf } from './request-info.ts';

const cases = [
  { method: 'GET', path: '/api/v1/pods', shown: 'list /v1 pods' },
  { method: 'GET', path: '/api/v1/pods?watch=true', shown: 'watch /v1 pods' },
  { method: 'GET', path: '/api/v1/watch/namespaces/x/pods', shown: 'watch /v1 pods in x' },
  { method: 'GET', path: '/api/v1/namespaces', shown: 'list /v1 namespaces' },
  { method: 'GET', path: '/api/v1/namespaces/x', shown: 'get /v1 namespaces x' },
  { method: 'PUT', path: '/api/v1/namespaces/x/finalize', shown: 'update /v1 namespaces x finalize' },
  { method: 'PATCH', path: '/api/v1/namespaces/x/status', shown: 'patch /v1 namespaces x status' },
  { method: 'POST', path: '/api/v1/namespaces/x/pods', shown: 'create /v1 pods in x' },
  { method: 'GET', path: '/api/v1/namespaces/x/pods/a%20b/log', shown: 'get /v1 pods in x a b log' },
  {
    method: 'DELETE',
    path: '/apis/apps/v1/namespaces/x/deployments',
    shown: 'deletecollection apps/v1 deployments in x',
  },
  { method: 'DELETE', path: '/apis/apps/v1/namespaces/x/deployments/d', shown: 'delete apps/v1 deployments in x d' },
  { method: 'GET', path: '/api/v1/namespaces/x/services/s/proxy/a/b', shown: 'get /v1 services in x s proxy a/b' },
  { method: 'GET', path: '/apis/apps/v1', shown: 'path' },
  { method: 'GET', path: '/api/v1', shown: 'path' },
  { method: 'GET', path: '/healthz', shown: 'path' },
];

for (const { method, path, shown } of cases) {
  test(`${method} ${path}`, () => {
    const [bare = '', search = ''] = path.split('?');
    const info = parseRequestPath(bare);
    if (info.kind === 'path') {
      assert.equal('path', shown);
      return;
    }
    const verb = verbOf(method, info, Object.fromEntries(new URLSearchParams(search)));
    const where = info.namespace === undefined ? '' : `in ${info.namespace}`;
    const parts = [verb, `${info.group}/${info.version}`, info.plural, where, info.name, info.subresource, info.rest];
    assert.equal(parts.filter((part) => part !== undefined && part !== '').join(' '), shown);
  });
}
