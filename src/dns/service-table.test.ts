import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { wireName } from './name.ts';
import { ServiceEntry, serviceKey } from './service-entry.ts';
import { ServiceTable } from './service-table.ts';

const zone = wireName('cluster.local') ?? '';
/** Some begin as others do. */
const keys = ['a', 'b', 'ab'].flatMap((name) => ['a', 'b', 'ab'].map((namespace) => serviceKey(namespace, name)));

test('finds what was added and not removed, by the beginning of a name', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...keys), { maxLength: 60 }), (toggled) => {
      const table = new ServiceTable();
      const expected = new Map<string, ServiceEntry>();
      for (const key of toggled) {
        const known = expected.get(key);
        if (known === undefined) {
          const entry = new ServiceEntry(key, zone);
          table.add(entry);
          expected.set(key, entry);
        } else {
          table.remove(known);
          expected.delete(key);
        }
        for (const asked of keys) {
          assert.equal(table.find(asked), expected.get(asked));
          assert.equal(table.find(`${asked}\x03svc${zone}`, asked.length), expected.get(asked));
          assert.equal(table.find(asked, asked.length - 1), undefined);
        }
      }
      assert.deepEqual(new Set(table), new Set(expected.values()));
    }),
  );
});

test('ten thousand, of which half go and come again', () => {
  const table = new ServiceTable();
  const entries = Array.from(
    { length: 10_000 },
    (_, i) => new ServiceEntry(serviceKey(`ns-${i % 100}`, `service-${i}`), zone),
  );
  for (const entry of entries) table.add(entry);
  for (const entry of entries.slice(0, 5000)) table.remove(entry);
  for (const [i, entry] of entries.entries()) assert.equal(table.find(entry.key), i < 5000 ? undefined : entry);
  for (const entry of entries.slice(0, 5000)) table.add(entry);
  for (const entry of entries) assert.equal(table.find(entry.key), entry);
  assert.equal([...table].length, 10_000);
});
