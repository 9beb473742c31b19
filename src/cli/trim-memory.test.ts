import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { cleanFileMappings, trimMemory } from './trim-memory.ts';

const smaps = `00400000-00e00000 r--p 00000000 fe:00 2041                               /opt/bin/node
Rss:               18000 kB
Anonymous:             0 kB
VmFlags: rd mr mw me sd
00e00000-02e00000 r-xp 00a00000 fe:00 2041                               /opt/bin/node
Anonymous:             0 kB
VmFlags: rd ex mr mw me sd
02e00000-02f00000 r--p 02a00000 fe:00 2041                               /opt/bin/node
Anonymous:           128 kB
VmFlags: rd mr mw me ac sd
02f00000-03000000 rw-p 02b00000 fe:00 2041                               /opt/bin/node
Anonymous:             0 kB
VmFlags: rd wr mr mw me ac sd
03000000-04000000 r-xp 00000000 00:00 0 
Anonymous:             0 kB
VmFlags: rd ex mr mw me sd
04000000-05000000 r--p 00000000 fe:00 77                                 /opt/lib/locked.so
Anonymous:             0 kB
VmFlags: rd mr mw me lo sd
05000000-06000000 r--s 00000000 fe:00 78                                 /opt/lib/shared
Anonymous:             0 kB
VmFlags: rd mr mw me sd
`;

test('only what can be read from its file again is forgotten', () => {
  assert.deepEqual(
    cleanFileMappings(smaps).map(({ start, end }) => `${start.toString(16)}-${end.toString(16)}`),
    ['400000-e00000', 'e00000-2e00000'],
  );
});

/** Resident kilobytes of files. */
function residentFiles(): number {
  return Number(/^RssFile:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1]);
}

test('a program goes on with less of its files in memory', () => {
  const before = residentFiles();
  trimMemory();
  const after = residentFiles();
  assert.ok(after < before - 10_000, `${before} kB before, ${after} kB after`);
  // Code that was looked at before: it is there again.
  assert.equal(JSON.stringify(JSON.parse('{"a":[1,"\\u00e9"]}')), '{"a":[1,"é"]}');
  assert.match(new Intl.DateTimeFormat('en', { dateStyle: 'full', timeZone: 'UTC' }).format(0), /^Thursday/);
});
