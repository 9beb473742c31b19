import assert from 'node:assert/strict';
import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import test, { type TestContext } from 'node:test';
import type { LogRecord } from '#base/log.ts';
import { apiChannel, WorkerHandle } from './worker-handle.ts';

interface Started {
  readonly worker: WorkerHandle<string>;
  readonly records: LogRecord[];
}

/** A worker of these few lines; `tell` is its way to us. */
function start(t: TestContext, source: string): Started {
  const text = `import { parentPort, workerData } from 'node:worker_threads';
const tell = (message) => parentPort.postMessage(message);
${source}`;
  const records: LogRecord[] = [];
  const { port2 } = new MessageChannel();
  const file = new URL(`data:text/javascript,${encodeURIComponent(text)}`);
  const worker = new WorkerHandle<string>('parrot', file, { api: port2 }, (record) => records.push(record));
  t.after(() => worker.terminate());
  return { worker, records };
}

const STAY = 'parentPort.on("message", () => {});';

test('messages are for those who waited and for those who come later; log records go to the log', async (t) => {
  const { worker, records } = start(
    t,
    `parentPort.on('message', (text) => {
      tell({ kind: 'log', record: { level: 'info', room: 'parrot', message: text, fields: {} } });
      tell({ kind: 'ready' });
    });`,
  );
  const waited = Promise.all([worker.message('ready'), worker.message('ready')]);
  worker.post('hello');
  assert.deepEqual(await waited, [{ kind: 'ready' }, { kind: 'ready' }]);
  assert.deepEqual(await worker.message('ready'), { kind: 'ready' });
  assert.deepEqual(records, [{ level: 'info', room: 'parrot', message: 'hello', fields: {} }]);
});

test('a message of another kind wakes nobody', async (t) => {
  const { worker } = start(t, `${STAY} tell({ kind: 'ready' });`);
  let stopped = false;
  worker.message('stopped').then(
    () => (stopped = true),
    () => {},
  );
  await worker.message('ready');
  await setImmediate();
  assert.equal(stopped, false);
});

const failures: readonly (readonly [string, string, string])[] = [
  ['says that it failed', `${STAY} tell({ kind: 'failed', code: 'EX', message: 'no socket' });`, 'no socket'],
  ['throws', `${STAY} throw new Error('broken');`, 'broken'],
  ['rejects', `${STAY} Promise.reject(new Error('broken later'));`, 'broken later'],
  ['leaves with an exit code', `${STAY} process.exit(3);`, 'parrot: the worker ended with code 3'],
  ['has nothing more to do', '', 'parrot: the worker ended with code 0'],
];

for (const [what, source, message] of failures) {
  test(`a worker that ${what} fails whoever waits, then and later`, async (t) => {
    const { worker } = start(t, source);
    await assert.rejects(worker.message('ready'), { message });
    await assert.rejects(worker.failed, { message });
    await assert.rejects(worker.message('stopped'), { message });
  });
}

test('what a worker says of its failure arrives whole', async (t) => {
  const said = { code: 'EPORTINUSE', message: 'Cannot listen on port 53', hint: 'choose another' };
  const { worker } = start(t, `${STAY} tell(${JSON.stringify({ kind: 'failed', ...said })});`);
  await assert.rejects(worker.message('ready'), { name: 'CodedError', ...said });
});

test('a worker that we end has not failed', async (t) => {
  const { worker } = start(t, `${STAY} tell({ kind: 'ready' });`);
  await worker.message('ready');
  let failed = false;
  worker.failed.catch(() => (failed = true));
  await worker.terminate();
  await setImmediate();
  assert.equal(failed, false);
});

test('the worker gets its end of the channel, and we serve the other', async (t) => {
  const served: MessagePort[] = [];
  const api = apiChannel((port) => served.push(port));
  const source = `import { parentPort, workerData } from 'node:worker_threads';
workerData.api.postMessage('a request');
workerData.api.once('message', (answer) => parentPort.postMessage({ kind: 'log', record: answer }));`;
  const records: unknown[] = [];
  const file = new URL(`data:text/javascript,${encodeURIComponent(source)}`);
  const heard = Promise.withResolvers<void>();
  const worker = new WorkerHandle('asker', file, { api }, (record) => {
    records.push(record);
    heard.resolve();
  });
  t.after(() => worker.terminate());
  const [port] = served;
  assert.ok(port !== undefined && served.length === 1);
  t.after(() => port.close());
  assert.deepEqual(await once(port, 'message'), ['a request']);
  port.postMessage('an answer');
  await heard.promise;
  assert.deepEqual(records, ['an answer']);
});
