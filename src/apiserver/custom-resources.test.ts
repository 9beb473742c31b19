import assert from 'node:assert/strict';
import test from 'node:test';
import type { CustomResourceDefinition } from '#api/generated/types.ts';
import { MemoryStore } from '#store/memory-store.ts';
import { compareVersions } from './custom-resources.ts';
import { bodyOf, outcome, show, TestServer } from './testing/test-server.ts';

const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const TOYS = '/apis/example.com/v1/namespaces/default/toys';

interface Changes {
  readonly plural?: string;
  readonly kind?: string;
  readonly extra?: object;
}

function definition({ plural = 'toys', kind = 'Toy', extra = {} }: Changes = {}): unknown {
  const spec = {
    type: 'object',
    properties: { size: { type: 'integer', maximum: 9, default: 3 }, color: { type: 'string' } },
  };
  const any = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  const schema = { openAPIV3Schema: { type: 'object', properties: { spec, status: any } } };
  const version = {
    name: 'v1',
    served: true,
    storage: true,
    schema,
    subresources: { status: {} },
    additionalPrinterColumns: [{ name: 'Size', type: 'integer', jsonPath: '.spec.size' }],
    ...extra,
  };
  const old = { name: 'v1beta1', served: true, storage: false, deprecated: true, schema: { openAPIV3Schema: any } };
  return {
    metadata: { name: `${plural}.example.com` },
    spec: { group: 'example.com', scope: 'Namespaced', names: { plural, kind }, versions: [version, old] },
  };
}

async function conditions(server: TestServer, plural: string = 'toys'): Promise<string[]> {
  const crd = bodyOf<{ status: CustomResourceDefinition['status'] }>(await server.get(`${CRDS}/${plural}.example.com`));
  return (crd.status?.conditions ?? []).map(({ type, status, reason = '' }) => `${type}=${status} ${reason}`);
}

/** The status of a definition follows its first appearance. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
}

test('a definition brings its kind into the world, and takes it out again', async () => {
  await using server = await TestServer.start();
  assert.equal(outcome(await server.get(TOYS)), '404');
  assert.equal((await server.post(CRDS, definition())).status, 201);
  await settled();
  assert.deepEqual(await conditions(server), [
    'NamesAccepted=True NoConflicts',
    'Established=True InitialNamesAccepted',
  ]);
  const made = await server.post(TOYS, { metadata: { name: 'a' }, spec: { color: 'red', wheels: 4 } });
  assert.equal(
    show(made),
    '201 warning: unknown field "spec.wheels" {"kind":"Toy","apiVersion":"example.com/v1","metadata":{"resourceVersion":"6","name":"a","namespace":"default","uid":"uid","creationTimestamp":"2026-01-01T00:00:00Z","generation":1},"spec":{"color":"red","size":3}}',
  );
  assert.equal(
    outcome(await server.patch(`${TOYS}/a`, 'merge', { spec: { size: 10 } })),
    '422 Invalid: Toy.example.com "a" is invalid: spec.size: Invalid value: 10: spec.size in body should be less than or equal to 9',
  );
  assert.equal(
    outcome(
      await server.send({
        method: 'PUT',
        path: `${TOYS}/a?fieldValidation=Strict`,
        body: { metadata: { name: 'a' }, foo: 1 },
      }),
    ),
    '400 BadRequest: Toy in version "v1" cannot be handled as a Toy: strict decoding error: unknown field "foo"',
  );
  const table = await server.send({ path: TOYS, accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' });
  assert.deepEqual(
    bodyOf<{ rows: { cells: unknown[] }[] }>(table).rows.map(({ cells }) => cells),
    [['a', 3]],
  );
  await using watch = await server.watch(`${TOYS}?watch=1`);
  assert.deepEqual(await watch.next(1), ['ADDED default/a 6']);
  await server.patch(`${TOYS}/a/status`, 'merge', { spec: { size: 5 }, status: { ok: true } });
  const after = bodyOf<{ spec: unknown; status: unknown; metadata: { generation: number } }>(
    await server.get(`${TOYS}/a`),
  );
  assert.deepEqual([after.spec, after.status, after.metadata.generation], [{ color: 'red', size: 3 }, { ok: true }, 1]);
  await server.delete(`${CRDS}/toys.example.com`);
  await settled();
  assert.equal((await server.get(`${CRDS}/toys.example.com`)).status, 404);
  assert.equal((await server.get(TOYS)).status, 404);
  assert.deepEqual(await watch.next(2), ['MODIFIED default/a 7', 'DELETED default/a 10']);
});

test('all served versions show one object, which is stored in one', async () => {
  await using server = await TestServer.start();
  await server.post(CRDS, definition());
  const old = TOYS.replace('v1', 'v1beta1');
  const made = await server.post(old, { metadata: { name: 'a' }, spec: { size: 2, other: 1 } });
  assert.match(
    show(made),
    /^201 warning: example\.com\/v1beta1 Toy is deprecated .*"apiVersion":"example\.com\/v1beta1"/,
  );
  const shown = async (path: string): Promise<string> =>
    bodyOf<{ apiVersion: string }>(await server.get(path)).apiVersion;
  assert.deepEqual([await shown(`${old}/a`), await shown(`${TOYS}/a`)], ['example.com/v1beta1', 'example.com/v1']);
  await using watch = await server.watch(`${old}?watch=1`);
  const [frame] = await watch.frames(1);
  assert.equal(
    (JSON.parse(frame?.text ?? '') as { object: { apiVersion: string } }).object.apiVersion,
    'example.com/v1beta1',
  );
  const group = bodyOf<{ versions: unknown }>(await server.get('/apis/example.com'));
  assert.deepEqual(group.versions, [
    { groupVersion: 'example.com/v1', version: 'v1' },
    { groupVersion: 'example.com/v1beta1', version: 'v1beta1' },
  ]);
});

test('names that are taken are not served', async () => {
  await using server = await TestServer.start();
  await server.post(CRDS, definition());
  await server.post(CRDS, definition({ plural: 'games' }));
  await settled();
  assert.deepEqual(await conditions(server, 'games'), [
    'NamesAccepted=False SingularConflict',
    'Established=False NotAccepted',
  ]);
  assert.equal((await server.get(TOYS.replace('toys', 'games'))).status, 404);
});

test('objects with finalizers hold their kind', async () => {
  await using server = await TestServer.start();
  await server.post(CRDS, definition());
  await server.post(TOYS, { metadata: { name: 'a', finalizers: ['example.com/x'] } });
  await server.delete(`${CRDS}/toys.example.com`);
  await settled();
  assert.deepEqual((await conditions(server)).at(-1), 'Terminating=True InstanceDeletionInProgress');
  assert.equal((await server.post(TOYS, { metadata: { name: 'b' } })).status, 405);
  await server.patch(`${TOYS}/a`, 'merge', { metadata: { finalizers: null } });
  await settled();
  assert.equal((await server.get(`${CRDS}/toys.example.com`)).status, 404);
});

test('custom kinds outlive the server', async () => {
  const store = new MemoryStore();
  {
    await using server = await TestServer.start({ store });
    await server.post(CRDS, definition());
    await server.post(TOYS, { metadata: { name: 'a' } });
    await settled();
  }
  await using server = TestServer.bare({ store });
  assert.equal((await server.get(`${TOYS}/a`)).status, 200);
});

const refusals: readonly { name: string; body: unknown; answer: RegExp }[] = [
  {
    name: 'another name',
    body: { ...(definition() as object), metadata: { name: 'x' } },
    answer: /metadata\.name: Invalid value: "x": must be spec\.names\.plural\+"\."\+spec\.group$/,
  },
  {
    name: 'two storage versions',
    body: definition({ extra: { storage: false } }),
    answer: /spec\.versions: Invalid value: .*: must have exactly one version marked as storage version$/,
  },
  {
    name: 'a column without a path',
    body: definition({ extra: { additionalPrinterColumns: [{ name: 'X', type: 'text', jsonPath: '[' }] } }),
    answer:
      /\[spec\.versions\[0\]\.additionalPrinterColumns\[0\]\.type: Unsupported value: "text": supported values: .*, spec\.versions\[0\]\.additionalPrinterColumns\[0\]\.jsonPath: Invalid value: "\[": must be a simple json path\]$/,
  },
];

test('a definition is refused with', async (t) => {
  await using server = await TestServer.start();
  for (const { name, body, answer } of refusals) {
    await t.test(name, async () => assert.match(outcome(await server.post(CRDS, body)), answer));
  }
});

test('a definition that wants a webhook for its versions is told that none is called', async () => {
  await using server = await TestServer.start();
  const { metadata, spec } = definition() as { readonly metadata: object; readonly spec: object };
  const conversion = {
    strategy: 'Webhook',
    webhook: { conversionReviewVersions: ['v1'], clientConfig: { url: 'https://x.test' } },
  };
  const made = await server.post(CRDS, { metadata, spec: { ...spec, conversion } });
  assert.match(show(made), /^201 warning: spec\.conversion: this server calls no webhooks/);
});

test('a rule that costs too much ends the request, not the server', async () => {
  await using server = await TestServer.start();
  const list = { type: 'array', items: { type: 'integer' } };
  const rule = 'self.all(a, self.all(b, self.all(c, a + b + c > -1)))';
  const spec = { type: 'object', properties: { list: { ...list, 'x-kubernetes-validations': [{ rule }] } } };
  const openAPIV3Schema = { type: 'object', properties: { spec } };
  assert.equal((await server.post(CRDS, definition({ extra: { schema: { openAPIV3Schema } } }))).status, 201);
  const made = await server.post(TOYS, {
    metadata: { name: 'a' },
    spec: { list: Array.from({ length: 500 }, () => 1) },
  });
  assert.equal(
    outcome(made),
    `422 Invalid: Toy.example.com "a" is invalid: spec.list: Invalid value: "array": 'operation cancelled: actual cost limit exceeded': no further validation rules will be run due to call cost exceeds limit for rule: ${rule}`,
  );
  assert.equal((await server.post(TOYS, { metadata: { name: 'a' }, spec: { list: [1, 2] } })).status, 201);
});

test('compareVersions() puts the preferred first', () => {
  const versions = ['foo', 'v1alpha1', 'v2', 'v1', 'v1beta2', 'v10', 'v1beta1', 'bar'];
  assert.equal(versions.sort(compareVersions).join(' '), 'v10 v2 v1 v1beta2 v1beta1 v1alpha1 bar foo');
});
