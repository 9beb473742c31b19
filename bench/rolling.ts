/**
 * What a change of many Pods takes, and what it costs those who are asking meanwhile: a Deployment grows to `PODS` Pods, then
 * every one of them is replaced while two threads ask its Service, a connection a request; in the same run the same update
 * by Recreate, which is what it would be without care. `bin/node bench/rolling.ts [PODS]`
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { deployments, pods, services } from '#api/resource.ts';
import { createClient } from '#client/api-client.ts';
import type { Client } from '#client/client.ts';
import { exec } from '#client/exec.ts';
import { httpsTransport } from '#client/https-transport.ts';
import { readConnection, type Connection } from '#client/kubeconfig.ts';

const checkout = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
const count = Number(process.argv[2] ?? 50);
const home = mkdtempSync(join(tmpdir(), 'clusterip-bench-'));
const env = { PATH: process.env['PATH'], HOME: home, NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] };
const dataDir = join(home, 'state');
const clusterip = (...args: readonly string[]): string =>
  execFileSync(join(checkout, 'bin/clusterip'), [...args, '--data-dir', dataDir], { env, encoding: 'utf8' });

const NAME = { namespace: 'default', name: 'web' };

/** Says its version; small, as there are many. */
const SERVER = `
import os, socket
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("", 80)); s.listen(128)
body = os.environ["VERSION"].encode()
while True:
    c, _ = s.accept()
    try:
        c.settimeout(5)
        c.recv(4096)
        c.sendall(b"HTTP/1.1 200 OK\\r\\nConnection: close\\r\\nContent-Length: %d\\r\\n\\r\\n%s" % (len(body), body))
    except OSError: pass
    c.close()
`;

/** Asks for at most two minutes, or until the file is there and its version has answered; prints how often each answer came. */
const LOAD = `
import collections, json, os, sys, threading, time, urllib.request
seen, end = collections.Counter(), time.monotonic() + 120
def run():
    while not (os.path.exists("/tmp/stop") and sys.argv[1] in seen) and time.monotonic() < end:
        try:
            with urllib.request.urlopen("http://web/", timeout=10) as answer: seen[answer.read().decode()] += 1
        except Exception as error: seen["failed"] += 1
threads = [threading.Thread(target=run) for _ in range(2)]
for t in threads: t.start()
for t in threads: t.join()
os.unlink("/tmp/stop")
print(json.dumps(seen))
`;

function deployment(replicas: number): object {
  return {
    metadata: NAME,
    spec: {
      replicas,
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: {
          terminationGracePeriodSeconds: 2,
          containers: [
            {
              name: 'web',
              image: 'host',
              command: ['python3', '-S', '-c', SERVER],
              env: [{ name: 'VERSION', value: 'v0' }],
              readinessProbe: { tcpSocket: { port: 80 }, periodSeconds: 1 },
              // The nodes stop sending before the program stops listening.
              lifecycle: { preStop: { sleep: { seconds: 1 } } },
            },
          ],
        },
      },
    },
  };
}

async function rolledOut(client: Client, replicas: number): Promise<void> {
  const signal = AbortSignal.timeout(180_000);
  for await (const event of client.watch(deployments, { ...NAME, fieldSelector: 'metadata.name=web', signal })) {
    if (event.type !== 'ADDED' && event.type !== 'MODIFIED') continue;
    const { metadata, status } = event.object;
    const isSeen = status?.observedGeneration === metadata.generation;
    const isDone = status?.updatedReplicas === replicas && status.replicas === replicas;
    if (isSeen && isDone && status.availableReplicas === replicas) return;
  }
}

async function running(client: Client, name: string): Promise<void> {
  const signal = AbortSignal.timeout(60_000);
  const options = { namespace: 'default', fieldSelector: `metadata.name=${name}`, signal };
  for await (const event of client.watch(pods, options)) {
    if ((event.type === 'ADDED' || event.type === 'MODIFIED') && event.object.status.phase === 'Running') return;
  }
}

const change = (client: Client, spec: object): Promise<unknown> =>
  client.patch(deployments, NAME, { kind: 'strategic', body: { spec } });

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1000;
}

interface Update {
  readonly took: number;
  readonly answered: number;
  readonly failed: number;
}

/** Every Pod is replaced while the Service is asked. */
async function update(client: Client, connection: Connection, version: string, strategy: object): Promise<Update> {
  const asker = { namespace: 'default', name: 'asker' };
  const load = exec(connection, asker, ['python3', '-c', LOAD, version]);
  const template = { spec: { containers: [{ name: 'web', env: [{ name: 'VERSION', value: version }] }] } };
  const took = await seconds(async () => {
    await change(client, { strategy, template });
    await rolledOut(client, count);
  });
  await exec(connection, asker, ['touch', '/tmp/stop']);
  const { stdout, stderr } = await load;
  if (stdout === '') throw new Error(`Cannot measure: ${stderr}`);
  const { failed = 0, ...answers } = JSON.parse(stdout) as Readonly<Record<string, number>>;
  if (answers[version] === undefined) throw new Error(`Cannot measure: nothing was answered by ${version}: ${stdout}`);
  return { took, failed, answered: Object.values(answers).reduce((sum, value) => sum + value, 0) };
}

const row = (name: string, value: string, goal: string = ''): void =>
  console.log(`${name.padEnd(44)}${value.padEnd(40)}${goal}`);
const text = ({ took, answered, failed }: Update): string =>
  `${took.toFixed(1)} s, ${answered} answers, ${failed} failed`;

try {
  clusterip('up', '--nodes=3');
  const connection = readConnection(join(dataDir, 'kubeconfig'));
  using transport = httpsTransport(connection);
  const client = createClient(transport);
  await client.create(services, { metadata: NAME, spec: { selector: { app: 'web' }, ports: [{ port: 80 }] } });
  await client.create(pods, {
    metadata: { namespace: 'default', name: 'asker' },
    spec: { containers: [{ name: 'c', image: 'host', command: ['sleep', 'infinity'] }] },
  });
  await running(client, 'asker');
  await client.create(deployments, deployment(1) as never);
  await rolledOut(client, 1);
  const grown = await seconds(async () => {
    await change(client, { replicas: count });
    await rolledOut(client, count);
  });
  row(`1 to ${count} Pods on 3 nodes, all ready`, `${grown.toFixed(1)} s`);
  const rolling = await update(client, connection, 'v1', { type: 'RollingUpdate' });
  row('rolling update under load', text(rolling), '0 failed');
  const recreate = await update(client, connection, 'v2', { type: 'Recreate', rollingUpdate: null });
  row('the same by Recreate', text(recreate), 'some failed');
  process.exitCode = rolling.failed === 0 ? 0 : 1;
} finally {
  clusterip('down', '--purge');
  rmSync(home, { recursive: true, force: true });
}
