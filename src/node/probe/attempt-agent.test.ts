import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createGrpcServer, type ServerHttp2Stream } from 'node:http2';
import { connect, createServer as createTcpServer, type AddressInfo, type Server } from 'node:net';
import { test } from 'node:test';
import { attemptProbe } from './attempt-agent.ts';
import { type AttemptContext, ProbeTimeout, type ProbeResult } from './attempt.ts';
import { callHttp } from './http-attempt-agent.ts';
import type { ProbeTarget } from './probe-spec.ts';

const context: AttemptContext = {
  dial: (host, port) => connect(port, host),
  exec: () => assert.fail('nothing is executed here'),
};

async function listen(server: Server, host: string): Promise<AsyncDisposable & { readonly port: number }> {
  server.listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { port, [Symbol.asyncDispose]: async () => void (await new Promise((done) => server.close(done))) };
}

/** As `kubectl describe` would show it, `PORT` for the port. */
async function attempt(target: ProbeTarget & { readonly port: number }, signal?: AbortSignal): Promise<string> {
  const result: ProbeResult = await attemptProbe(context, target, signal ?? new AbortController().signal).catch(
    (error: Error) => ({ ok: false, message: error.message }),
  );
  const text = result.ok ? `ok ${result.warning ?? ''}` : result.message;
  return text.replaceAll(String(target.port), 'PORT').trim();
}

/** Says what it was asked, and sends on as the path tells it to. */
function answer(request: IncomingMessage, response: ServerResponse): void {
  const { pathname, searchParams } = new URL(request.url ?? '', 'http://x');
  const to = searchParams.get('to');
  response.statusCode = Number(pathname.slice(1)) || 200;
  if (to !== null) response.setHeader('location', to.replace('PORT', String(request.socket.localPort)));
  if (pathname === '/loop') response.writeHead(302, { location: '/loop' });
  if (pathname === '/headers') {
    const { host, accept, 'user-agent': agent, 'x-a': a } = request.headers;
    const seen = [host?.replace(String(request.socket.localPort), 'PORT'), accept, agent, a].join(' ');
    // Whatever is not a success shows its body.
    response.writeHead(300).end(seen);
    return;
  }
  response.end('body');
}

type HttpTarget = Extract<ProbeTarget, { kind: 'http' }>;

const http = (port: number, path: string, more: Partial<HttpTarget> = {}): HttpTarget => ({
  kind: 'http',
  tls: false,
  host: '127.0.0.1',
  port,
  path,
  headers: [],
  ...more,
});

const paths: readonly (readonly [path: string, is: string])[] = [
  ['/', 'ok'],
  ['no-slash?x=1', 'ok'],
  ['/204', 'ok'],
  ['/400', 'HTTP probe failed with statuscode: 400'],
  ['/503', 'HTTP probe failed with statuscode: 503'],
  ['/302?to=/503', 'HTTP probe failed with statuscode: 503'],
  ['/307?to=http://127.0.0.1:PORT/', 'ok'],
  ['/302?to=http://example.invalid/', 'ok Probe terminated redirects, Response body: body'],
  ['/304', 'ok Probe terminated redirects, Response body:'],
  ['/loop', 'Get "http://127.0.0.1:PORT/loop": stopped after 10 redirects'],
];
for (const [path, is] of paths) {
  test(`an HTTP probe of ${path}: ${is}`, async () => {
    await using server = await listen(createServer(answer), '127.0.0.1');
    assert.equal(await attempt(http(server.port, path)), is);
  });
}

test('an HTTP probe says who it is, and what it is told to say', async () => {
  await using server = await listen(createServer(answer), '127.0.0.1');
  const headers = [
    ['Host', 'web.example'],
    ['X-A', '1'],
    ['x-a', '2'],
    ['Accept', 'text/plain'],
  ] as const;
  const body = 'ok Probe terminated redirects, Response body:';
  assert.equal(await attempt(http(server.port, '/headers')), `${body} 127.0.0.1:PORT */* kube-probe/1.34`);
  assert.equal(
    await attempt(http(server.port, '/headers', { headers })),
    `${body} web.example text/plain kube-probe/1.34 1, 2`,
  );
});

test('a hook over HTTP is content with any answer, and not with none', async () => {
  const { signal } = new AbortController();
  const agents: unknown[] = [];
  const server = createServer((request, response) => {
    agents.push(request.headers['user-agent']);
    answer(request, response);
  });
  let port: number;
  {
    await using listening = await listen(server, '127.0.0.1');
    port = listening.port;
    await callHttp(context, http(port, '/503'), signal);
  }
  assert.deepEqual(agents, ['kube-lifecycle/1.34']);
  await assert.rejects(callHttp(context, http(port, '/503'), signal), /connect: connection refused$/);
});

test('probes of an IPv6 address', async (t) => {
  const listening = await listen(createServer(answer), '::1').catch(() => undefined);
  if (listening === undefined) return t.skip('no IPv6 here');
  await using server = listening;
  const body = 'ok Probe terminated redirects, Response body:';
  assert.equal(await attempt(http(server.port, '/headers', { host: '::1' })), `${body} [::1]:PORT */* kube-probe/1.34`);
  await using grpc = await health(
    () => [{ ':status': 200 }, Buffer.from([0, 0, 0, 0, 2, 8, 1]), { 'grpc-status': '0' }],
    '::1',
  );
  assert.equal(await attempt({ kind: 'grpc', host: '::1', port: grpc.port, service: '' }), 'ok');
});

type GrpcAnswer = readonly [
  headers: Record<string, string | number>,
  message?: Buffer,
  trailers?: Record<string, string>,
];

/** A server of grpc.health.v1.Health, which is asked for `service`. */
function health(
  reply: (service: string) => GrpcAnswer | undefined,
  host: string = '127.0.0.1',
): ReturnType<typeof listen> {
  const server = createGrpcServer();
  server.on('stream', (stream: ServerHttp2Stream) => {
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('error', () => {});
    stream.on('end', () => {
      const [headers, message, trailers] = reply(Buffer.concat(chunks).subarray(7).toString()) ?? [];
      if (headers === undefined) return;
      if (message === undefined) {
        stream.respond(headers, { endStream: true });
        return;
      }
      stream.respond(headers, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers(trailers ?? {}));
      stream.end(message);
    });
  });
  return listen(server, host);
}

const status = (number: number): GrpcAnswer => [
  { ':status': 200, 'content-type': 'application/grpc' },
  Buffer.from([0, 0, 0, 0, 2, 8, number]),
  { 'grpc-status': '0' },
];
const services: Readonly<Record<string, GrpcAnswer>> = {
  up: status(1),
  down: status(2),
  missing: [{ ':status': 200, 'grpc-status': 5, 'grpc-message': 'unknown%20service' }],
  other: [{ ':status': 200, 'grpc-status': 12, 'grpc-message': 'unknown service grpc.health.v1.Health' }],
};
const calls: readonly (readonly [service: string, is: string])[] = [
  ['up', 'ok'],
  ['down', 'service unhealthy (responded with "NOT_SERVING")'],
  ['missing', 'error: health rpc probe failed: rpc error: code = NotFound desc = unknown service'],
  [
    'other',
    'error: this server does not implement the grpc health protocol (grpc.health.v1.Health): unknown service grpc.health.v1.Health',
  ],
];
for (const [service, is] of calls) {
  test(`a gRPC probe of ${service}: ${is}`, async () => {
    await using server = await health((name) => services[name]);
    assert.equal(await attempt({ kind: 'grpc', host: '127.0.0.1', port: server.port, service }), is);
  });
}

test('a probe whose time is over says what it waited for', async () => {
  const kinds = ['http', 'grpc'] as const;
  const said: string[] = [];
  for (const kind of kinds) {
    const abort = new AbortController();
    // Accepts, and says nothing once it is asked.
    const silent = createTcpServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => abort.abort(new ProbeTimeout('1s')));
    });
    await using server = await listen(silent, '127.0.0.1');
    const target = { kind, tls: false, host: '127.0.0.1', port: server.port, path: '/', headers: [], service: '' };
    said.push(await attempt(target, abort.signal));
  }
  assert.deepEqual(said, [
    'Get "http://127.0.0.1:PORT/": context deadline exceeded (Client.Timeout exceeded while awaiting headers)',
    'timeout: health rpc did not complete within 1s',
  ]);
});
