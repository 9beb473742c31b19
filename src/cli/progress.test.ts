import assert from 'node:assert/strict';
import test from 'node:test';
import { ManualClock } from '#base/clock.ts';
import { Progress } from './progress.ts';

interface Fixture {
  readonly clock: ManualClock;
  readonly progress: Progress;
  readonly written: string[];
}

function fixture({ isTTY, wanted = true }: { isTTY: boolean; wanted?: boolean }): Fixture {
  const written: string[] = [];
  const clock = new ManualClock();
  return { clock, written, progress: new Progress({ isTTY, write: (text) => written.push(text) }, clock, wanted) };
}

test('on a terminal it shows what takes longer than a moment, each step over the last, and clears it', async () => {
  const { progress, clock, written } = fixture({ isTTY: true });
  progress.show('opening the store');
  await clock.advance(399);
  progress.show('starting the API server');
  assert.deepEqual(written, []);
  await clock.advance(1);
  progress.show('waiting for the nodes');
  progress.clear();
  progress.clear();
  assert.deepEqual(written, [
    '\r\u001B[Kstarting the API server ...',
    '\r\u001B[Kwaiting for the nodes ...',
    '\r\u001B[K',
  ]);
});

test('what is over in a moment leaves no mark', async () => {
  const { progress, clock, written } = fixture({ isTTY: true });
  progress.show('opening the store');
  progress.clear();
  await clock.advance(1000);
  assert.deepEqual(written, []);
});

test('it can be shown again after it was cleared', async () => {
  const { progress, clock, written } = fixture({ isTTY: true });
  for (const text of ['one', 'two']) {
    progress.show(text);
    await clock.advance(400);
    progress.clear();
  }
  assert.deepEqual(written, ['\r\u001B[Kone ...', '\r\u001B[K', '\r\u001B[Ktwo ...', '\r\u001B[K']);
});

for (const options of [{ isTTY: false }, { isTTY: true, wanted: false }]) {
  test(`with ${JSON.stringify(options)} it is silent`, async () => {
    const { progress, clock, written } = fixture(options);
    progress.show('opening the store');
    await clock.advance(1000);
    progress.clear();
    assert.deepEqual(written, []);
  });
}
