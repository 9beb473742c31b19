import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { parseIp } from '#base/ip.ts';
import { openListenSocket } from '#netlink/listen-socket.ts';
import type { Target } from './host-port.ts';
import { carryTcp } from './tcp-carrier-server.ts';
import { UdpCarrier } from './udp-carrier-server.ts';

const LOOPBACK = parseIp('127.0.0.1') ?? assert.fail();

function bound(protocol: 'tcp' | 'udp'): { readonly fd: number; readonly port: number } {
  return openListenSocket({ protocol, address: LOOPBACK, port: 0 });
}

const fail = (error: Error): never => assert.fail(error);

/** Says its name, and all that it heard once the client has ended. */
async function backend(name: string): Promise<{ readonly target: Target; close(): void }> {
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    let heard = '';
    socket.on('data', (data: Buffer) => (heard += data.toString()));
    socket.on('end', () => socket.end(`${name} heard ${heard.length}`));
    socket.on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  return { target: { address: '127.0.0.1', port }, close: () => server.close() };
}

async function ask(port: number, words: string): Promise<string> {
  const socket = net.connect({ host: '127.0.0.1', port, allowHalfOpen: true });
  socket.end(words);
  let answer = '';
  socket.on('data', (data: Buffer) => (answer += data.toString()));
  const failed = new Promise<string>((resolve) => {
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
  return Promise.race([failed, once(socket, 'close').then(() => answer)]);
}

test('carryTcp() passes bytes and each end of data on, to one target after the other', async () => {
  const [a, b] = await Promise.all([backend('a'), backend('b')]);
  const { fd, port } = bound('tcp');
  const carrier = carryTcp(fd, [a.target, b.target], fail);
  assert.deepEqual([await ask(port, 'x'), await ask(port, 'x'.repeat(1_000_000))], ['a heard 1', 'b heard 1000000']);
  a.close();
  assert.equal(await ask(port, 'x'), 'ECONNRESET', 'a target that refuses');
  carrier.aim([b.target]);
  assert.equal(await ask(port, 'x'), 'b heard 1');
  carrier.aim([]);
  assert.equal(await ask(port, 'x'), 'ECONNRESET', 'no target at all');
  carrier.close();
  assert.equal(await ask(port, 'x'), 'ECONNREFUSED');
  b.close();
});

test('UdpCarrier brings each client its own answers', async () => {
  const server = dgram.createSocket('udp4');
  server.on('message', (data, from) => server.send(`${data.toString()} at ${from.port}`, from.port, from.address));
  server.bind(0, '127.0.0.1');
  await once(server, 'listening');
  const { fd, port } = bound('udp');
  const carrier = new UdpCarrier([{ address: '127.0.0.1', port: server.address().port }], systemClock);
  carrier.open(fd, 4, fail);
  const clients = [dgram.createSocket('udp4'), dgram.createSocket('udp4')];
  const inner: string[] = [];
  for (const [i, client] of clients.entries()) {
    for (const word of ['one', 'two']) {
      const answered = once(client, 'message');
      client.send(`${word} of ${i}`, port, '127.0.0.1');
      const [answer] = (await answered) as [Buffer];
      assert.ok(answer.toString().startsWith(`${word} of ${i} at `), answer.toString());
      inner.push(answer.toString().replace(/.* at /, ''));
    }
  }
  assert.equal(inner[0], inner[1], 'a client is one client inside, too');
  assert.notEqual(inner[1], inner[2]);
  for (const client of clients) client.close();
  carrier.close();
  server.close();
});
