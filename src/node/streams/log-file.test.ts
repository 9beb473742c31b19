import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { Channel } from '#base/channel.ts';
import { readLog } from './log-file-sync.ts';
import { type LogOptions, parseLogOptions } from './log-options.ts';

const entry = (second: number, stream: string, tag: string, text: string): string =>
  `2026-01-01T00:00:0${second}.000000000Z ${stream} ${tag} ${text}\n`;

const LOG =
  entry(0, 'stdout', 'F', 'zero') +
  entry(1, 'stderr', 'F', 'one') +
  entry(2, 'stdout', 'P', 'tw') +
  entry(2, 'stdout', 'F', 'o') +
  entry(3, 'stdout', 'F', 'three');

const now = { now: () => Date.UTC(2026, 0, 1, 0, 0, 4) };
const options = (query: string): LogOptions => parseLogOptions(new URLSearchParams(query), now);

function file(t: TestContext, older?: string, text: string = LOG): string {
  const dir = mkdtempSync(join(tmpdir(), 'log-file-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const path = join(dir, 'log');
  writeFileSync(path, text);
  if (older !== undefined) writeFileSync(`${path}.1`, older);
  return path;
}

async function read(path: string, query: string): Promise<string> {
  let text = '';
  for await (const bytes of readLog(path, options(query))) text += bytes.toString();
  return text;
}

const cases: readonly (readonly [query: string, expected: string])[] = [
  ['', 'zero\none\ntwo\nthree\n'],
  ['tailLines=1', 'three\n'],
  ['tailLines=0', ''],
  ['tailLines=99', 'zero\none\ntwo\nthree\n'],
  ['sinceSeconds=2', 'two\nthree\n'],
  ['sinceTime=2026-01-01T01:00:03%2B01:00', 'three\n'],
  ['stream=Stderr', 'one\n'],
  ['limitBytes=6', 'zero\no'],
  ['timestamps=true&tailLines=3', '2026-01-01T00:00:02.000000000Z two\n2026-01-01T00:00:03.000000000Z three\n'],
];

for (const [query, expected] of cases) {
  test(`readLog() with "${query}"`, async (t) => assert.equal(await read(file(t), query), expected));
}

const older = entry(0, 'stdout', 'F', 'old-1') + entry(0, 'stdout', 'F', 'old-2');

test('readLog() begins in the rotated file', async (t) => {
  assert.equal(await read(file(t, older), ''), 'old-1\nold-2\nzero\none\ntwo\nthree\n');
  assert.equal(await read(file(t, older), 'tailLines=6'), 'old-2\nzero\none\ntwo\nthree\n');
  assert.equal(await read(file(t, older), 'tailLines=5'), 'zero\none\ntwo\nthree\n');
  assert.equal(await read(file(t, older, ''), 'tailLines=1'), 'old-2\n');
});

test('readLog() reads lines and files longer than its buffer', async (t) => {
  const long = 'x'.repeat(200_000);
  const many = Array.from({ length: 5000 }, (_, i) => entry(1, 'stdout', 'F', `line ${i} ${'y'.repeat(20)}`)).join('');
  const path = file(t, undefined, entry(0, 'stdout', 'F', long) + many);
  assert.equal((await read(path, '')).length, 200_001 + many.length - 5000 * 40);
  assert.match(await read(path, 'tailLines=4000'), /^line 1000 /);
});

test('readLog() follows over a rotation to the end', async (t) => {
  const path = file(t);
  const wakes = new Channel<boolean>();
  const iterator = wakes[Symbol.asyncIterator]();
  const news = { next: async () => (await iterator.next()).value === true };
  const seen: string[] = [];
  const steps: (() => void)[] = [
    () => {
      appendFileSync(path, entry(4, 'stdout', 'F', 'four'));
      wakes.push(true);
    },
    () => {
      appendFileSync(path, entry(5, 'stdout', 'F', 'five'));
      renameSync(path, `${path}.1`);
      writeFileSync(path, entry(6, 'stdout', 'F', 'six'));
      wakes.push(true);
    },
    () => {
      appendFileSync(path, entry(7, 'stdout', 'F', 'seven'));
      wakes.push(false);
    },
  ];
  for await (const bytes of readLog(path, options('follow=true&tailLines=1'), news)) {
    seen.push(bytes.toString());
    if (seen.at(-1) !== 'five\n') steps.shift()?.();
  }
  assert.deepEqual(seen, ['three\n', 'four\n', 'five\n', 'six\n', 'seven\n']);
});

for (const [query, message] of [
  ['tailLines=x', 'Cannot read tailLines "x": it must be a whole number'],
  ['tailLines=-1', 'Cannot use tailLines "-1": it must be at least 0'],
  ['sinceTime=soon', 'Cannot read sinceTime "soon": it must be a time of RFC 3339'],
] as const) {
  test(`parseLogOptions() refuses "${query}"`, () => assert.throws(() => options(query), { message }));
}
