import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { WebSocketServer } from 'ws';
import { exec } from './exec.ts';
import { httpsTransport } from './https-transport.ts';
import type { Connection } from './kubeconfig.ts';
import { turns } from './testing/turns.ts';
import type { Transport } from './transport.ts';

type Listener = (request: IncomingMessage, response: ServerResponse) => void;

/** A server on loopback; TLS itself is Node's and is tried against the real API server elsewhere. */
async function serve(listener: Listener): Promise<{ transport: Transport; connection: Connection } & AsyncDisposable> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  const connection: Connection = {
    server: `http://127.0.0.1:${port}`,
    token: () => 'secret',
    insecureSkipTlsVerify: false,
    namespace: 'default',
  };
  const sockets = new WebSocketServer({ server, handleProtocols: () => 'v5.channel.k8s.io' });
  sockets.on('connection', (socket, request) => {
    const command = new URL(request.url ?? '', connection.server).searchParams.getAll('command').join(' ');
    socket.send(Buffer.from(`\u0001ran ${command}`));
    socket.send(Buffer.from('\u0002oops'));
    const causes = [{ reason: 'ExitCode', message: '3' }];
    socket.send(
      Buffer.from(`\u0003${JSON.stringify({ status: 'Failure', reason: 'NonZeroExitCode', details: { causes } })}`),
    );
    socket.close();
  });
  const transport = httpsTransport(connection);
  return {
    transport,
    connection,
    [Symbol.asyncDispose]: async () => {
      transport[Symbol.dispose]();
      server.closeAllConnections();
      sockets.close();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

test('request() sends method, path, query, body and token, and reads status, JSON and warnings', async () => {
  await using s = await serve((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method, url, headers } = request;
      const seen = { method, url, type: headers['content-type'], auth: headers.authorization };
      response.setHeader('Warning', '299 - "v1 Endpoints is \\"deprecated\\""');
      response.setHeader('Content-Type', 'application/json');
      response.statusCode = 201;
      response.end(JSON.stringify({ ...seen, body: Buffer.concat(chunks).toString() }));
    });
  });
  const answer = await s.transport.request({
    method: 'PATCH',
    path: '/api/v1/x',
    query: { labelSelector: 'a=b,c' },
    contentType: 'application/merge-patch+json',
    body: { name: 'ü' },
  });
  assert.deepEqual(answer, {
    status: 201,
    body: {
      method: 'PATCH',
      url: '/api/v1/x?labelSelector=a%3Db%2Cc',
      type: 'application/merge-patch+json',
      auth: 'Bearer secret',
      body: '{"name":"ü"}',
    },
    contentType: 'application/json',
    warnings: ['v1 Endpoints is "deprecated"'],
  });
});

test('watch() puts lines together that arrive in pieces, and ends when the server does', async () => {
  const text = `${JSON.stringify({ type: 'ADDED', object: { name: 'ü' } })}\n${JSON.stringify({ type: 'DELETED' })}\n`;
  await using s = await serve((_request, response) => {
    const bytes = Buffer.from(text);
    const send = (at: number): void => {
      if (at >= bytes.length) response.end();
      else response.write(bytes.subarray(at, at + 7), () => setImmediate(send, at + 7));
    };
    send(0);
  });
  const events: unknown[] = [];
  for await (const event of s.transport.watch({ method: 'GET', path: '/' }, new AbortController().signal))
    events.push(event);
  assert.deepEqual(events, [{ type: 'ADDED', object: { name: 'ü' } }, { type: 'DELETED' }]);
});

test('watch() ends on abort, before and after the answer, and the server sees the connection close', async () => {
  let closed = 0;
  await using s = await serve((request, response) => {
    request.on('close', () => closed++);
    if (request.url?.startsWith('/open') === true) response.write('{"type":"ADDED"}\n');
  });
  for (const path of ['/open', '/silent']) {
    const abort = new AbortController();
    if (path === '/silent') setImmediate(() => abort.abort());
    for await (const _ of s.transport.watch({ method: 'GET', path }, abort.signal)) abort.abort();
  }
  await turns(() => closed > 0);
});

test('watch() rejects with the Status of a server that refuses, and ends where the connection breaks', async () => {
  await using s = await serve((request, response) => {
    if (request.url?.startsWith('/breaks') === true) {
      response.write('{"type":"ADDED"}\n', () => response.destroy());
    } else {
      response.statusCode = 410;
      response.setHeader('Content-Type', 'application/json');
      response.end(JSON.stringify({ kind: 'Status', message: 'too old', reason: 'Expired', code: 410 }));
    }
  });
  const all = async (path: string): Promise<void> => {
    for await (const _ of s.transport.watch({ method: 'GET', path }, new AbortController().signal));
  };
  await all('/breaks');
  await assert.rejects(all('/old'), { name: 'ApiError', reason: 'Expired' });
});

test('exec() brings back output and the exit code', async () => {
  await using s = await serve(() => {});
  const result = await exec(s.connection, { namespace: 'd', name: 'p' }, ['ls', '-l']);
  assert.deepEqual(result, { exitCode: 3, stdout: 'ran ls -l', stderr: 'oops' });
});
