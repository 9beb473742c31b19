import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import type { ApiResponse } from '#api/request.ts';
import { TestServer } from './testing/test-server.ts';

const runs = Number(process.env['FUZZ_RUNS'] ?? 400);

const words = fc.constantFrom(
  'api',
  'apis',
  'v1',
  'apps',
  'namespaces',
  'default',
  'pods',
  'services',
  'deployments',
  'configmaps',
  'nodes',
  'customresourcedefinitions',
  'apiextensions.k8s.io',
  'status',
  'scale',
  'eviction',
  'token',
  'watch',
  'x',
  '',
);
const wild = fc.oneof(words, words, words, fc.string({ maxLength: 8, unit: 'binary' }).map(encodeURIComponentSafe));
const paths = fc.oneof(
  fc.array(wild, { maxLength: 9 }).map((parts) => `/${parts.join('/')}`),
  fc.array(wild, { maxLength: 4 }).map((parts) => `/api/v1/namespaces/default/${parts.join('/')}`),
  fc.array(wild, { maxLength: 4 }).map((parts) => `/apis/apps/v1/namespaces/default/${parts.join('/')}`),
);
const keys = fc.constantFrom(
  'labelSelector',
  'fieldSelector',
  'limit',
  'continue',
  'resourceVersion',
  'resourceVersionMatch',
  'dryRun',
  'fieldManager',
  'fieldValidation',
  'force',
  'propagationPolicy',
  'gracePeriodSeconds',
  'timeoutSeconds',
  'includeObject',
);
const values = fc.oneof(
  fc.constantFrom('', '0', '1', '-1', 'All', 'true', 'a=b', 'a in (b)', 'e30'),
  fc.string({ maxLength: 8 }),
);
const queries = fc.dictionary(keys, values, { maxKeys: 3 });
const types = fc.constantFrom(
  undefined,
  'application/json',
  'application/yaml',
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
  'text/plain',
);
const accepts = fc.constantFrom(undefined, 'application/json;as=Table;v=v1;g=meta.k8s.io', '*/*', 'text/html');
const members = fc.dictionary(
  fc.constantFrom('apiVersion', 'kind', 'metadata', 'spec', 'status', 'data', 'name', 'op', 'path', 'value', 'labels'),
  fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom('v1', 'Pod', 'ConfigMap', 'add', '/metadata/labels')),
  { maxKeys: 5 },
);
const bodies = fc.oneof(
  fc.constant(undefined),
  members.map((value) => JSON.stringify(value)),
  fc.array(members, { maxLength: 3 }).map((value) => JSON.stringify(value)),
  fc.string({ maxLength: 30 }),
);

function encodeURIComponentSafe(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

function statusOf(response: ApiResponse): number {
  return response.kind === 'watch' ? 200 : response.status;
}

/** These are the server's own way of saying that a request is wrong, and Kubernetes' too. */
const KNOWN_FAILURES = /resourceVersion|failed to create typed patch object|unable to find|json|strconv/i;

test('no request makes the server stumble', async () => {
  await using server = await TestServer.start();
  const methods = fc.constantFrom('GET' as const, 'POST' as const, 'PUT' as const, 'PATCH' as const, 'DELETE' as const);
  await fc.assert(
    fc.asyncProperty(
      methods,
      paths,
      queries,
      types,
      accepts,
      bodies,
      async (method, path, query, contentType, accept, body) => {
        // Tests of deletion do that; without these two nothing else could be reached.
        if (
          method === 'DELETE' &&
          /\/(namespaces|serviceaccounts)(\/|$)/.test(path.replace('/namespaces/default/', '/'))
        )
          return;
        const abort = new AbortController();
        const response = await server.send({
          method,
          path,
          query,
          body,
          signal: abort.signal,
          ...(contentType === undefined ? {} : { contentType }),
          ...(accept === undefined ? {} : { accept }),
        });
        abort.abort();
        const status = statusOf(response);
        const text = response.kind === 'object' ? JSON.stringify(response.body) : '';
        assert.ok(status < 500 || status === 504 || KNOWN_FAILURES.test(text), `${method} ${path}: ${status} ${text}`);
      },
    ),
    { numRuns: runs },
  );
});
