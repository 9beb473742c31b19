import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import test from 'node:test';
import { systemClock } from '#base/clock.ts';
import { errorMessage } from '#base/errors.ts';
import { silentLog } from '#base/log.ts';
import { parseCorefile } from './corefile/corefile.ts';
import { readServers } from './corefile/servers.ts';
import type { ServerConfig } from './corefile/server-config.ts';
import { DnsAgent } from './dns-agent.ts';
import { queryBytes, responseText } from './testing/ask.ts';

function dnsAgent(): DnsAgent {
  return new DnsAgent({
    connection: () => assert.fail('there is no cluster'),
    version: '1',
    clock: systemClock,
    log: silentLog,
    print: () => {},
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** Says `address` of every name, with probes on a port of its own, which takes a while to open. */
function saying(port: number, monitor: number, address: string): readonly ServerConfig[] {
  const text = `.:${port} {
    bind 127.0.0.1
    health 127.0.0.1:${monitor}
    template IN A {
      answer "{{ .Name }} 5 IN A ${address}"
    }
  }`;
  return readServers(parseCorefile({ file: 'Corefile', text }));
}

async function askPort(port: number): Promise<string> {
  const socket = createSocket('udp4');
  try {
    socket.connect(port, '127.0.0.1');
    await once(socket, 'connect');
    socket.send(queryBytes('a.test'));
    const [answer] = (await once(socket, 'message', { signal: AbortSignal.timeout(5000) })) as [Buffer];
    return responseText(answer);
  } catch (error) {
    return errorMessage(error).replace(/^.*(ECONNREFUSED).*$/, '$1');
  } finally {
    socket.close();
  }
}

test('configurations that come at the same time take effect one after the other', async () => {
  const agent = dnsAgent();
  const [one, two, ...monitors] = [await freePort(), await freePort(), await freePort(), await freePort()];
  const [first = 0, second = 0] = monitors;
  try {
    await Promise.all([
      agent.apply(saying(one, first, '192.0.2.1')),
      agent.apply(saying(two, second, '192.0.2.2')),
      agent.apply(saying(two, first, '192.0.2.3')),
    ]);
    assert.equal(await askPort(two), 'NOERROR | a.test A 192.0.2.3');
    assert.equal(await askPort(one), 'ECONNREFUSED');
    assert.equal((await fetch(`http://127.0.0.1:${first}/health`)).status, 200);
    await assert.rejects(fetch(`http://127.0.0.1:${second}/health`));
  } finally {
    await agent.leave();
  }
});

test('one that cannot be followed changes nothing, and says which file is not there', async () => {
  const agent = dnsAgent();
  const [port, monitor] = [await freePort(), await freePort()];
  try {
    await agent.apply(saying(port, monitor, '192.0.2.1'));
    const missing = readServers(
      parseCorefile({ file: 'Corefile', text: `.:${port} {\n forward . /none/resolv.conf\n}` }),
    );
    await assert.rejects(agent.apply(missing), /^CodedError: Cannot read "\/none\/resolv.conf": ENOENT/);
    assert.equal(await askPort(port), 'NOERROR | a.test A 192.0.2.1');
  } finally {
    await agent.leave();
  }
});
