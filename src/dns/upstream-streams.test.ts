import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import test from 'node:test';
import { ManualClock } from '#base/clock.ts';
import { errorCode } from '#base/errors.ts';
import { queryBytes } from './testing/ask.ts';
import { until } from './testing/until.ts';
import { UpstreamStreams } from './upstream-streams.ts';

interface Echo extends AsyncDisposable {
  readonly server: Server;
  readonly port: number;
  readonly open: Set<Socket>;
  accepted: number;
  silent: boolean;
  /** Questions. */
  heard: number;
}

/** Says each question again, as long as it is not silent. */
async function echo(): Promise<Echo> {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    served.accepted++;
    open.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => open.delete(socket));
    socket.on('data', (chunk) => {
      served.heard++;
      if (!served.silent) socket.write(chunk);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const served: Echo = {
    server,
    port,
    open,
    accepted: 0,
    silent: false,
    heard: 0,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return served;
}

function framed(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

const query = (id: number): Buffer => queryBytes('a.test', 'A', { id });

test('a connection is used again, one question at a time, until it was idle for long', async () => {
  await using server = await echo();
  const clock = new ManualClock();
  const streams = new UpstreamStreams({ host: '127.0.0.1', port: server.port }, { clock });
  const how: string[] = [];
  const ask = async (id: number): Promise<void> => {
    assert.deepEqual(await streams.ask(query(id), 2000, (connection) => how.push(connection)), query(id));
  };
  await ask(1);
  await ask(2);
  await Promise.all([ask(3), ask(4), ask(5)]);
  assert.deepEqual(how, ['opened', 'reused', 'reused', 'opened', 'opened']);
  assert.equal(server.accepted, 3);
  await clock.advance(10_000);
  await until('they are closed', () => server.open.size === 0);
  await ask(6);
  assert.equal(server.accepted, 4);
  server.silent = true;
  const late = streams.ask(query(7), 2000);
  await until('it is asked', () => server.heard === 7);
  streams.close();
  for (const socket of server.open) socket.write(framed(query(7)));
  assert.deepEqual(await late, query(7));
  await until('it is closed', () => server.open.size === 0);
});

test('a connection that the server has closed is replaced; one without an answer is given up with all others', async () => {
  await using server = await echo();
  const clock = new ManualClock();
  const streams = new UpstreamStreams({ host: '127.0.0.1', port: server.port }, { clock });
  await Promise.all([streams.ask(query(1), 2000), streams.ask(query(2), 2000)]);
  // It is closed at the moment of the next question, before anybody is told.
  for (const socket of server.open) socket.resetAndDestroy();
  assert.deepEqual(await streams.ask(query(3), 2000), query(3));
  assert.deepEqual(await streams.ask(query(4), 2000), query(4));
  server.silent = true;
  const vain = assert.rejects(streams.ask(query(5), 2000), (error) => errorCode(error) === 'ETIMEDOUT');
  await new Promise((resolve) => setImmediate(resolve));
  await clock.advance(2000);
  await vain;
  await until('they are closed', () => server.open.size === 0);
  await server[Symbol.asyncDispose]();
  await assert.rejects(streams.ask(query(6), 2000), (error) => errorCode(error) === 'ECONNREFUSED');
});
