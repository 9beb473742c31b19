/** The channel protocols by hand, as clients other than kubectl speak them. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { WebSocket } from 'ws';
import { StreamServer } from './stream-server.ts';
import { hostContainer, type HostContainer } from './testing/host-runtime.ts';

interface Fixture {
  readonly socketPath: string;
  readonly container: HostContainer;
  readonly open: (path: string, ...protocols: string[]) => WebSocket;
}

async function fixture(t: TestContext): Promise<Fixture> {
  const dir = await mkdtemp(join(tmpdir(), 'websocket-'));
  const container = hostContainer(join(dir, 'log'));
  const server = new StreamServer({ runtime: container.runtime });
  await server.listen(join(dir, 's'));
  t.after(async () => {
    await server.close();
    await rm(dir, { recursive: true });
  });
  const socketPath = join(dir, 's');
  return {
    container,
    socketPath,
    open: (path, ...protocols) => new WebSocket(`ws+unix:${join(dir, 's')}:${path}`, protocols),
  };
}

/** Every message until the close, as `channel text`; messages of one channel in a row are joined. */
async function transcript(socket: WebSocket): Promise<string[]> {
  const lines: { channel: number; text: string }[] = [];
  socket.on('message', (data: Buffer) => {
    const channel = data[0] ?? -1;
    const last = lines.at(-1);
    if (last?.channel === channel) last.text += data.subarray(1).toString();
    else lines.push({ channel, text: data.subarray(1).toString() });
  });
  const [code] = (await once(socket, 'close')) as [number];
  return [...lines.map(({ channel, text }) => `${channel} ${text}`), `closed ${code}`];
}

const SUCCESS = '3 {"apiVersion":"v1","kind":"Status","metadata":{},"status":"Success","code":0}';

test('v4: output, outcome, close', async (t) => {
  const { open } = await fixture(t);
  const socket = open('/exec/default/web/main?command=echo&command=hi&output=1', 'v4.channel.k8s.io');
  assert.deepEqual(await transcript(socket), ['1 hi\n', SUCCESS, 'closed 1000']);
  assert.equal(socket.protocol, 'v4.channel.k8s.io');
});

test('v5 goes before v4, and can close stdin', async (t) => {
  const { open } = await fixture(t);
  const socket = open('/exec/default/web/main?command=cat&input=1&output=1', 'v4.channel.k8s.io', 'v5.channel.k8s.io');
  const lines = transcript(socket);
  await once(socket, 'open');
  assert.equal(socket.protocol, 'v5.channel.k8s.io');
  socket.send(Buffer.from('\0typed'));
  socket.send(Buffer.from([255, 0]));
  assert.deepEqual(await lines, ['1 typed', SUCCESS, 'closed 1000']);
});

test('an exit code is a cause of the outcome', async (t) => {
  const { open } = await fixture(t);
  const lines = await transcript(
    open('/exec/default/web/main?command=sh&command=-c&command=exit+3&error=1', 'v4.channel.k8s.io'),
  );
  assert.deepEqual(lines, [
    '3 {"apiVersion":"v1","kind":"Status","metadata":{},"status":"Failure","message":"command terminated with non-zero exit code: exit status 3","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"3"}]},"code":0}',
    'closed 1000',
  ]);
});

for (const [protocol, sent, lines] of [
  ['', Buffer.from('\0hello\n'), ['1 hello\n', '3 command terminated with non-zero exit code: exit status 3']],
  [
    'channel.k8s.io',
    Buffer.from('\0hello\n'),
    ['1 hello\n', '3 command terminated with non-zero exit code: exit status 3'],
  ],
  [
    'base64.channel.k8s.io',
    '0aGVsbG8K',
    [
      '49 aGVsbG8K',
      `51 ${Buffer.from('command terminated with non-zero exit code: exit status 3').toString('base64')}`,
    ],
  ],
] as const) {
  test(`${protocol || 'no protocol'}: as clients of browsers speak`, async (t) => {
    const { open } = await fixture(t);
    const path = '/exec/default/web/main?command=sh&command=-c&command=head+-n+1;exit+3&input=1&output=1';
    const socket = open(path, ...(protocol === '' ? [] : [protocol]));
    const seen = transcript(socket);
    await once(socket, 'open');
    assert.equal(socket.protocol, protocol);
    socket.send(sent);
    assert.deepEqual(await seen, [...lines, 'closed 1000']);
  });
}

test('a client that goes away takes the streams of its process with it', async (t) => {
  const { open } = await fixture(t);
  // Ends by itself only when its input does.
  const socket = open(
    '/exec/default/web/main?command=sh&command=-c&command=echo+up;+cat;+echo+down&input=1&output=1',
    'v5.channel.k8s.io',
  );
  await once(socket, 'message');
  socket.terminate();
  await once(socket, 'close');
});

test('unknown subprotocols and containers are refused before the upgrade', async (t) => {
  const { open } = await fixture(t);
  for (const [path, protocol, message] of [
    ['/exec/default/web/main?command=true', 'v1.channel.k8s.io', 'Unexpected server response: 400'],
    ['/exec/default/web/other?command=true', 'v5.channel.k8s.io', 'Unexpected server response: 404'],
    ['/nothing', 'v5.channel.k8s.io', 'Unexpected server response: 404'],
  ] as const) {
    const [error] = (await once(open(path, protocol), 'error').catch((cause: unknown) => [cause])) as [Error];
    assert.equal(error.message, message);
  }
});

for (const [protocol, whole] of [
  ['', 'one\ntwo\n'],
  ['binary.k8s.io', 'one\ntwo\n'],
  ['base64.binary.k8s.io', Buffer.from('one\ntwo\n').toString('base64')],
] as const) {
  test(`a log with ${protocol || 'no protocol'}`, async (t) => {
    const { open, container } = await fixture(t);
    container.print('stdout', 'one');
    container.print('stderr', 'two');
    const socket = open('/containerLogs/default/web/main', ...(protocol === '' ? [] : [protocol]));
    const messages: string[] = [];
    socket.on('message', (data: Buffer) => void messages.push(data.toString()));
    const [code] = (await once(socket, 'close')) as [number];
    assert.equal(messages[0], '');
    assert.deepEqual([socket.protocol, messages.join(''), code], [protocol, whole, 1000]);
  });
}

test('port-forward over v4 channels', async (t) => {
  const { open } = await fixture(t);
  const echo = createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1');
  await once(echo, 'listening');
  t.after(() => echo.close());
  const { port } = echo.address() as AddressInfo;
  const socket = open(`/portForward/default/web?port=${port}&port=1`, 'v4.channel.k8s.io');
  const channels = new Map<number, Buffer>();
  const done = Promise.withResolvers<void>();
  socket.on('message', (data: Buffer) => {
    const channel = data[0] ?? -1;
    channels.set(channel, Buffer.concat([channels.get(channel) ?? Buffer.alloc(0), data.subarray(1)]));
    if (channels.get(0)?.length === 7 && (channels.get(3)?.length ?? 0) > 2) done.resolve();
  });
  await once(socket, 'open');
  socket.send(Buffer.from('\0hello'));
  await done.promise;
  socket.close();
  const greeting = Buffer.alloc(2);
  greeting.writeUInt16LE(port);
  assert.deepEqual(channels.get(0), Buffer.concat([greeting, Buffer.from('hello')]));
  assert.deepEqual(channels.get(1), greeting);
  assert.deepEqual(channels.get(2), Buffer.from([1, 0]));
  assert.match(channels.get(3)?.subarray(2).toString() ?? '', /^error forwarding port 1 to pod web, .*ECONNREFUSED/);
});

test('port-forward ends when all that is forwarded has ended', async (t) => {
  const { open } = await fixture(t);
  const farewell = createServer((socket) => socket.end('bye')).listen(0, '127.0.0.1');
  await once(farewell, 'listening');
  t.after(() => farewell.close());
  const { port } = farewell.address() as AddressInfo;
  const lines = await transcript(open(`/portForward/default/web?port=${port}&port=1`, 'v4.channel.k8s.io'));
  assert.equal(lines.at(-1), 'closed 1000');
  assert.ok(lines.some((line) => line.startsWith('0 ') && line.endsWith('bye')));
});

test('the protocol of port-forward through WebSockets has a name that no token may have', async (t) => {
  const { socketPath } = await fixture(t);
  const protocol = 'SPDY/3.1+portforward.k8s.io';
  const request = httpRequest({
    socketPath,
    path: '/portForward/default/web',
    headers: {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'MDEyMzQ1Njc4OWFiY2RlZg==',
      'sec-websocket-protocol': protocol,
    },
  });
  request.end();
  request.on('response', ({ statusCode }) => assert.fail(`refused with ${statusCode}`));
  const [response, socket] = (await once(request, 'upgrade')) as [IncomingMessage, Duplex];
  assert.deepEqual([response.statusCode, response.headers['sec-websocket-protocol']], [101, protocol]);
  socket.destroy();
});
