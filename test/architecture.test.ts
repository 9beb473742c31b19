import assert from 'node:assert/strict';
import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { forbiddenWords, rooms } from '../rooms.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const files = globSync('src/**/*.ts', { cwd: root }).sort();

interface Import {
  readonly from: string;
  readonly to: string;
}

/** Imports, re-exports, dynamic imports and worker entries, types included. */
function importsOf(file: string): readonly Import[] {
  const source = readFileSync(join(root, file), 'utf8');
  const pattern = /(?:from\s+|import\s+|import\(\s*|new URL\(\s*)'([^']+\.ts)'/g;
  return [...source.matchAll(pattern)].flatMap(([, path]) => {
    if (path === undefined) return [];
    if (path.startsWith('#')) return [{ from: file, to: `src/${path.slice(1)}` }];
    return [{ from: file, to: join(dirname(file), path) }];
  });
}

const roomOf = (file: string): string => file.split('/')[1] ?? '';
const imports = files.flatMap(importsOf);

test('every folder below src is a room of rooms.ts', () => {
  const folders = readdirSync(join(root, 'src')).sort();
  assert.deepEqual(folders, Object.keys(rooms).sort());
});

test('every import follows rooms.ts', () => {
  const breaches = imports.filter(({ from, to }) => {
    const allowed = rooms[roomOf(from)] ?? [];
    return roomOf(to) !== roomOf(from) && !allowed.includes(roomOf(to));
  });
  assert.deepEqual(breaches, []);
});

test('every import names a file that is there', () => {
  const known = new Set(files);
  assert.deepEqual(
    imports.filter(({ to }) => !known.has(to)),
    [],
  );
});

test('node:http is had from base/http.ts, which loads no WebSocket client', () => {
  const loading = files.filter(
    (file) =>
      !/\.test\.ts$|\/testing\//.test(file) &&
      /^import (?!type )[^;]*'node:http'/m.test(readFileSync(join(root, file), 'utf8')),
  );
  assert.deepEqual(loading, []);
});

test('no file imports itself through others, types included', () => {
  const next = new Map<string, string[]>();
  for (const { from, to } of imports) next.set(from, [...(next.get(from) ?? []), to]);
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (file: string): void => {
    const at = path.indexOf(file);
    assert.equal(at, -1, `cycle: ${[...path.slice(Math.max(at, 0)), file].join(' -> ')}`);
    if (done.has(file)) return;
    path.push(file);
    for (const to of next.get(file) ?? []) visit(to);
    path.pop();
    done.add(file);
  };
  for (const file of files) visit(file);
});

for (const [room, words] of Object.entries(forbiddenWords)) {
  test(`the room ${room} does not speak of what is none of its business`, () => {
    const found = files
      .filter((file) => roomOf(file) === room && !file.includes('/generated/') && !file.endsWith('.test.ts'))
      .flatMap((file) =>
        readFileSync(join(root, file), 'utf8')
          .split('\n')
          .flatMap((line, i) => (words.test(line) ? [`${file}:${i + 1}: ${line.trim()}`] : [])),
      );
    assert.deepEqual(found, []);
  });
}

test('every link of a document leads to a file that is there', () => {
  const documents = globSync('{*.md,{bench,docs,examples,src,test}/**/*.md}', {
    cwd: root,
    exclude: ['**/node_modules/**'],
  });
  const broken = documents.flatMap((document) => {
    const text = readFileSync(join(root, document), 'utf8');
    return [...text.matchAll(/\]\((?!\w+:|#)([^)#]+)/g)].flatMap(([, link = '']) =>
      existsSync(join(root, dirname(document), link)) ? [] : [`${document}: ${link}`],
    );
  });
  assert.deepEqual(broken, []);
});

test('every room has a README of at most 40 lines', () => {
  for (const room of Object.keys(rooms)) {
    const lines = readFileSync(join(root, 'src', room, 'README.md'), 'utf8')
      .trimEnd()
      .split('\n');
    assert.ok(lines.length <= 40, `src/${room}/README.md has ${lines.length} lines`);
  }
});
