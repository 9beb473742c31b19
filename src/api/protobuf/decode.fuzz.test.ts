import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeKubernetesProtobuf } from './decode.ts';
import { ProtobufError } from './protobuf-error.ts';
import { envelope, fixture, message } from './testing.ts';

/** Enough for any machine to find what is to be found again and again; the time only ends it early. */
const BUDGET = { numRuns: 4_000, interruptAfterTimeLimit: 4_000 };

function survives(bytes: Uint8Array): void {
  try {
    const json = JSON.stringify(decodeKubernetesProtobuf(bytes));
    assert.equal(JSON.stringify(JSON.parse(json)), json);
  } catch (error) {
    if (!(error instanceof ProtobufError)) throw error;
  }
}

const kinds = [
  ['v1', 'Pod'],
  ['v1', 'Service'],
  ['v1', 'Secret'],
  ['v1', 'Event'],
  ['batch/v1', 'Job'],
  ['apiextensions.k8s.io/v1', 'CustomResourceDefinition'],
] as const;

test('any bytes are an object or a ProtobufError', () => {
  fc.assert(
    fc.property(fc.constantFrom(...kinds), fc.uint8Array({ maxLength: 200 }), ([apiVersion, kind], raw) => {
      survives(raw);
      survives(envelope(apiVersion, kind, raw));
    }),
    BUDGET,
  );
});

test('bytes changed, cut out and put in leave an object or a ProtobufError', () => {
  const seeds = ['pod', 'service', 'custom-resource-definition', 'event', 'job', 'lease'].map(fixture);
  const edit = fc.record({
    at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    cut: fc.nat(3),
    put: fc.uint8Array({ maxLength: 3 }),
  });
  fc.assert(
    fc.property(fc.constantFrom(...seeds), fc.array(edit, { minLength: 1, maxLength: 4 }), (seed, edits) => {
      let bytes: Uint8Array = seed;
      for (const { at, cut, put } of edits) {
        const start = Math.floor(at * bytes.length);
        bytes = Buffer.concat([bytes.subarray(0, start), put, bytes.subarray(start + cut)]);
      }
      survives(bytes);
    }),
    BUDGET,
  );
});

test('every beginning of an object is an object or a ProtobufError', () => {
  const bytes = fixture('custom-resource-definition');
  for (let length = 0; length < bytes.length; length++) survives(bytes.subarray(0, length));
});

test('messages that nest without end are refused before they exhaust the stack', () => {
  // JSONSchemaProps.not, all the way down.
  let schema: Uint8Array = new Uint8Array();
  for (let depth = 0; depth < 2_000; depth++) schema = message(28, schema);
  const raw = message(2, message(7, message(4, message(1, schema))));
  assert.throws(
    () => decodeKubernetesProtobuf(envelope('apiextensions.k8s.io/v1', 'CustomResourceDefinition', raw)),
    /^ProtobufError: Cannot read protobuf at byte \d+: it is nested deeper than 500 levels$/,
  );
});
