import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { after, test } from 'node:test';
import { ManualClock } from '#base/clock.ts';
import { errorCode } from '#base/errors.ts';
import { LogLines, MAX_LINE_BYTES } from './log-line.ts';
import { whileUnsteady } from '../testing/unsteady.ts';
import { ContainerLog } from './log-sync.ts';
import { executeMounts } from './mount-sync.ts';
import { inRoot } from './open-in-root-sync.ts';
import { openBeneath } from './open-beneath-sync.ts';
import { makeWorkingDir } from './process-sync.ts';
import { removeTree } from './remove-tree-sync.ts';
import { readInRoot, resolveInRoot } from './rooted-path-sync.ts';

const directory = mkdtempSync(`${tmpdir()}/clusterip-files-`);
after(() => rmSync(directory, { recursive: true, force: true }));

const T = '2026-01-01T00:00:00.000000000Z';

test('LogLines cuts what was written into entries of whole lines', () => {
  const lines = new LogLines('stdout');
  const now = new ManualClock().now();
  const push = (text: string): string => lines.push(Buffer.from(text), now).toString();
  assert.equal(push('one\ntw'), `${T} stdout F one\n`);
  assert.equal(push('o\n\nthr'), `${T} stdout F two\n${T} stdout F \n`);
  assert.equal(lines.end(now).toString(), `${T} stdout P thr\n`);
  assert.equal(lines.end(now).toString(), '');
  const long = 'x'.repeat(MAX_LINE_BYTES);
  assert.equal(push(`${long}y\n`), `${T} stdout P ${long}\n${T} stdout F y\n`);
});

test('ContainerLog keeps one file before the present one', () => {
  const path = `${directory}/log/c/0.log`;
  const log = new ContainerLog(path, { clock: new ManualClock(), maxBytes: 120 });
  for (const word of ['one', 'two', 'three', 'four', 'five']) log.write('stderr', Buffer.from(`${word}\n`));
  log.close();
  log.write('stderr', Buffer.from('late\n'));
  assert.equal(readFileSync(`${path}.1`, 'utf8'), `${T} stderr F three\n${T} stderr F four\n`);
  assert.equal(readFileSync(path, 'utf8'), `${T} stderr F five\n`);
});

mkdirSync(`${directory}/root/usr/bin`, { recursive: true });
writeFileSync(`${directory}/root/usr/bin/tool`, '');
symlinkSync('usr/bin', `${directory}/root/bin`);
symlinkSync('/usr/bin/tool', `${directory}/root/absolute`);
symlinkSync('../../../../etc/passwd', `${directory}/root/usr/out`);
symlinkSync('loop', `${directory}/root/loop`);
symlinkSync('/run/gone/file', `${directory}/root/dangling`);

const paths = [
  { path: '/bin/tool', found: '/usr/bin/tool file' },
  { path: 'absolute', found: '/usr/bin/tool file' },
  { path: '/../../usr/./bin/..', found: '/usr directory' },
  { path: '/usr/out', found: '/etc/passwd nothing' },
  { path: '/dangling', found: '/run/gone/file nothing' },
  { path: '/', found: ' directory' },
  { path: '/usr/new/deep', found: '/usr/new/deep nothing' },
];
for (const { path, found } of paths) {
  test(`resolveInRoot(${path}) stays inside`, () => {
    const result = resolveInRoot(`${directory}/root`, path);
    const kind = result.stat === undefined ? 'nothing' : result.stat.isDirectory() ? 'directory' : 'file';
    assert.equal(`${result.path.slice(`${directory}/root`.length)} ${kind}`, found);
  });
}

test('resolveInRoot() gives up on a loop of links', () => {
  assert.throws(() => resolveInRoot(`${directory}/root`, '/loop'), {
    message: 'Cannot follow "/loop": too many symbolic links',
  });
});

test('readInRoot() waits for nobody who puts a pipe in the place of a file', async () => {
  const root = `${directory}/piped`;
  mkdirSync(`${root}/etc`, { recursive: true });
  execFileSync('mkfifo', [`${root}/etc/pipe`]);
  assert.equal(readInRoot(root, 'etc/pipe'), '');
  await whileUnsteady({ directory: `${root}/etc`, name: 'passwd', kind: 'file', outside: 'pipe' }, () => {
    for (let i = 0; i < 3000; i++) {
      try {
        assert.equal(readInRoot(root, '/etc/passwd'), '');
      } catch (error) {
        assert.match(String(errorCode(error)), /^(ELOOP|ENOENT|EINVAL)$/, String(error));
      }
    }
  });
});

test('inRoot() makes what is missing, follows links inside, and never leaves', () => {
  const root = `${directory}/made`;
  const outside = mkdtempSync(`${directory}/elsewhere-`);
  mkdirSync(`${root}/usr/bin`, { recursive: true });
  symlinkSync('usr/bin', `${root}/bin`);
  symlinkSync(outside, `${root}/out`);
  symlinkSync('../../../../up', `${root}/usr/up`);
  symlinkSync('loop', `${root}/loop`);
  const found = (path: string, missing: 'directory' | 'file'): string =>
    inRoot(
      root,
      path,
      missing,
      (at) => `${readlinkSync(at).slice(root.length)}${statSync(at).isFile() ? ' file' : ''}`,
    );
  assert.deepEqual(
    ['/', '/../../usr/./bin/..', '/bin/new/deep', `/out/deep`].map((path) => found(path, 'directory')),
    ['', '/usr', '/usr/bin/new/deep', `${outside}/deep`],
  );
  assert.equal(existsSync(`${outside}/deep`), false);
  assert.deepEqual(
    ['/usr/up', '/bin/new/config', '/usr'].map((path) => found(path, 'file')),
    ['/up file', '/usr/bin/new/config file', '/usr'],
  );
  assert.throws(() => found('/loop', 'file'), { message: 'Cannot follow "/loop": too many symbolic links' });
  assert.throws(() => found('/up/x', 'file'), { code: 'ENOTDIR' });
});

test('openBeneath() makes what is missing, follows links inside, and refuses those that lead out', () => {
  const found = (path: string): string => {
    const fd = openBeneath(`${directory}/root`, path);
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).slice(`${directory}/root`.length);
    } finally {
      closeSync(fd);
    }
  };
  assert.deepEqual(['.', 'bin/tool', 'bin/new/deep'].map(found), ['', '/usr/bin/tool', '/usr/bin/new/deep']);
  for (const path of ['absolute', 'usr/out', '../root']) assert.throws(() => found(path), { code: 'EXDEV' });
  assert.throws(() => found('loop'), { code: 'ELOOP' });
  assert.throws(() => found('bin/tool/x'), { code: 'ENOTDIR' });
});

test('openBeneath() is led out by nobody who changes the tree meanwhile', async () => {
  const top = `${directory}/changing`;
  mkdirSync(`${top}/a`, { recursive: true });
  await whileUnsteady({ directory: top, name: 'a', kind: 'directory', outside: '..' }, () => {
    for (let i = 0; i < 3000; i++) {
      let fd: number | undefined;
      try {
        fd = openBeneath(top, 'a');
        assert.match(readlinkSync(`/proc/self/fd/${fd}`), /\/changing\/a( \(deleted\))?$/);
      } catch (error) {
        assert.match(String(errorCode(error)), /^(EXDEV|ENOENT|EAGAIN|ENOTDIR)$/, String(error));
      } finally {
        if (fd !== undefined) closeSync(fd);
      }
    }
  });
});

test('executeMounts() and makeWorkingDir() make nothing outside of the root while others change the tree', async () => {
  const root = `${directory}/rebuilt`;
  const outside = `${directory}/outside`;
  mkdirSync(`${root}/volume/a`, { recursive: true });
  mkdirSync(outside);
  await whileUnsteady({ directory: `${root}/volume`, name: 'a', kind: 'directory', outside }, () => {
    for (let i = 0; i < 10_000; i++) {
      try {
        executeMounts(root, [{ kind: 'directory', target: `/volume/a/made-${i}`, mode: 0o755 }]);
        makeWorkingDir(root, `/volume/a/work-${i}`);
      } catch (error) {
        assert.match(String(errorCode(error)), /^(ENOENT|ELOOP|ENOTDIR|EINVAL)$/, String(error));
      }
    }
  });
  assert.deepEqual(readdirSync(outside), []);
});

test('removeTree() opens what is locked', () => {
  mkdirSync(`${directory}/locked/inner/deep`, { recursive: true });
  chmodSync(`${directory}/locked/inner`, 0o000);
  removeTree(`${directory}/locked`);
  assert.equal(existsSync(`${directory}/locked`), false);
  removeTree(`${directory}/locked`);
});
