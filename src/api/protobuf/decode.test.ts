/**
 * The bytes in testdata were made by Kubernetes' own encoder, v0.34.2: a manifest was read into its Go type, encoded by
 * `runtime/serializer/protobuf` into `<name>.hex`, decoded again, and encoded by `encoding/json` into `<name>.json`.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { errorMessage } from '#base/errors.ts';
import { checkFields } from '../field-check.ts';
import { FIELDS } from '../generated/fields.ts';
import { PROTOBUF_FIELDS, PROTOBUF_KINDS } from '../generated/protobuf.ts';
import { decodeKubernetesProtobuf } from './decode.ts';
import { messageFields } from './field-line.ts';
import { ProtobufError } from './protobuf-error.ts';
import { envelope, fixture, message, text } from './testing.ts';

const testdata = new URL('testdata/', import.meta.url);
const names = readdirSync(testdata)
  .filter((file) => file.endsWith('.hex'))
  .map((file) => file.slice(0, -'.hex'.length));

function golden(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`${name}.json`, testdata), 'utf8'));
}

for (const name of names) {
  test(`decodes ${name} to what its JSON would be`, () => {
    assert.deepEqual(decodeKubernetesProtobuf(fixture(name)), golden(name));
  });
}

const models = new Map(
  Object.entries(PROTOBUF_KINDS).flatMap(([apiVersion, kinds]) =>
    kinds.split(' ').map((kind) => {
      const [name = '', model = name] = kind.split('=');
      return [`${apiVersion} ${name}`, model] as const;
    }),
  ),
);

for (const name of names) {
  const { apiVersion, kind } = golden(name) as { apiVersion: string; kind: string };
  const model = models.get(`${apiVersion} ${kind}`) ?? kind;
  if (FIELDS[model] === undefined) continue;
  test(`${name} has no field that strict validation would not know`, () => {
    const checked = checkFields(model, decodeKubernetesProtobuf(fixture(name)), 'Strict');
    assert.deepEqual(checked.kind === 'ok' ? checked.warnings : checked.message, []);
  });
}

test('every message has fields of known types, and every kind a message', () => {
  for (const model of Object.keys(PROTOBUF_FIELDS)) messageFields(model);
  for (const key of models.keys()) {
    const [apiVersion = '', kind = ''] = key.split(' ');
    const decoded = decodeKubernetesProtobuf(envelope(apiVersion, kind, new Uint8Array()));
    assert.deepEqual({ ...(decoded as object), apiVersion, kind }, decoded);
  }
});

test('an empty message has the fields that JSON always shows', () => {
  const decode = (apiVersion: string, kind: string): unknown =>
    decodeKubernetesProtobuf(envelope(apiVersion, kind, new Uint8Array()));
  assert.deepEqual(decode('v1', 'Pod'), {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: {},
    spec: { containers: null },
    status: {},
  });
  assert.deepEqual(decode('discovery.k8s.io/v1', 'EndpointSlice'), {
    kind: 'EndpointSlice',
    apiVersion: 'discovery.k8s.io/v1',
    metadata: {},
    addressType: '',
    endpoints: null,
    ports: null,
  });
});

test('DeleteOptions come in any version', () => {
  const decoded = decodeKubernetesProtobuf(envelope('example.com/v7', 'DeleteOptions', message(4, text('Orphan'))));
  assert.deepEqual(decoded, { kind: 'DeleteOptions', apiVersion: 'example.com/v7', propagationPolicy: 'Orphan' });
});

test('fields that are not known are skipped, whatever their type', () => {
  const unknown = Buffer.from('f83f01f93f0102030405060708fa3f026162fb3f0801fc3ffd3f01020304', 'hex');
  const raw = Buffer.concat([unknown, message(1, Buffer.concat([unknown, message(1, text('a'))])), unknown]);
  assert.deepEqual(decodeKubernetesProtobuf(envelope('v1', 'ConfigMap', raw)), {
    kind: 'ConfigMap',
    apiVersion: 'v1',
    metadata: { name: 'a' },
  });
});

test('a message that comes in two parts is one, and of two values the last counts', () => {
  const meta = (name: string, label: string): Uint8Array =>
    message(
      1,
      Buffer.concat([
        message(1, text(name)),
        message(11, Buffer.concat([message(1, text(label)), message(2, text('x'))])),
      ]),
    );
  const raw = Buffer.concat([meta('first', 'a'), meta('', 'b')]);
  assert.deepEqual(decodeKubernetesProtobuf(envelope('v1', 'ConfigMap', raw)), {
    kind: 'ConfigMap',
    apiVersion: 'v1',
    metadata: { labels: { a: 'x', b: 'x' } },
  });
});

test('packed and single numbers are one list', () => {
  // Pod.spec.securityContext.supplementalGroups: 7 alone, then 1, 300 packed.
  const groups = Buffer.from('2007220301ac02', 'hex');
  const raw = message(2, Buffer.concat([message(14, groups)]));
  const pod = decodeKubernetesProtobuf(envelope('v1', 'Pod', raw)) as { spec: unknown };
  assert.deepEqual(pod.spec, { containers: null, securityContext: { supplementalGroups: [7, 1, 300] } });
});

test('a key of a map named __proto__ is a key like all others', () => {
  const entry = Buffer.concat([message(1, text('__proto__')), message(2, text('x'))]);
  const decoded = decodeKubernetesProtobuf(envelope('v1', 'ConfigMap', message(2, entry))) as { data: object };
  assert.deepEqual(Object.entries(decoded.data), [['__proto__', 'x']]);
});

function jsonError(raw: string): string {
  try {
    return String(JSON.parse(raw));
  } catch (error) {
    return errorMessage(error);
  }
}

const broken: readonly (readonly [string, Uint8Array, string])[] = [
  ['nothing', new Uint8Array(), 'Cannot decode protobuf: it does not begin with the prefix [107 56 115 0]'],
  ['JSON', Buffer.from('{"kind":"Pod"}'), 'Cannot decode protobuf: it does not begin with the prefix [107 56 115 0]'],
  [
    'a kind without a message',
    envelope('example.com/v1', 'Widget', new Uint8Array()),
    'Cannot decode "example.com/v1, Kind=Widget": its message is not known',
  ],
  [
    'a number where a message should be',
    envelope('v1', 'Pod', Buffer.from('0801', 'hex')),
    'Cannot read a protobuf field: it is of the wire type 0 and should be of 2',
  ],
  [
    'a length beyond the end',
    envelope('v1', 'Pod', Buffer.from('0aff7f', 'hex')),
    'Cannot read protobuf at byte 3: a length of 16383 is more than the 0 bytes that are left',
  ],
  [
    'raw JSON that is none',
    envelope('apps/v1', 'ControllerRevision', message(2, message(1, text('{')))),
    `Cannot read "{" within protobuf: ${jsonError('{')}`,
  ],
  [
    'a time beyond year 9999',
    envelope('v1', 'Pod', message(1, message(8, Buffer.from('08ffffffffffff01', 'hex')))),
    'Cannot show 8796093022207 s as a time: its year is not between 1 and 9999',
  ],
  [
    'compressed content',
    Buffer.concat([envelope('v1', 'Pod', new Uint8Array()), message(3, text('gzip'))]),
    'Cannot decode protobuf: its content is encoded as "gzip"',
  ],
];

for (const [what, bytes, expected] of broken) {
  test(`refuses ${what}`, () => {
    assert.throws(
      () => decodeKubernetesProtobuf(bytes),
      (error) => {
        assert.ok(error instanceof ProtobufError);
        assert.equal(error.message, expected);
        assert.equal(error.code, what === 'a kind without a message' ? 'UnknownKind' : 'Malformed');
        return true;
      },
    );
  });
}
