import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import test from 'node:test';
import { systemClock } from '#base/clock.ts';
import { errorMessage } from '#base/errors.ts';
import { silentLog } from '#base/log.ts';
import { isolateTestFile } from '#netlink/isolated-test.ts';
import { RtnetlinkSocket } from '#netlink/rtnetlink-socket.ts';
import { parseCorefile } from './corefile/corefile.ts';
import { readServers } from './corefile/servers.ts';
import type { ServerConfig } from './corefile/server-config.ts';
import { DnsAgent } from './dns-agent.ts';
import { queryBytes, responseText } from './testing/ask.ts';

isolateTestFile();
{
  using rtnetlink = RtnetlinkSocket.open();
  rtnetlink.setLink('lo', { up: true });
}

/** In a namespace of our own all are free. */
const [ONE, TWO, FIRST_MONITOR, SECOND_MONITOR] = [5301, 5302, 8081, 8082];

function dnsAgent(): DnsAgent {
  return new DnsAgent({
    connection: () => assert.fail('there is no cluster'),
    version: '1',
    clock: systemClock,
    log: silentLog,
    print: () => {},
  });
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
  try {
    await Promise.all([
      agent.apply(saying(ONE, FIRST_MONITOR, '192.0.2.1')),
      agent.apply(saying(TWO, SECOND_MONITOR, '192.0.2.2')),
      agent.apply(saying(TWO, FIRST_MONITOR, '192.0.2.3')),
    ]);
    assert.equal(await askPort(TWO), 'NOERROR | a.test A 192.0.2.3');
    assert.equal(await askPort(ONE), 'ECONNREFUSED');
    assert.equal((await fetch(`http://127.0.0.1:${FIRST_MONITOR}/health`)).status, 200);
    await assert.rejects(fetch(`http://127.0.0.1:${SECOND_MONITOR}/health`));
  } finally {
    await agent.leave();
  }
});

test('one that cannot be followed changes nothing, and says which file is not there', async () => {
  const agent = dnsAgent();
  try {
    await agent.apply(saying(ONE, FIRST_MONITOR, '192.0.2.1'));
    const missing = readServers(
      parseCorefile({ file: 'Corefile', text: `.:${ONE} {\n forward . /none/resolv.conf\n}` }),
    );
    await assert.rejects(agent.apply(missing), /^CodedError: Cannot read "\/none\/resolv.conf": ENOENT/);
    assert.equal(await askPort(ONE), 'NOERROR | a.test A 192.0.2.1');
  } finally {
    await agent.leave();
  }
});
