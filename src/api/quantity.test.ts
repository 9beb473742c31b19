import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canonicalQuantity, compareQuantities, quantityMillis, quantityValue } from './quantity.ts';

const canonical: readonly (readonly [string, string])[] = [
  ['0', '0'],
  ['0m', '0'],
  ['1', '1'],
  ['1000m', '1'],
  ['1500m', '1500m'],
  ['0.5', '500m'],
  ['.5', '500m'],
  ['100', '100'],
  ['1000', '1k'],
  ['1024', '1024'],
  ['1Ki', '1Ki'],
  ['1024Ki', '1Mi'],
  ['512', '512'],
  ['0.5Ki', '512'],
  ['1.5Gi', '1536Mi'],
  ['1e3', '1e3'],
  ['12E', '12E'],
  ['1E3', '1e3'],
  ['-2', '-2'],
  ['0.0000000001', '1n'],
  ['128974848', '128974848'],
];

for (const [text, expected] of canonical) {
  test(`canonicalQuantity() writes ${text} as ${expected}`, () => assert.equal(canonicalQuantity(text), expected));
}

const wrong: readonly (readonly [string, string])[] = [
  ['', "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"],
  ['1 Gi', "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"],
  ['1.2.3', 'unable to parse numeric part of quantity'],
  ['1Kb', "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"],
  ['1KM', "unable to parse quantity's suffix"],
];

for (const [text, message] of wrong) {
  test(`canonicalQuantity() refuses "${text}"`, () => assert.throws(() => canonicalQuantity(text), { message }));
}

test('compareQuantities() and the values', () => {
  assert.equal(compareQuantities('1', '1000m'), 0);
  assert.equal(compareQuantities('1Gi', '1G'), 1);
  assert.equal(compareQuantities('100m', '1'), -1);
  assert.equal(quantityValue('1500m'), 2);
  assert.equal(quantityMillis('0.25'), 250);
});
