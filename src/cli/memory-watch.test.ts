import assert from 'node:assert/strict';
import test from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { ManualClock } from '#base/clock.ts';
import { watchMemory } from './memory-watch.ts';

test('memory is trimmed when it has grown and there is little to do', async () => {
  const clock = new ManualClock();
  let resident = 90_000_000;
  let busy = 0;
  const trims: number[] = [];
  const trim = async (): Promise<void> => {
    trims.push(resident);
    await setImmediate();
    resident -= 7_000_000;
  };
  const watching = watchMemory({ clock, resident: () => resident, busyPart: () => busy, trim });
  const pass = async (to: number, busyPart: number): Promise<string> => {
    resident = to;
    busy = busyPart;
    await clock.advance(5000);
    for (let i = 0; i < 3; i++) await setImmediate();
    return trims.splice(0).join(' ');
  };

  assert.equal(await pass(91_000_000, 0), '');
  assert.equal(await pass(104_000_000, 0.9), '', 'not while it answers');
  assert.equal(await pass(104_000_000, 0.01), '104000000');
  assert.equal(await pass(100_000_000, 0.01), '', 'measured from what was left by the last one');
  assert.equal(await pass(80_000_000, 0.01), '');
  assert.equal(await pass(85_000_000, 0.01), '85000000', 'and from the least since');
  watching[Symbol.dispose]();
  assert.equal(await pass(200_000_000, 0), '');
});
