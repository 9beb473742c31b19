import assert from 'node:assert/strict';
import test from 'node:test';
import { isolateTestFile } from './isolated-test.ts';
import { MessageEncoder } from './encoder.ts';
import {
  decodeLink,
  encodeCreateBridge,
  encodeDeleteLink,
  encodeListLinks,
  encodeSetLink,
  RTNLGRP_LINK,
} from './link.ts';
import { decodeRoute, encodeAddRoute, encodeListRoutes } from './route.ts';
import { NETLINK_ROUTE, NetlinkSocket } from './socket.ts';

isolateTestFile();

function encode(write: (encoder: MessageEncoder) => void): Uint8Array {
  const encoder = new MessageEncoder();
  write(encoder);
  return encoder.finish();
}

test('requestSync() collects a dump of many datagrams', () => {
  using socket = NetlinkSocket.open({ protocol: NETLINK_ROUTE });
  const destinations = Array.from({ length: 2000 }, (_, i) => ({
    family: 4 as const,
    base: 0x0a000000n + BigInt(i),
    prefix: 32,
  }));
  // Where net.core.rmem_max is the kernel's own, an ordinary user's socket has no room for more answers at once.
  for (let start = 0; start < destinations.length; start += 200) {
    const batch = destinations.slice(start, start + 200);
    socket.requestSync(
      encode((e) => batch.forEach((destination) => encodeAddRoute(e, { destination, type: 'blackhole' }))),
    );
  }
  const routes = socket.requestSync(encode((e) => encodeListRoutes(e, 4)));
  assert.deepEqual(
    routes.map(({ payload }) => decodeRoute(payload)?.destination),
    destinations,
  );
});

test('requestSync() throws the first error and leaves nothing for the next request', () => {
  using socket = NetlinkSocket.open({ protocol: NETLINK_ROUTE });
  const requests = encode((e) => ['none1', 'none2'].forEach((name) => encodeDeleteLink(e, name)));
  assert.throws(() => socket.requestSync(requests, 'delete them'), {
    name: 'NetlinkError',
    code: 'ENODEV',
    sequence: 1,
    message: 'Cannot delete them: ENODEV',
  });
  assert.equal(socket.requestSync(encode(encodeListLinks)).length, 1);
});

test('batchSync() returns every error with the number of its message', () => {
  using socket = NetlinkSocket.open({ protocol: NETLINK_ROUTE });
  const { messages, errors } = socket.batchSync(
    encode((e) => {
      encodeDeleteLink(e, 'none1');
      encodeCreateBridge(e, { name: 'made0' });
      encodeDeleteLink(e, 'none2');
      encodeDeleteLink(e, 'made0');
    }),
  );
  assert.deepEqual(messages, []);
  assert.deepEqual(
    errors.map(({ code, sequence }) => `${sequence} ${code}`),
    ['1 ENODEV', '3 ENODEV'],
  );
});

test('a batch larger than the send buffer is EMSGSIZE', () => {
  using socket = NetlinkSocket.open({ protocol: NETLINK_ROUTE, sendBuffer: 4096 });
  const requests = encode((e) => {
    for (let i = 0; i < 1000; i++) encodeDeleteLink(e, 'none');
  });
  assert.ok(requests.length > socket.sendLimit);
  assert.throws(() => socket.batchSync(requests), { code: 'EMSGSIZE', message: 'Cannot send 44000 bytes: EMSGSIZE' });
  const few = requests.subarray(0, Math.floor(socket.sendLimit / 44) * 44);
  assert.equal(socket.batchSync(few).errors.length, few.length / 44);
});

test('receiveSync() reads notifications, and says when some were lost', () => {
  using watcher = NetlinkSocket.open({ protocol: NETLINK_ROUTE, groups: [RTNLGRP_LINK], receiveBuffer: 1 });
  using socket = NetlinkSocket.open({ protocol: NETLINK_ROUTE });
  assert.deepEqual(watcher.receiveSync(), []);
  const change = (mtu: number): unknown => socket.requestSync(encode((e) => encodeSetLink(e, 'lo', { mtu })));
  for (let mtu = 1500; mtu < 1600; mtu++) change(mtu);
  assert.throws(() => watcher.receiveSync(), {
    code: 'ENOBUFS',
    message: 'Cannot receive from netlink, messages were lost: ENOBUFS',
  });
  assert.deepEqual(watcher.receiveSync(), []);
  change(1400);
  assert.equal(watcher.receiveSync().map(({ payload }) => decodeLink(payload).mtu)[0], 1400);
});

test('a closed socket says so', () => {
  const socket = NetlinkSocket.open({ protocol: NETLINK_ROUTE });
  socket.close();
  socket.close();
  assert.throws(() => socket.requestSync(encode(encodeListLinks)), {
    code: 'ERR_NETLINK_CLOSED',
    message: 'Cannot send netlink request: the socket is closed',
  });
});
