import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import { once } from 'node:events';
import { closeSync } from 'node:fs';
import test from 'node:test';
import { parseIp } from '#base/ip.ts';
import { DatagramBatch } from './datagram-batch.ts';
import { openListenSocket } from './listen-socket.ts';
import { watchReadable } from './readable.ts';

function open(host: string): { readonly fd: number; readonly port: number } {
  const address = parseIp(host);
  assert.ok(address !== undefined);
  return openListenSocket({ protocol: 'udp', address, port: 0 });
}

/** Bytes sent and what came back from where they were sent to, each datagram answered with its own bytes and who sent it. */
async function echoed(host: string, sent: readonly Buffer[], bound: string = host): Promise<readonly string[]> {
  const { fd, port } = open(bound);
  DatagramBatch.wantLocalAddress(fd);
  const batch = new DatagramBatch(fd);
  using _watching = watchReadable(fd, () => {
    const count = batch.receive();
    for (let slot = 0; slot < count; slot++) {
      const address = Buffer.from(batch.address(slot), 'latin1').toString('hex');
      batch.reply(slot, Buffer.concat([Buffer.from(`${address} `), batch.message(slot)]));
    }
    batch.flush();
  });
  const client = dgram.createSocket(host.includes(':') ? 'udp6' : 'udp4');
  try {
    const answers: string[] = [];
    for (const bytes of sent) {
      client.send(bytes, port, host);
      const [answer, from] = (await once(client, 'message', { signal: AbortSignal.timeout(10_000) })) as [
        Buffer,
        dgram.RemoteInfo,
      ];
      assert.equal(from.address, host);
      answers.push(answer.toString('latin1'));
    }
    return answers;
  } finally {
    client.close();
    batch.close();
    closeSync(fd);
  }
}

test('datagrams come and go, empty and large ones too', async () => {
  const large = Buffer.alloc(3000, 'x');
  assert.deepEqual(await echoed('127.0.0.1', [Buffer.from('a'), Buffer.alloc(0), large, Buffer.from('bc')]), [
    '7f000001 a',
    '7f000001 ',
    `7f000001 ${large.toString()}`,
    '7f000001 bc',
  ]);
});

test('bound to all addresses, answers leave from the one that was asked', async () => {
  assert.deepEqual(await echoed('127.0.0.2', [Buffer.from('a'), Buffer.from('bc')], '0.0.0.0'), [
    '7f000001 a',
    '7f000001 bc',
  ]);
});

test('over IPv6', async (t) => {
  const probe = dgram.createSocket('udp6');
  const bound = await new Promise<boolean>((resolve) => {
    probe.once('error', () => resolve(false));
    probe.bind(0, '::1', () => resolve(true));
  });
  probe.close();
  if (!bound) return t.skip('no IPv6 here');
  assert.deepEqual(await echoed('::1', [Buffer.from('a')]), [`${'0'.repeat(31)}1 a`]);
  assert.deepEqual(await echoed('::1', [Buffer.from('a')], '::'), [`${'0'.repeat(31)}1 a`]);
});

test('more than one batch, and a receiver that is gone does not hold up the others', async () => {
  const { fd, port } = open('127.0.0.1');
  const batch = new DatagramBatch(fd);
  const client = dgram.createSocket('udp4');
  const gone = dgram.createSocket('udp4');
  try {
    const seen = new Set<string>();
    client.on('message', (bytes) => seen.add(bytes.toString()));
    const send = (socket: dgram.Socket, text: string): Promise<unknown> =>
      new Promise((resolve) => socket.send(text, port, '127.0.0.1', resolve));
    await send(gone, 'gone');
    for (let i = 0; i < 100; i++) await send(client, `${i}`);
    gone.close();
    await once(gone, 'close');
    let received = 0;
    for (let count = -1; count !== 0;) {
      count = batch.receive();
      received += count;
      for (let slot = 0; slot < count; slot++) batch.reply(slot, batch.message(slot));
      batch.flush();
    }
    assert.equal(received, 101);
    while (seen.size < 100) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(
      [...seen].map(Number).toSorted((a, b) => a - b),
      Array.from({ length: 100 }, (_, i) => i),
    );
  } finally {
    client.close();
    batch.close();
    closeSync(fd);
  }
});
