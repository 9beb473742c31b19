import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ageOf, humanDuration } from './duration.ts';

const S = 1000;
const M = 60 * S;
const H = 60 * M;
const D = 24 * H;

const cases: readonly (readonly [number, string])[] = [
  [-2 * S, '<invalid>'],
  [-S, '0s'],
  [0, '0s'],
  [119 * S + 999, '119s'],
  [2 * M, '2m'],
  [2 * M + S, '2m1s'],
  [9 * M + 59 * S, '9m59s'],
  [10 * M + 5 * S, '10m'],
  [3 * H - S, '179m'],
  [3 * H, '3h'],
  [3 * H + M, '3h1m'],
  [8 * H + 59 * M, '8h'],
  [48 * H - M, '47h'],
  [2 * D, '2d'],
  [2 * D + 3 * H, '2d3h'],
  [8 * D, '8d'],
  [8 * D + 23 * H, '8d'],
  [729 * D, '729d'],
  [730 * D, '2y'],
  [731 * D, '2y1d'],
  [8 * 365 * D + 5 * D, '8y'],
];

for (const [ms, text] of cases)
  test(`humanDuration() shows ${ms} ms as ${text}`, () => assert.equal(humanDuration(ms), text));

test('ageOf() knows no age without a timestamp', () => {
  assert.equal(ageOf(undefined, 0), '<unknown>');
  assert.equal(ageOf('2026-01-01T00:00:00Z', Date.UTC(2026, 0, 1, 0, 5)), '5m');
});
