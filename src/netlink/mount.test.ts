import assert from 'node:assert/strict';
import { closeSync, existsSync, mkdirSync, mkdtempSync, readdirSync } from 'node:fs';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { isolateTestFile } from './isolated-test.ts';
import { bindMount, chdir, makeMountsPrivate, MNT_DETACH, mount, pivotRoot, umount } from './mount.ts';
import { addMountAttributes, attachTree, MOUNT_ATTR_RDONLY, openTree } from './mount-tree.ts';
import { MS_BIND, MS_RDONLY, MS_REMOUNT } from './mount.ts';
import { captureHome, CLONE_FS, CLONE_NEWNS, unshare } from './namespace.ts';

isolateTestFile();
makeMountsPrivate();

const directory = mkdtempSync(join(tmpdir(), 'mount-'));
after(() => rmSync(directory, { recursive: true }));

function make(name: string): string {
  const path = join(directory, name);
  mkdirSync(path);
  return path;
}

test('mount() mounts with data, umount() takes it away', () => {
  const target = make('tmpfs');
  mount('tmpfs', target, 'tmpfs', 0, 'mode=750');
  assert.equal(statSync(target).mode & 0o777, 0o750);
  writeFileSync(join(target, 'file'), 'here');
  umount(target, MNT_DETACH);
  assert.equal(existsSync(join(target, 'file')), false);
});

test('bindMount() shows a directory at another place', () => {
  const source = make('source');
  const target = make('target');
  writeFileSync(join(source, 'file'), 'here');
  bindMount(source, target);
  assert.equal(readFileSync(join(target, 'file'), 'utf8'), 'here');
  mount(null, target, null, MS_REMOUNT | MS_BIND | MS_RDONLY);
  assert.throws(() => writeFileSync(join(target, 'file'), 'there'), { code: 'EROFS' });
  umount(target);
});

test('openTree() makes a mount whole before attachTree() shows it', () => {
  const source = make('tree-source');
  const target = make('tree-target');
  writeFileSync(join(source, 'file'), 'here');
  const tree = openTree(source, false);
  try {
    addMountAttributes(`/proc/self/fd/${tree}`, MOUNT_ATTR_RDONLY, false);
    assert.deepEqual(readdirSync(target), []);
    attachTree(tree, target);
    assert.throws(() => attachTree(tree, join(source, 'file'), 'here'), {
      message: /^Cannot put a mount at "here": E/,
    });
  } finally {
    closeSync(tree);
  }
  assert.equal(readFileSync(join(target, 'file'), 'utf8'), 'here');
  assert.throws(() => writeFileSync(join(target, 'file'), 'there'), { code: 'EROFS' });
  umount(target);
  assert.throws(() => openTree(join(source, 'none'), false), { code: 'ENOENT' });
});

test('mount() says what it could not do', () => {
  const target = make('failed');
  assert.throws(() => mount('tmpfs', target, 'nofs', 0, 'a=b'), {
    code: 'ENODEV',
    message: `Cannot mount "tmpfs" on ${JSON.stringify(target)} as "nofs" with "a=b": ENODEV`,
  });
  assert.throws(() => umount(target), { code: 'EINVAL', message: `Cannot unmount ${JSON.stringify(target)}: EINVAL` });
});

test('pivotRoot() makes a directory the root of this thread, until it comes back', () => {
  const root = make('root');
  const home = captureHome(['mnt']);
  unshare(CLONE_FS | CLONE_NEWNS);
  mount('tmpfs', root, 'tmpfs');
  mkdirSync(join(root, 'old'));
  pivotRoot(root, join(root, 'old'));
  chdir('/');
  assert.deepEqual(readdirSync('/'), ['old']);
  assert.ok(existsSync(`/old${directory}`));
  home.comeBack();
  assert.deepEqual(readdirSync(root), []);
  for (const fd of home.fds.values()) closeSync(fd);
});
