import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import test from 'node:test';
import { Worker } from 'node:worker_threads';
import { isolateTestFile } from './isolated-test.ts';
import { CLONE_NEWUTS, captureHome, createNetns, inNetns, openNamespace, sethostname, unshare } from './namespace.ts';

isolateTestFile();

const where = (): string => readlinkSync('/proc/thread-self/ns/net');

test('createNetns() makes a namespace and comes home', () => {
  const home = where();
  const netns = createNetns();
  assert.equal(where(), home);
  assert.notEqual(inNetns(netns, where), home);
  closeSync(netns);
});

test('inNetns() nests, and comes back from errors', () => {
  const home = where();
  const outer = createNetns();
  const inner = createNetns();
  const seen = inNetns(outer, () => {
    const before = where();
    const inside = inNetns(inner, where);
    assert.throws(() => inNetns(inner, () => assert.fail('on purpose')), { message: 'on purpose' });
    assert.equal(where(), before);
    return [before, inside];
  });
  assert.equal(new Set([home, ...seen]).size, 3);
  assert.equal(where(), home);
  assert.throws(() => inNetns(outer, () => Promise.resolve()), {
    name: 'TypeError',
    message: 'Cannot run an asynchronous function inside of a network namespace',
  });
  assert.equal(where(), home);
  assert.throws(() => inNetns(-1, where), { code: 'EBADF' });
  assert.equal(where(), home);
  closeSync(outer);
  closeSync(inner);
});

test('a program that is started inside of a namespace stays there', () => {
  const netns = createNetns();
  const [inside, theirs] = inNetns(netns, () => [
    where(),
    execFileSync('readlink', ['/proc/self/ns/net'], { encoding: 'utf8' }).trim(),
  ]);
  assert.equal(theirs, inside);
  closeSync(netns);
});

test('openNamespace() opens those of another process', () => {
  const mine = openNamespace('net', process.pid);
  assert.equal(inNetns(mine, where), where());
  closeSync(mine);
});

test('comeBack() enters the captured namespaces again', () => {
  // As with the network, an ordinary user may not enter the host's again.
  unshare(CLONE_NEWUTS);
  sethostname('home');
  const home = captureHome(['uts', 'net']);
  unshare(CLONE_NEWUTS);
  sethostname('elsewhere');
  assert.equal(hostname(), 'elsewhere');
  home.comeBack();
  assert.equal(hostname(), 'home');
  for (const fd of home.fds.values()) closeSync(fd);
});

test('a Worker that settles in its own namespace leaves the main thread where it is', async () => {
  const home = where();
  const worker = new Worker(
    `const { parentPort } = require('node:worker_threads');
     const { readlinkSync } = require('node:fs');
     import(${JSON.stringify(new URL('namespace.ts', import.meta.url).href)}).then((namespace) => {
       const where = () => readlinkSync('/proc/thread-self/ns/net');
       const host = where();
       namespace.settleInOwnNetns();
       const home = where();
       const other = namespace.createNetns();
       parentPort.postMessage([host, home, namespace.inNetns(other, where), where()]);
     });`,
    { eval: true },
  );
  const [[host, own, other, back]] = (await once(worker, 'message')) as [string[]];
  await worker.terminate();
  assert.equal(host, home);
  assert.equal(back, own);
  assert.equal(new Set([host, own, other]).size, 3);
  assert.equal(where(), home);
});

test('a thread that could not come back does not leave', () => {
  // In a user namespace the host's network namespace can be left, but not entered.
  const script = `
    import { createNetns } from ${JSON.stringify(new URL('namespace.ts', import.meta.url).href)};
    try { createNetns(); } catch (error) { console.log(error.code + ': ' + error.message); }`;
  const args = ['--user', '--map-root-user', process.execPath, '--input-type=module', '--eval', script];
  const env = { ...process.env, NODE_OPTIONS: '--disable-warning=ExperimentalWarning' };
  assert.equal(
    execFileSync('unshare', args, { encoding: 'utf8', env }).trim(),
    'ERR_NETNS_NO_RETURN: Cannot leave the network namespace of this thread: it may not be entered again',
  );
});
