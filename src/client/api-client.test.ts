import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod } from '#api/generated/types.ts';
import { deployments, nodes, pods } from '#api/resource.ts';
import { createClient } from './api-client.ts';
import type { Client } from './client.ts';
import type { TransportRequest } from './transport.ts';

const pod = { metadata: { namespace: 'd', name: 'p' } } as unknown as Pod;

interface Case {
  readonly name: string;
  readonly call: (client: Client) => Promise<unknown>;
  readonly sent: string;
}

const cases: readonly Case[] = [
  {
    name: 'get',
    call: (client) => client.get(pods, { namespace: 'd', name: 'p' }),
    sent: 'GET /api/v1/namespaces/d/pods/p',
  },
  { name: 'get cluster-wide', call: (client) => client.get(nodes, { name: 'n' }), sent: 'GET /api/v1/nodes/n' },
  { name: 'list everywhere', call: (client) => client.list(deployments), sent: 'GET /apis/apps/v1/deployments' },
  {
    name: 'list selected',
    call: (client) => client.list(pods, { namespace: 'd', labelSelector: 'a=b', limit: 5, continue: 'x' }),
    sent: 'GET /api/v1/namespaces/d/pods?labelSelector=a=b&limit=5&continue=x',
  },
  {
    name: 'create',
    call: (client) => client.create(pods, { metadata: { namespace: 'd', name: 'p' } }, { dryRun: true }),
    sent: 'POST /api/v1/namespaces/d/pods?dryRun=All application/json {"apiVersion":"v1","kind":"Pod","metadata":{"namespace":"d","name":"p"}}',
  },
  {
    name: 'update status',
    call: (client) => client.update(pods, pod, { subresource: 'status' }),
    sent: 'PUT /api/v1/namespaces/d/pods/p/status application/json {"apiVersion":"v1","kind":"Pod","metadata":{"namespace":"d","name":"p"}}',
  },
  {
    name: 'apply',
    call: (client) =>
      client.patch(
        pods,
        { namespace: 'd', name: 'p' },
        { kind: 'apply', body: {} },
        { fieldManager: 'm', force: true },
      ),
    sent: 'PATCH /api/v1/namespaces/d/pods/p?fieldManager=m&force=true application/apply-patch+yaml {}',
  },
  {
    name: 'delete',
    call: (client) =>
      client.delete(pods, { namespace: 'd', name: 'p' }, { gracePeriodSeconds: 0, preconditions: { uid: 'u' } }),
    sent: 'DELETE /api/v1/namespaces/d/pods/p application/json {"apiVersion":"v1","kind":"DeleteOptions","gracePeriodSeconds":0,"preconditions":{"uid":"u"}}',
  },
  {
    name: 'deleteCollection',
    call: (client) => client.deleteCollection(pods, { namespace: 'd', labelSelector: 'a' }),
    sent: 'DELETE /api/v1/namespaces/d/pods?labelSelector=a application/json {"apiVersion":"v1","kind":"DeleteOptions"}',
  },
];

function text({ method, path, query, contentType, body }: TransportRequest): string {
  const search = Object.entries(query ?? {}).map(([key, value]) => `${key}=${value}`);
  const content = body === undefined ? '' : ` ${contentType} ${JSON.stringify(body)}`;
  return `${method} ${path}${search.length === 0 ? '' : `?${search.join('&')}`}${content}`;
}

for (const c of cases) {
  test(`createClient() sends ${c.name}`, async () => {
    const sent: string[] = [];
    const client = createClient({
      request(request) {
        sent.push(text(request));
        return Promise.resolve({ status: 200, body: {} });
      },
      async *watch() {},
    });
    await c.call(client);
    assert.deepEqual(sent, [c.sent]);
  });
}

const failures = [
  {
    name: 'a Status',
    status: 409,
    body: { kind: 'Status', message: 'm', reason: 'Conflict', code: 409 },
    error: { name: 'ApiError', message: 'm', reason: 'Conflict', code: 409 },
  },
  {
    name: 'a page of something in between',
    status: 503,
    body: 'upstream is down\n',
    error: { name: 'ApiError', message: 'upstream is down', reason: 'ServiceUnavailable', code: 503 },
  },
];

for (const c of failures) {
  test(`createClient() rejects with ApiError for ${c.name}`, async () => {
    const client = createClient({
      request: () => Promise.resolve({ status: c.status, body: c.body }),
      async *watch() {},
    });
    await assert.rejects(client.get(nodes, { name: 'n' }), c.error);
  });
}

test('watch() throws an ERROR event as ApiError', async () => {
  const status = { apiVersion: 'v1', kind: 'Status', metadata: {}, status: 'Failure', reason: 'Expired', code: 410 };
  const client = createClient({
    request: () => Promise.reject(new Error('unused')),
    async *watch() {
      yield { type: 'ERROR', object: status } as never;
    },
  });
  const events = client.watch(pods, { signal: new AbortController().signal });
  await assert.rejects(events[Symbol.asyncIterator]().next(), { name: 'ApiError', code: 410 });
});
