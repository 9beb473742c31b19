import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { decode } from 'dns-packet';
import { queryBytes, responseText } from '../../src/dns/testing/ask.ts';
import { clusterip, prefix } from './mode.ts';
import type { TestCluster } from './test-cluster.ts';

/** `clusterip dns` as its users run it, on the cluster of a test. */
export class DnsProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly exited: Promise<number | null>;
  output: string = '';

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.exited = once(child, 'exit').then(([code]) => code as number | null);
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (text) => (this.output += String(text)));
  }

  static async start(cluster: TestCluster, ...args: readonly string[]): Promise<DnsProcess> {
    const [program = '', ...rest] = [...prefix(cluster.mode), clusterip, 'dns', ...args];
    const child = spawn(program, rest, { env: cluster.home.env(), stdio: ['ignore', 'pipe', 'pipe'] });
    const process = new DnsProcess(child);
    const patience = AbortSignal.timeout(60_000);
    while (!process.output.includes('cluster is known')) {
      assert.ok(!patience.aborted, `the cluster is not known after a minute: ${process.output}`);
      await Promise.race([once(child.stderr, 'data', { signal: patience }).catch(() => {}), process.exited]);
      assert.equal(child.exitCode, null, process.output);
    }
    return process;
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.exited;
  }
}

/** `NAME TYPE` over UDP to a port of the loopback, as text; `silence` after a second. */
export async function askPort(port: number, question: string): Promise<string> {
  const [name = '', type = 'A'] = question.split(' ');
  const socket = createSocket('udp4');
  try {
    const answer = new Promise<Buffer>((resolve) => socket.once('message', resolve));
    const late = new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), 1000).unref());
    socket.on('error', () => {});
    socket.send(queryBytes(name, type), port, '127.0.0.1');
    const bytes = await Promise.race([answer, late]);
    if (bytes === undefined) return 'silence';
    assert.equal(decode(bytes).id, 7);
    return responseText(bytes);
  } finally {
    socket.close();
  }
}

/** A port that is free over UDP and was a moment ago. */
export async function freePort(): Promise<number> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  return port;
}
