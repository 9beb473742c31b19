import assert from 'node:assert/strict';
import { closeSync, readlinkSync } from 'node:fs';
import test from 'node:test';
import { Worker } from 'node:worker_threads';
import { ManualClock } from '#base/clock.ts';
import { silentLog } from '#base/log.ts';
import { CarrierThread } from './carrier-thread-agent.ts';
import type { ToCarrier } from './carrier-message.ts';
import { openHostSocket } from './host-socket.ts';

/** A real socket, which no other has: a closed number may be given anew. */
function open(): { readonly message: ToCarrier; readonly fd: number; readonly isOpen: () => boolean } {
  const fd = openHostSocket({ protocol: 'tcp', address: '127.0.0.1', port: 0 });
  const link = `/proc/self/fd/${fd}`;
  const socket = readlinkSync(link);
  const isOpen = (): boolean => {
    try {
      return readlinkSync(link) === socket;
    } catch {
      return false;
    }
  };
  return { message: { kind: 'open', id: 1, protocol: 'tcp', family: 4, fd, targets: [] }, fd, isOpen };
}

class Scene {
  readonly clock = new ManualClock();
  readonly workers: Worker[] = [];
  readonly lost: Promise<void>[] = [];
  readonly thread: CarrierThread;
  losses = 0;

  constructor(program: string) {
    const start = (): Worker => {
      const worker = new Worker(program, { eval: true, trackUnmanagedFds: false });
      this.workers.push(worker);
      // Its exit comes after its error.
      this.lost.push(new Promise((resolve) => worker.once('exit', () => resolve())));
      return worker;
    };
    this.thread = new CarrierThread({
      start,
      onFailed: () => assert.fail(),
      onLost: () => this.losses++,
      clock: this.clock,
      log: silentLog,
    });
  }
}

test('a thread that cannot start leaves no descriptor open, and is tried again after longer and longer', async () => {
  const scene = new Scene('throw new Error("no")');
  for (const [i, rest] of [1000, 2000, 4000].entries()) {
    const first = open();
    const second = open();
    scene.thread.post(first.message);
    scene.thread.post(second.message);
    await scene.lost[i];
    assert.deepEqual([first.isOpen(), second.isOpen()], [false, false]);
    // While it rests nothing is begun, and nothing kept.
    const third = open();
    scene.thread.post(third.message);
    assert.equal(third.isOpen(), false);
    await scene.clock.advance(rest - 1);
    assert.deepEqual([scene.workers.length, scene.losses], [i + 1, i]);
    await scene.clock.advance(1);
    assert.equal(scene.losses, i + 1);
  }
});

test('what is posted before the thread is ready reaches it in order, and its descriptors are its own', async () => {
  const scene = new Scene(`
    const { parentPort } = require('node:worker_threads');
    const seen = [];
    parentPort.on('message', ({ kind }) => {
      seen.push(kind);
      if (kind === 'close') throw new Error(seen.join(' '));
    });
    parentPort.postMessage({ kind: 'ready' });
  `);
  const one = open();
  scene.thread.post(one.message);
  scene.thread.post({ kind: 'route', address: '127.0.0.9', via: '127.0.0.1' });
  scene.thread.post({ kind: 'close', id: 1 });
  const [worker] = scene.workers;
  const error = new Promise<Error>((resolve) => worker?.once('error', resolve));
  assert.equal((await error).message, 'open route close');
  await scene.lost[0];
  assert.equal(one.isOpen(), true);
  closeSync(one.fd);
});
