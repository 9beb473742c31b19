import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import { once } from 'node:events';
import { closeSync } from 'node:fs';
import net from 'node:net';
import test from 'node:test';
import { parseIp, type Ip } from '#base/ip.ts';
import { isolateTestFile } from './isolated-test.ts';
import { encodeSocketAddress, openConnectSocket, openListenSocket } from './listen-socket.ts';
import { createNetns, inNetns } from './namespace.ts';
import { RtnetlinkSocket } from './rtnetlink-socket.ts';

isolateTestFile();

function ip(text: string): Ip {
  const parsed = parseIp(text);
  assert.ok(parsed !== undefined);
  return parsed;
}

function loopback(): number {
  const netns = createNetns();
  using rtnetlink = inNetns(netns, () => RtnetlinkSocket.open());
  rtnetlink.setLink('lo', { up: true });
  return netns;
}

for (const address of ['127.0.0.1', '::1']) {
  test(`openListenSocket() and openConnectSocket() meet at ${address} over TCP`, async () => {
    const netns = loopback();
    const { fd, port } = inNetns(netns, () => openListenSocket({ protocol: 'tcp', address: ip(address), port: 0 }));
    const server = net.createServer((socket) => socket.end('hello'));
    server.listen({ fd });
    await once(server, 'listening');
    const client = new net.Socket({ fd: inNetns(netns, () => openConnectSocket(ip(address).family)) });
    client.setEncoding('utf8');
    client.connect({ host: address, port });
    assert.deepEqual(await once(client, 'data'), ['hello']);
    client.destroy();
    server.close();
    closeSync(netns);
  });

  test(`openListenSocket() is served by dgram at ${address}`, async () => {
    const netns = loopback();
    const options = { protocol: 'udp', address: ip(address), port: 0 } as const;
    const [first, second] = inNetns(netns, () => [openListenSocket(options), openListenSocket(options)]);
    const sockets = await Promise.all(
      [first, second].map(async ({ fd }) => {
        const socket = dgram.createSocket(address.includes(':') ? 'udp6' : 'udp4');
        const listening = once(socket, 'listening');
        socket.bind({ fd });
        await listening;
        return socket;
      }),
    );
    const received = once(sockets[0] ?? assert.fail(), 'message');
    sockets[1]?.send('hello', first.port, address);
    const [message, from] = (await received) as [Buffer, { address: string; port: number }];
    assert.deepEqual([message.toString(), from.address, from.port], ['hello', address, second.port]);
    for (const socket of sockets) socket.close();
    closeSync(netns);
  });
}

test('openListenSocket() says which address it could not have', () => {
  const netns = loopback();
  inNetns(netns, () => {
    const { fd, port } = openListenSocket({ protocol: 'udp', address: ip('127.0.0.1'), port: 0 });
    const taken = openListenSocket({ protocol: 'tcp', address: ip('127.0.0.1'), port });
    assert.equal(taken.port, port);
    assert.throws(() => openListenSocket({ protocol: 'tcp', address: ip('10.9.8.7'), port: 53 }), {
      code: 'EADDRNOTAVAIL',
      message: 'Cannot bind to tcp 10.9.8.7:53: EADDRNOTAVAIL',
    });
    assert.throws(() => openListenSocket({ protocol: 'udp', address: ip('fd00::1'), port: 53 }), {
      message: 'Cannot bind to udp [fd00::1]:53: EADDRNOTAVAIL',
    });
    closeSync(fd);
    closeSync(taken.fd);
  });
  closeSync(netns);
});

const addresses = [
  { address: '10.96.0.10', port: 53, bytes: '020000350a60000a0000000000000000' },
  { address: 'fd00::1', port: 8080, bytes: '0a001f9000000000fd00000000000000000000000000000100000000' },
];
for (const { address, port, bytes } of addresses) {
  test(`encodeSocketAddress() writes ${address}`, () => {
    assert.equal(Buffer.from(encodeSocketAddress(ip(address), port)).toString('hex'), bytes);
  });
}
