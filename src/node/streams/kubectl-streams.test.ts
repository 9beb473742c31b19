/**
 * Real kubectls against the node's server: exec, attach, logs and port-forward, over WebSocket or SPDY as each version does
 * it. Further kubectls are named in CLUSTERIP_TEST_KUBECTLS, paths with colons between.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { accessSync, constants, readdirSync, realpathSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { StreamServer } from './stream-server.ts';
import { hostContainer } from './testing/host-runtime.ts';
import { StubApi } from './testing/stub-api.ts';

interface Outcome {
  readonly stdout: Buffer;
  readonly stderr: string;
  readonly code: number;
}

/** All that a stream has said so far. */
class Transcript {
  #text = '';
  #check: (() => void) | undefined;

  constructor(stream: Readable) {
    stream.on('data', (chunk: Buffer) => {
      this.#text += chunk.toString();
      this.#check?.();
    });
  }

  /** Resolves when the transcript is `text`; a test that never gets there fails by its time limit. */
  async shows(text: string): Promise<void> {
    while (this.#text !== text) {
      await new Promise<void>((resolve) => {
        this.#check = resolve;
      });
    }
  }
}

/** `kubectl` and every `kubectl.1.N` on PATH and among the clients of the tests, each once, and those that the variable names. */
function kubectls(): string[] {
  const clients = fileURLToPath(new URL('../../../test/clients/bin', import.meta.url));
  const dirs = [...(process.env['PATH'] ?? '').split(':'), clients];
  const found = dirs.flatMap((dir) => {
    try {
      return readdirSync(dir)
        .filter((name) => /^kubectl(\.1\.\d+)?$/.test(name))
        .map((name) => join(dir, name));
    } catch {
      return [];
    }
  });
  const named = (process.env['CLUSTERIP_TEST_KUBECTLS'] ?? '').split(':').filter((path) => path !== '');
  const real = [...named, ...found].flatMap((path) => {
    try {
      accessSync(path, constants.X_OK);
      return [[realpathSync(path), path] as const];
    } catch {
      return [];
    }
  });
  return [...new Map(real.reverse()).values()].reverse();
}

const binaries = kubectls();

for (const kubectl of binaries.length === 0 ? ['kubectl'] : binaries) {
  test(`${kubectl} streams`, { skip: binaries.length === 0 && 'no kubectl on PATH' }, async (t) => {
    const dir = await mkdtemp(join(tmpdir(), 'streams-'));
    const container = hostContainer(join(dir, 'log'));
    await using node = new StreamServer({ runtime: container.runtime });
    await node.listen(join(dir, 'node.sock'));
    await using api = await StubApi.start(join(dir, 'node.sock'));
    t.after(() => rm(dir, { recursive: true }));
    const env = { PATH: process.env['PATH'], HOME: dir, KUBECONFIG: '' };

    const start = (...args: string[]): ChildProcess => spawn(kubectl, ['--server', api.url, ...args], { env });
    const finish = async (child: ChildProcess, input?: Buffer): Promise<Outcome> => {
      const exit = once(child, 'exit') as Promise<[number | null]>;
      child.stdin?.on('error', () => {});
      child.stdin?.end(input);
      const [stdout, stderr, [code]] = await Promise.all([buffer(child.stdout!), text(child.stderr!), exit]);
      return { stdout, stderr, code: code ?? -1 };
    };
    const call = (...args: string[]): Promise<Outcome> => finish(start(...args));

    await t.test('exec keeps stdout and stderr apart and brings the exit code', async () => {
      const { stdout, stderr, code } = await call('exec', 'web', '--', 'sh', '-c', 'echo out; echo err >&2; exit 7');
      assert.equal(stdout.toString(), 'out\n');
      assert.equal(stderr, 'err\ncommand terminated with exit code 7\n');
      assert.equal(code, 7);
    });

    await t.test('exec passes 1 MB of binary stdin through and back', async () => {
      const bytes = randomBytes(1024 * 1024);
      const { stdout, code } = await finish(start('exec', '-i', 'web', '--', 'cat'), bytes);
      assert.equal(code, 0);
      assert.ok(stdout.equals(bytes), `${stdout.length} bytes came back`);
    });

    await t.test('exec ends when the process does not read its input', async () => {
      const { stdout, code } = await finish(start('exec', '-i', 'web', '--', 'echo', 'done'), randomBytes(4 << 20));
      assert.equal(stdout.toString(), 'done\n');
      assert.equal(code, 0);
    });

    await t.test('exec ends with its process though a child holds the output open', async () => {
      const { stdout, code } = await call('exec', 'web', '--', 'sh', '-c', 'sleep 5 & echo here');
      assert.equal(stdout.toString(), 'here\n');
      assert.equal(code, 0);
    });

    await t.test('exec brings all of a large output', async () => {
      const { stdout, code } = await call('exec', 'web', '--', 'sh', '-c', 'head -c 20000000 /dev/zero');
      assert.equal(stdout.length, 20_000_000);
      assert.equal(code, 0);
    });

    await t.test('exec of a command that is not there says so', async () => {
      const { stderr, code } = await call('exec', 'web', '--', 'missing');
      assert.match(
        stderr,
        /Internal error occurred: error executing command in container: exec: "missing": executable/,
      );
      assert.equal(code, 1);
    });

    await t.test('exec in a container that is not there says so', async () => {
      const { stderr, code } = await call('exec', 'web', '-c', 'other', '--', 'true');
      assert.match(stderr, /container (not found \("other"\)|other is not valid for pod web|other not found in pod)/);
      assert.equal(code, 1);
    });

    const noScript = spawnSync('script', ['--version']).error !== undefined && 'no script(1) to make a terminal with';
    await t.test('exec with a terminal', { skip: noScript }, async () => {
      const line = `'${kubectl}' --server ${api.url} exec -it web -- tty`;
      const { stdout, code } = await finish(spawn('script', ['-qec', line, '/dev/null'], { env }));
      assert.match(stdout.toString(), /\/dev\/pts\/\d+\r\n/);
      assert.equal(code, 0);
    });

    await t.test('port-forward carries connections and tells of a closed port', async () => {
      const echo = createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1');
      await once(echo, 'listening');
      const { port } = echo.address() as AddressInfo;
      const child = start('port-forward', 'pod/web', `:${port}`);
      try {
        const [line] = (await once(child.stdout!, 'data')) as [Buffer];
        const local = Number(/127\.0\.0\.1:(\d+)/.exec(line.toString())?.[1]);
        const bytes = randomBytes(300_000);
        const exchange = async (): Promise<Buffer> => {
          const client = connect(local, '127.0.0.1');
          client.end(bytes);
          return buffer(client);
        };
        const answers = await Promise.all([exchange(), exchange(), exchange()]);
        for (const answer of answers) assert.ok(answer.equals(bytes), `${answer.length} bytes came back`);
        echo.close();
        const complaint = once(child.stderr!, 'data') as Promise<[Buffer]>;
        await exchange().catch(() => {});
        assert.match(String((await complaint)[0]), new RegExp(`error forwarding port ${port} to pod web`));
      } finally {
        child.kill('SIGKILL');
        echo.close();
      }
    });

    await t.test('logs', async () => {
      container.print('stdout', 'first');
      container.print('stderr', 'second');
      assert.equal((await call('logs', 'web')).stdout.toString(), 'first\nsecond\n');
      assert.equal((await call('logs', 'web', '--tail=1')).stdout.toString(), 'second\n');
      const stamped = '2026-01-01T00:00:01.000000000Z second\n';
      assert.equal((await call('logs', 'web', '--tail=1', '--timestamps')).stdout.toString(), stamped);
      const { stderr } = await call('logs', 'web', '--previous');
      assert.match(stderr, /previous terminated container "main" in pod "web" not found/);
    });

    await t.test('attach brings output from now on and carries input; logs -f goes on to the end', async () => {
      const logs = start('logs', '-f', '--tail=1', 'web');
      const followed = new Transcript(logs.stdout!);
      await followed.shows('second\n');
      const attach = start('attach', '-i', 'web');
      const attached = new Transcript(attach.stdout!);
      const typed = new Transcript(container.stdin);
      attach.stdin?.write('typed\n');
      await typed.shows('typed\n');
      container.print('stdout', 'third');
      await attached.shows('third\n');
      await followed.shows('second\nthird\n');
      const ends = [once(attach, 'exit'), once(logs, 'exit')];
      container.exit({ code: 0, signal: undefined });
      assert.deepEqual(await Promise.all(ends), [
        [0, null],
        [0, null],
      ]);
    });
  });
}
