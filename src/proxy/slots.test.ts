import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import type { Backend } from './frontend.ts';
import { planSlots } from './slots.ts';

const backends = new Map<string, Backend>();

/** One object a name, as a model that recomputes gives equal ones anew: see `fresh`. */
function backend(name: string): Backend {
  const known = backends.get(name) ?? { address: name, port: 80, isLocal: false };
  backends.set(name, known);
  return known;
}

function fresh(name: string): Backend {
  return { ...backend(name) };
}

function names(list: readonly Backend[]): string {
  return list.map(({ address }) => address).join('');
}

const cases: readonly [name: string, before: string, wanted: string, after: string, changes: string][] = [
  ['fills an empty frontend', '', 'abc', 'abc', '0:-a 1:-b 2:-c'],
  ['empties one', 'abc', '', '', '0:a- 1:b- 2:c-'],
  ['touches nothing when nothing changes', 'abc', 'cab', 'abc', ''],
  ['adds at the end', 'ab', 'cab', 'abc', '2:-c'],
  ['removes the last', 'abc', 'ab', 'ab', '2:c-'],
  ['moves the last into the gap', 'abcd', 'acd', 'adc', '1:bd 3:d-'],
  ['cuts the end off before it moves', 'abcd', 'ac', 'ac', '1:bc 2:c- 3:d-'],
  ['moves nothing when only the end goes', 'abcd', 'ab', 'ab', '2:c- 3:d-'],
  ['replaces in place', 'abc', 'axc', 'axc', '1:bx'],
  ['replaces and shrinks', 'abcd', 'xd', 'xd', '0:ax 1:bd 2:c- 3:d-'],
  ['replaces and grows', 'ab', 'xyb', 'xby', '0:ax 2:-y'],
];

for (const [name, before, wanted, after, changes] of cases) {
  test(`planSlots() ${name}`, () => {
    const plan = planSlots(Array.from(before, backend), Array.from(wanted, fresh));
    const moved = plan.changes.map(
      (change) => `${change.slot}:${change.before?.address ?? '-'}${change.after?.address ?? '-'}`,
    );
    assert.deepEqual([names(plan.slots), moved.join(' ')], [after, changes]);
  });
}

test('planSlots() holds exactly what is wanted, and changes no more slots than it must', () => {
  const letters = fc.uniqueArray(fc.constantFrom(...Array.from('abcdefghij')), { maxLength: 10 });
  fc.assert(
    fc.property(letters, letters, (before, wanted) => {
      const old = before.map(backend);
      const { slots, changes, removed } = planSlots(old, wanted.map(fresh));
      assert.deepEqual(slots.map(({ address }) => address).sort(), [...wanted].sort());
      assert.deepEqual(
        removed.map(({ address }) => address),
        before.filter((name) => !wanted.includes(name)),
      );
      const replayed = old.map(({ address }): string | undefined => address);
      for (const { slot, before: from, after: to } of changes) {
        assert.equal(replayed[slot], from?.address);
        replayed[slot] = to?.address;
      }
      assert.deepEqual(
        replayed.filter((name) => name !== undefined),
        slots.map(({ address }) => address),
      );
      const leave = before.filter((name) => !wanted.includes(name)).length;
      const arrive = wanted.filter((name) => !before.includes(name)).length;
      assert.ok(changes.length <= Math.max(leave, arrive) + Math.max(0, leave - arrive));
    }),
    { numRuns: 500 },
  );
});
