import assert from 'node:assert/strict';
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import process from 'node:process';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { removeTree } from '../sandbox/remove-tree-sync.ts';
import { type TarFile, writeTar } from '../testing/tar-writer.ts';
import { decompress } from './decompress.ts';
import { unpackLayer } from './layer-unpack-sync.ts';

const long = `${'d'.repeat(60)}/${'f'.repeat(60)}`;

/** What pax says of the entry after it. */
function pax(records: Readonly<Record<string, string>>): TarFile {
  const data = Object.entries(records)
    .map(([key, value]) => {
      const rest = ` ${key}=${value}\n`;
      let length = Buffer.byteLength(rest);
      while (String(length).length + Buffer.byteLength(rest) !== length)
        length = String(length).length + Buffer.byteLength(rest);
      return `${length}${rest}`;
    })
    .join('');
  return { path: 'pax', type: 'x', data };
}

const cases: readonly { name: string; files: readonly TarFile[]; tree: string }[] = [
  {
    name: 'files, directories and links',
    files: [
      { path: './', type: '5', mode: 0o755 },
      { path: './a/', type: '5', mode: 0o750 },
      { path: 'a/f', data: 'text', mode: 0o4755 },
      { path: 'a/h', type: '1', link: './a/f' },
      { path: 's', type: '2', link: '/etc/passwd' },
      { path: 'a/p', type: '6' },
      { path: 'dev', type: '3' },
    ],
    tree: 'a/ 750; a/f 4755 text; a/h 4755 text; a/p fifo; s -> /etc/passwd',
  },
  {
    name: 'parents that are not in the archive, and a directory that may not be written to',
    files: [
      { path: 'x/y/z', data: '1' },
      { path: 'ro/', type: '5', mode: 0o555 },
      { path: 'ro/f', data: '2' },
    ],
    tree: 'ro/ 555; ro/f 644 2; x/ 755; x/y/ 755; x/y/z 644 1',
  },
  {
    name: 'absolute paths and links, which stay inside',
    files: [
      { path: '/abs', data: 'in' },
      { path: 'up', type: '2', link: '../../../../..' },
      { path: 'up/escaped', data: 'no' },
      { path: 'etc', type: '2', link: '/real' },
      { path: 'etc/f', data: 'real' },
    ],
    tree: 'abs 644 in; escaped 644 no; etc -> /real; real/ 755; real/f 644 real; up -> ../../../../..',
  },
  {
    name: 'whiteouts',
    files: [{ path: 'a/.wh.gone' }, { path: 'a/kept', data: 'k' }, { path: 'a/.wh.kept' }, { path: '.wh..wh.plnk' }],
    tree: 'a/ 755; a/gone whiteout; a/kept 644 k',
  },
  {
    name: 'the last of several with one name, of another kind',
    files: [
      { path: 'a/', type: '5' },
      { path: 'a/f', data: '1' },
      { path: 'a', data: 'file now' },
      { path: 'b', data: '1' },
      { path: 'b', data: '2' },
    ],
    tree: 'a 644 file now; b 644 2',
  },
  {
    name: 'names longer than the header has room for',
    files: [
      { path: 'L', type: 'L', data: `${long}\0` },
      { path: 'short', data: 'gnu' },
      pax({ path: `${long}-é`, mtime: '1.5' }),
      { path: 'short', data: 'pax' },
    ],
    tree: `${'d'.repeat(60)}/ 755; ${long} 644 gnu; ${long}-é 644 pax`,
  },
];
for (const { name, files, tree } of cases) {
  test(`unpackLayer() of ${name}`, async () => {
    assert.equal(await unpacked([writeTar(files)]), tree);
  });
}

const refused: readonly { name: string; bytes: Buffer; message: RegExp }[] = [
  { name: '..', bytes: writeTar([{ path: 'a/../../b', data: 'x' }]), message: /path "a\/..\/..\/b" .* leads out/ },
  {
    name: 'a hard link out',
    bytes: writeTar([{ path: 'a', type: '1', link: '../../etc/passwd' }]),
    message: /leads out/,
  },
  {
    name: 'a hard link to nothing',
    bytes: writeTar([{ path: 'a', type: '1', link: '/etc/passwd' }]),
    message: /not in the layer/,
  },
  {
    name: 'half an archive',
    bytes: writeTar([{ path: 'a', data: 'x'.repeat(2000) }]).subarray(0, 1500),
    message: /ends in the middle/,
  },
  { name: 'noise', bytes: Buffer.alloc(1024, 'noise'), message: /wrong checksum/ },
  {
    name: 'half a gzip',
    bytes: gzipSync(Buffer.alloc(100_000, 'x')).subarray(0, 60),
    message: /unexpected end of file|wrong checksum/,
  },
];
for (const { name, bytes, message } of refused) {
  test(`unpackLayer() refuses ${name}`, async () => {
    await assert.rejects(unpacked(decompress(Readable.from([bytes]))), { message });
  });
}

test('decompress() tells gzip, zstd and plain apart, in whatever pieces they come', async () => {
  const plain = writeTar([{ path: 'a', data: 'x'.repeat(3000) }]);
  for (const bytes of [plain, gzipSync(plain), zstdCompressSync(plain)]) {
    const pieces = Array.from({ length: Math.ceil(bytes.length / 3) }, (_, index) =>
      bytes.subarray(index * 3, index * 3 + 3),
    );
    assert.equal(await unpacked(decompress(Readable.from(pieces))), `a 644 ${'x'.repeat(3000)}`);
  }
});

test('unpackLayer() of a file from before 1970', async () => {
  const directory = mkdtempSync(`${tmpdir()}/clusterip-unpack-`);
  try {
    const source = Readable.from([writeTar([{ path: 'old', data: 'x', mtime: -3600 }])]);
    await unpackLayer(source, directory, { privileged: false, owners: undefined });
    assert.equal(lstatSync(`${directory}/old`).mtimeMs, -3_600_000);
  } finally {
    removeTree(directory);
  }
});

const asRoot = process.getuid?.() === 0 ? false : 'needs root';

test(
  'unpackLayer() gives files to whom they belong where there is such a user, else to us',
  { skip: asRoot },
  async () => {
    const directory = mkdtempSync(`${tmpdir()}/clusterip-unpack-`);
    const one = [{ first: 0, count: 1000 }];
    const files: readonly TarFile[] = [
      { path: 'known', data: 'x', mode: 0o4750, uid: 999, gid: 5 },
      { path: 'stranger', data: 'x', mode: 0o640, uid: 70_000, gid: 5 },
      { path: 'dir', type: '5', mode: 0o700, uid: 33, gid: 70_000 },
      { path: 'link', type: '2', link: 'known', uid: 7, gid: 7 },
    ];
    try {
      mkdirSync(`${directory}/layer`);
      const source = Readable.from([writeTar(files)]);
      await unpackLayer(source, `${directory}/layer`, { privileged: false, owners: { users: one, groups: one } });
      const text = files.map(({ path }) => {
        const { uid, gid, mode } = lstatSync(`${directory}/layer/${path}`);
        return `${path} ${uid}:${gid} ${(mode & 0o7777).toString(8)}`;
      });
      assert.deepEqual(text, ['known 999:5 4750', 'stranger 0:5 640', 'dir 33:0 700', 'link 7:7 777']);
    } finally {
      removeTree(directory);
    }
  },
);

/** What came of it, in one line; and that nothing came of it anywhere else. */
async function unpacked(source: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<string> {
  const outside = mkdtempSync(`${tmpdir()}/clusterip-unpack-`);
  try {
    mkdirSync(`${outside}/layer`);
    await unpackLayer(Readable.from(source), `${outside}/layer`, { privileged: false, owners: undefined });
    assert.deepEqual(readdirSync(outside), ['layer']);
    return describe(`${outside}/layer`, '').join('; ');
  } finally {
    removeTree(outside);
  }
}

function describe(root: string, below: string): readonly string[] {
  return readdirSync(`${root}/${below}`)
    .sort()
    .flatMap((name) => {
      const path = `${below}${name}`;
      const stat = lstatSync(`${root}/${path}`);
      const mode = (stat.mode & 0o7777).toString(8);
      if (stat.isDirectory()) return [`${path}/ ${mode}`, ...describe(root, `${path}/`)];
      if (stat.isSymbolicLink()) return [`${path} -> ${readlinkSync(`${root}/${path}`)}`];
      if (stat.isFIFO()) return [`${path} fifo`];
      if (stat.isCharacterDevice()) return [`${path} whiteout`];
      return [`${path} ${mode} ${readFileSync(`${root}/${path}`, 'utf8')}`];
    });
}
