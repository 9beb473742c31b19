import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '#base/clock.ts';
import { Retention } from './retention.ts';

const cases = [
  {
    name: 'keeps what is younger than the time',
    limits: { ms: 300, revisions: 1000 },
    steps: ['0ms 10 -> 0', '100ms 20 -> 0', '200ms 30 -> 0', '300ms 40 -> 10', '400ms 50 -> 20', '1000ms 60 -> 50'],
  },
  {
    name: 'keeps no more than so many revisions, however young',
    limits: { ms: 300, revisions: 100 },
    steps: ['0ms 10 -> 0', '1ms 150 -> 50', '2ms 400 -> 300', '301ms 410 -> 310', '302ms 411 -> 400'],
  },
  {
    name: 'a store at rest keeps what stands',
    limits: { ms: 300, revisions: 100 },
    steps: ['0ms 10 -> 0', '300ms 10 -> 10', '600ms 10 -> 0', '900ms 10 -> 10'],
  },
];

for (const { name, limits, steps } of cases) {
  test(`Retention ${name}`, async () => {
    const clock = new ManualClock();
    const start = clock.now();
    const retention = new Retention(clock, limits);
    for (const step of steps) {
      const [at = 0, revision = 0, target = 0] = (step.match(/\d+/g) ?? []).map(Number);
      await clock.advance(start + at - clock.now());
      assert.equal(retention.target(revision), target, step);
    }
  });
}

test('Retention is over with a fifth more revisions than asked for', () => {
  const retention = new Retention(new ManualClock(), { revisions: 100 });
  assert.deepEqual(
    [100, 120, 121].map((revision) => retention.isOver(revision, 0)),
    [false, false, true],
  );
});
