import assert from 'node:assert/strict';
import test from 'node:test';
import type { ManagedFieldsEntry } from '#api/object.ts';
import type { ApiResponse } from '#api/request.ts';
import { bodyOf, outcome, TestServer } from '../testing/test-server.ts';

const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';
const A = `${CONFIG_MAPS}/a`;
const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments';
const WEB = `${DEPLOYMENTS}/web`;

function configMap(data: Readonly<Record<string, string>>): unknown {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data };
}

function deployment(replicas?: number): unknown {
  const labels = { app: 'web' };
  const template = { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'i' }] } };
  const spec = { selector: { matchLabels: labels }, template, ...(replicas === undefined ? {} : { replicas }) };
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' }, spec };
}

/** `manager operation[/subresource] fields` of each entry, or the refusal. */
function owners(response: ApiResponse): string[] {
  if (response.status >= 300) return [outcome(response)];
  const { metadata } = bodyOf<{ metadata: { managedFields?: readonly ManagedFieldsEntry[] } }>(response);
  return (metadata.managedFields ?? []).map(({ manager = '', operation = '', subresource, fieldsV1 }) => {
    const how = subresource === undefined ? operation : `${operation}/${subresource}`;
    return `${manager} ${how} ${JSON.stringify(fieldsV1)}`;
  });
}

test('writes say who owns what they set', async () => {
  await using server = await TestServer.start();
  const write = async (manager: string, body: unknown, path: string = A): Promise<string[]> =>
    owners(
      await server.send({
        method: 'PATCH',
        path,
        body,
        query: { fieldManager: manager },
        contentType: 'application/merge-patch+json',
      }),
    );
  const created = await server.send({
    method: 'POST',
    path: CONFIG_MAPS,
    body: configMap({ k: '1', l: '2' }),
    userAgent: 'prog/v1 (linux)',
  });
  assert.deepEqual(owners(created), ['prog Update {"f:data":{".":{},"f:k":{},"f:l":{}}}']);
  assert.deepEqual(await write('second', { data: { k: '9' } }), [
    'prog Update {"f:data":{".":{},"f:l":{}}}',
    'second Update {"f:data":{"f:k":{}}}',
  ]);
  assert.deepEqual(await write('third', { data: { k: '9' } }), [
    'prog Update {"f:data":{".":{},"f:l":{}}}',
    'second Update {"f:data":{"f:k":{}}}',
  ]);
  assert.deepEqual(await write('third', { data: { k: null } }), ['prog Update {"f:data":{".":{},"f:l":{}}}']);
  assert.deepEqual(await write('third', { metadata: { managedFields: [{}] } }), []);
  assert.deepEqual(await write('third', { data: { m: '1' } }), [], 'who is not followed stays so');
});

test('apply() makes, changes and takes away', async () => {
  await using server = await TestServer.start();
  const apply = async (
    data: Readonly<Record<string, string>>,
    manager: string,
    query: Readonly<Record<string, string>> = {},
  ): Promise<string[]> => {
    const answer = await server.apply(A, manager, configMap(data), query);
    if (answer.status >= 300) return [outcome(answer)];
    return [`${answer.status} ${JSON.stringify(bodyOf<{ data: unknown }>(answer).data)}`, ...owners(answer)];
  };
  assert.deepEqual(await apply({ k: '1' }, 'one'), ['201 {"k":"1"}', 'one Apply {"f:data":{"f:k":{}}}']);
  assert.deepEqual(await apply({ l: '2' }, 'two'), [
    '200 {"k":"1","l":"2"}',
    'one Apply {"f:data":{"f:k":{}}}',
    'two Apply {"f:data":{"f:l":{}}}',
  ]);
  assert.deepEqual(await apply({ k: '3' }, 'two'), [
    '409 Conflict: Apply failed with 1 conflict: conflict with "one": .data.k',
  ]);
  assert.deepEqual(await apply({ k: '3' }, 'two', { force: 'true', dryRun: 'All' }), [
    '200 {"k":"3"}',
    'two Apply {"f:data":{"f:k":{}}}',
  ]);
  assert.deepEqual(await apply({ k: '3', l: '2' }, 'two', { force: 'true' }), [
    '200 {"k":"3","l":"2"}',
    'two Apply {"f:data":{"f:k":{},"f:l":{}}}',
  ]);
  const before = bodyOf(await server.get(A));
  await apply({ k: '3', l: '2' }, 'two');
  assert.deepEqual(bodyOf(await server.get(A)), before, 'the same once more is no write');
});

test('apply() knows subresources apart', async () => {
  await using server = await TestServer.start();
  await server.apply(WEB, 'me', deployment(2));
  const scale = (replicas: number, query: Readonly<Record<string, string>> = {}): Promise<ApiResponse> =>
    server.apply(
      `${WEB}/scale`,
      'scaler',
      { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name: 'web' }, spec: { replicas } },
      query,
    );
  assert.equal(
    outcome(await scale(3)),
    '409 Conflict: Apply failed with 1 conflict: conflict with "me": .spec.replicas',
  );
  assert.equal((await scale(3, { force: 'true' })).status, 200);
  assert.equal(
    outcome(await server.apply(WEB, 'me', deployment(2))),
    '409 Conflict: Apply failed with 1 conflict: conflict with "scaler" with subresource "scale": .spec.replicas',
  );
  const status = { status: { replicas: 3, conditions: [{ type: 'Available', status: 'True' }] } };
  const answer = await server.apply(`${WEB}/status`, 'ctl', { ...(deployment() as object), ...status });
  assert.deepEqual(owners(answer).slice(0, 1), [
    'ctl Apply/status {"f:status":{"f:conditions":{"k:{\\"type\\":\\"Available\\"}":{".":{},"f:status":{},"f:type":{}}},"f:replicas":{}}}',
  ]);
});

const refusals = [
  {
    name: 'no manager',
    query: { fieldManager: '' },
    answer:
      '422 Invalid: PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
  },
  {
    name: 'another name',
    body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'b' } },
    answer: '400 BadRequest: the name of the object (b) does not match the name on the URL (a)',
  },
  {
    name: 'another version',
    body: { apiVersion: 'v2', kind: 'ConfigMap' },
    answer: '400 BadRequest: Incorrect version specified in apply patch. Specified patch version: v2, expected: v1',
  },
  {
    name: 'managed fields',
    body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { managedFields: [] } },
    answer: '400 BadRequest: metadata.managedFields must be nil',
  },
  {
    name: 'a uid of what is not there',
    body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { uid: 'u' } },
    answer:
      '409 Conflict: Operation cannot be fulfilled on configmaps "a": uid mismatch: the provided object specified uid u, and no existing object was found',
  },
  {
    name: 'a field that the kind does not have',
    body: 'apiVersion: v1\nkind: ConfigMap\nfoo: 1\n',
    answer: '500 -: failed to create typed patch object (/a; /v1, Kind=ConfigMap): .foo: field not declared in schema',
  },
] as const;

test('apply() refuses', async (t) => {
  await using server = await TestServer.start();
  for (const { name, answer, ...request } of refusals) {
    await t.test(name, async () => {
      const { body = configMap({}), query = { fieldManager: 'me' } } = request as Partial<{
        body: unknown;
        query: never;
      }>;
      const contentType = 'application/apply-patch+yaml';
      assert.equal(outcome(await server.send({ method: 'PATCH', path: A, body, query, contentType })), answer);
    });
  }
});
