import assert from 'node:assert/strict';
import test from 'node:test';
import { fieldsOf } from '../patch/field-type.ts';
import { QUANTITIES } from '../schema.ts';
import { openApiDocuments } from './openapi-documents.ts';
import { testKinds } from './openapi.test-kinds.ts';

type Json = Record<string, any>; // eslint-disable-line typescript/no-explicit-any

const documents = openApiDocuments(testKinds, 'v1.34.2');
const v3 = (path: string): Json => JSON.parse(documents.groupVersion(path)?.text ?? '{}') as Json;
const v2 = JSON.parse(documents.v2().text) as Json;

test('the index lists each group-version with the hash of its document', () => {
  const index = JSON.parse(documents.index().text) as { paths: Record<string, { serverRelativeURL: string }> };
  assert.deepEqual(
    Object.entries(index.paths).map(([path, { serverRelativeURL }]) => [path, serverRelativeURL]),
    ['api/v1', 'apis/apps/v1', 'apis/discovery.k8s.io/v1', 'apis/example.com/v1'].map((path) => [
      path,
      `/openapi/v3/${path}?hash=${documents.groupVersion(path)?.hash}`,
    ]),
  );
  assert.equal(documents.groupVersion('apis/none/v1'), undefined);
});

test('a kind has its schema with merge keys, list types and group-version-kind', () => {
  const schemas = v3('api/v1')['components'].schemas as Json;
  assert.deepEqual(schemas['io.k8s.api.core.v1.Service']['x-kubernetes-group-version-kind'], [
    { group: '', kind: 'Service', version: 'v1' },
  ]);
  assert.deepEqual(schemas['io.k8s.api.core.v1.ServiceSpec'].properties.ports, {
    description: 'The ports that the Service answers on.',
    type: 'array',
    items: { $ref: '#/components/schemas/io.k8s.api.core.v1.ServicePort' },
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['port', 'protocol'],
    'x-kubernetes-patch-merge-key': 'port',
    'x-kubernetes-patch-strategy': 'merge',
  });
  assert.equal(
    schemas['io.k8s.api.core.v1.PodSpec'].properties.volumes['x-kubernetes-patch-strategy'],
    'merge,retainKeys',
  );
  assert.deepEqual(schemas['io.k8s.api.core.v1.ResourceRequirements'].properties.limits, {
    type: 'object',
    additionalProperties: { $ref: '#/components/schemas/io.k8s.apimachinery.pkg.api.resource.Quantity' },
  });
});

test('every reference of every document leads somewhere', () => {
  const all = ['api/v1', 'apis/apps/v1', 'apis/discovery.k8s.io/v1', 'apis/example.com/v1'].map((path) => v3(path));
  for (const document of [...all, v2]) {
    const known = new Set([
      ...Object.keys((document['definitions'] ?? {}) as Json).map((name) => `#/definitions/${name}`),
      ...Object.keys((document['components']?.schemas ?? {}) as Json).map((name) => `#/components/schemas/${name}`),
    ]);
    const refs = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map((match) => match[1] ?? '');
    assert.deepEqual(
      [...new Set(refs)].filter((ref) => !known.has(ref)),
      [],
    );
  }
});

test('PATCH of every path of a kind has the parameters that kubectl looks for', () => {
  for (const path of Object.values(v3('apis/apps/v1')['paths'] as Json)) {
    if (path.patch === undefined) continue;
    const names = (path.patch.parameters as Json[]).map((parameter) => parameter['name'] as string);
    assert.deepEqual(names, ['dryRun', 'fieldManager', 'fieldValidation', 'force']);
  }
});

test('paths and operations of a kind', () => {
  const lines = Object.entries(v3('apis/apps/v1')['paths'] as Json).flatMap(([path, item]) =>
    ['get', 'post', 'put', 'patch', 'delete']
      .filter((method) => item[method] !== undefined)
      .map((method) => `${method} ${path} ${item[method].operationId}`),
  );
  assert.deepEqual(lines, [
    'get /apis/apps/v1/deployments listAppsV1DeploymentForAllNamespaces',
    'get /apis/apps/v1/namespaces/{namespace}/deployments listAppsV1NamespacedDeployment',
    'post /apis/apps/v1/namespaces/{namespace}/deployments createAppsV1NamespacedDeployment',
    'delete /apis/apps/v1/namespaces/{namespace}/deployments deleteCollectionAppsV1NamespacedDeployment',
    'get /apis/apps/v1/namespaces/{namespace}/deployments/{name} readAppsV1NamespacedDeployment',
    'put /apis/apps/v1/namespaces/{namespace}/deployments/{name} replaceAppsV1NamespacedDeployment',
    'patch /apis/apps/v1/namespaces/{namespace}/deployments/{name} patchAppsV1NamespacedDeployment',
    'delete /apis/apps/v1/namespaces/{namespace}/deployments/{name} deleteAppsV1NamespacedDeployment',
    'get /apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale readAppsV1NamespacedDeploymentScale',
    'put /apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale replaceAppsV1NamespacedDeploymentScale',
    'patch /apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale patchAppsV1NamespacedDeploymentScale',
    'get /apis/apps/v1/namespaces/{namespace}/deployments/{name}/status readAppsV1NamespacedDeploymentStatus',
    'put /apis/apps/v1/namespaces/{namespace}/deployments/{name}/status replaceAppsV1NamespacedDeploymentStatus',
    'patch /apis/apps/v1/namespaces/{namespace}/deployments/{name}/status patchAppsV1NamespacedDeploymentStatus',
  ]);
});

test('a custom kind keeps its schema in v3 and loses what Swagger 2.0 lacks', () => {
  const name = 'com.example.v1.CronTab';
  const gvk = { 'x-kubernetes-group-version-kind': [{ group: 'example.com', kind: 'CronTab', version: 'v1' }] };
  const metadata = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';
  const cron = (schema: object, refs: string): object => ({
    type: 'object',
    properties: { spec: { type: 'object', properties: { cron: schema } }, metadata: { $ref: `${refs}${metadata}` } },
    ...gvk,
  });
  assert.deepEqual(
    v3('apis/example.com/v1')['components'].schemas[name],
    cron({ type: 'string', nullable: true }, '#/components/schemas/'),
  );
  assert.ok(v3('apis/example.com/v1')['components'].schemas[metadata] !== undefined);
  assert.deepEqual(v2['definitions'][name], cron({ type: 'string' }, '#/definitions/'));
});

test('the quantities are string fields of their models', () => {
  const wrong = Object.keys(QUANTITIES).filter((name) => {
    const [model = '', field = ''] = name.split('.');
    return !/^(\{\})?string$/.test(fieldsOf(model).get(field)?.type ?? '');
  });
  assert.deepEqual(wrong, []);
});

test('to older clients an object that may hold anything is one of which nothing is said', () => {
  const bag = {
    ...(testKinds.at(-1) ?? assert.fail()),
    kind: 'Bag',
    plural: 'bags',
    schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, properties: { a: { type: 'string' } } },
  };
  const document = JSON.parse(openApiDocuments([bag], 'v1.34.2').v2().text) as Json;
  assert.deepEqual(document['definitions']['com.example.v1.Bag'], {
    type: 'object',
    'x-kubernetes-group-version-kind': [{ group: 'example.com', kind: 'Bag', version: 'v1' }],
  });
});
