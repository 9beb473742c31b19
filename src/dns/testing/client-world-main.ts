/**
 * Runs programs that ask DNS the way all programs do, in a network of their own where we are the name server. Started by
 * `clients.test.ts` inside new user, network and mount namespaces; its argument is the list of commands.
 */
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { systemClock } from '#base/clock.ts';
import { silentLog } from '#base/log.ts';
import { startDnsServer } from '../dns-server.ts';
import { testZone } from './cluster.ts';
import { testResolver } from './resolver.ts';

const RESOLV_CONF = `nameserver 127.0.0.1
search ns.svc.cluster.local svc.cluster.local cluster.local
options ndots:5 timeout:1 attempts:2
`;

const directory = mkdtempSync(join(tmpdir(), 'dns-clients-'));
try {
  const files = { 'resolv.conf': RESOLV_CONF, hosts: '127.0.0.1 localhost\n', 'nsswitch.conf': 'hosts: files dns\n' };
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(directory, name), text);
    execFileSync('sh', ['-c', 'mount --bind "$0" "$1"', join(directory, name), `/etc/${name}`]);
  }
  execFileSync('ip', ['link', 'set', 'lo', 'up']);
  const listen = { host: '127.0.0.1', port: 53 };
  const server = startDnsServer({ resolve: testResolver(testZone()), listen, clock: systemClock, log: silentLog });
  await server.ready;
  const commands = JSON.parse(process.argv[2] ?? '[]') as string[][];
  const outputs = [];
  for (const [command = '', ...args] of commands) {
    outputs.push(
      await new Promise<string>((resolve) => {
        execFile(command, args, { timeout: 20_000 }, (_error, stdout) => resolve(stdout));
      }),
    );
  }
  server.close();
  process.stdout.write(JSON.stringify(outputs));
} finally {
  rmSync(directory, { recursive: true });
}
