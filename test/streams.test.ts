/** Long and lively streams to and from Pods on a real node: terminals that change, logs that rotate, Pods that die. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import test from 'node:test';
import { oneMode } from './testing/kubectl-steps.ts';
import { hasTmux, Terminal } from './testing/terminal.ts';
import { TestCluster } from './testing/test-cluster.ts';
import { eventually } from './testing/traffic.ts';
import { podOf, polite, workload, Workspace } from './testing/workspace.ts';

/** Says how large its terminal is, at first and when that changes, and what is typed. */
const SIZES = `import os, signal, sys
def tell(*_): print("size", *os.get_terminal_size(), flush=True)
signal.signal(signal.SIGWINCH, tell)
tell()
for line in sys.stdin: print("got", line.strip(), flush=True)
print("end of input", flush=True)
sys.exit(5)
`;

async function terminals(on: Workspace): Promise<void> {
  const asks = polite({ name: 'asks', tty: true, stdin: true, command: ['python3', '-c', SIZES] });
  await on.apply(podOf('box', { containers: [polite(), asks] }));
  await on.wait('condition=Ready', 'pod/box');
  const exec = ['exec', '-it', 'box', '-c', 'c', '--', 'python3', '-c', SIZES];
  for (const args of [exec, ['attach', '-it', 'box', '-c', 'asks']]) {
    const kubectl = [on.cluster.kubectlBinary, '-n', on.namespace, ...args];
    // A screen goes with its program, so that has to stay.
    await using terminal = await Terminal.start(on.cluster, [
      'sh',
      '-c',
      '"$@"; echo code $?; exec cat',
      'sh',
      ...kubectl,
    ]);
    await terminal.shows(/^size 150 40$/m);
    await terminal.resize(100, 30);
    await terminal.shows(/^size 100 30$/m);
    await terminal.type('hello', 'Enter');
    await terminal.shows(/^got hello$/m);
    await terminal.type('C-d');
    await terminal.shows(args === exec ? /^end of input\n[^]*^code 5$/m : /^end of input\n[^]*^code 0$/m);
  }
}

const LINES = 160_000;
/** Some 13 MiB, more than a file of the log may be. */
const CHATTY = `import sys, time
for n in range(0, ${LINES}, 1000):
    sys.stdout.write("".join("%08d %s\\n" % (i, "x" * 40) for i in range(n, n + 1000)))
    sys.stdout.flush()
    time.sleep(0.005)
print("end", flush=True)
time.sleep(1000)
`;

async function rotated(on: Workspace): Promise<void> {
  await on.apply(podOf('chatty', { containers: [polite({ command: ['python3', '-c', CHATTY] })] }));
  await on.wait('condition=Ready', 'pod/chatty');
  const child = on.start('logs', '-f', 'chatty');
  let next = 0;
  for await (const line of createInterface(child.stdout)) {
    if (line === 'end') break;
    assert.equal(Number(line.slice(0, 8)), next++, 'no line is lost or told twice');
  }
  child.kill();
  assert.equal(next, LINES);
  // The file has begun anew on the way; what is before that is there even so.
  assert.equal(
    await on.kubectl('logs', 'chatty', '--tail=2'),
    `${String(LINES - 1).padStart(8, '0')} ${'x'.repeat(40)}\nend\n`,
  );
  const tail = (await on.kubectl('logs', 'chatty', '--tail=100001')).split('\n');
  assert.equal(Number(tail[0]?.slice(0, 8)), LINES - 100_000);
}

async function selected(on: Workspace): Promise<void> {
  const say = (name: string): object =>
    polite({ name, command: ['sh', '-c', `echo from-${name}; trap exit TERM; sleep infinity & wait`] });
  await on.apply(workload('apps/v1', 'Deployment', 'web', { replicas: 3 }, { containers: [say('a'), say('b')] }));
  await on.kubectl('rollout', 'status', 'deployment/web', '--timeout=60s');
  const counts = async (...args: readonly string[]): Promise<string> => {
    const lines = (await on.kubectl('logs', '-l', 'app=web', ...args)).trim().split('\n');
    return ['from-a', 'from-b'].map((word) => lines.filter((line) => line.endsWith(word)).length).join(' ');
  };
  await eventually('all of all', '3 3', () => counts('--all-containers', '--prefix'));
  assert.equal(await counts('-c', 'b'), '0 3');
  assert.equal(await counts('--all-containers', '--since=1h', '--timestamps'), '3 3');
  const many = await on.try(['logs', '-f', '-l', 'app=web', '--all-containers', '--max-log-requests=2']);
  assert.match(many.stderr, /^error: you are attempting to follow 6 log streams, but maximum allowed concurrency is 2/);
}

const ECHO = `import socketserver
class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile: self.wfile.write(line.upper())
class Server(socketserver.ThreadingTCPServer): daemon_threads = True
Server(("127.0.0.1", 7), Handler).serve_forever()
`;

async function forwarded(on: Workspace): Promise<void> {
  const echo = polite({
    command: ['python3', '-c', ECHO],
    readinessProbe: {
      exec: { command: ['python3', '-c', 'import socket; socket.create_connection(("127.0.0.1", 7))'] },
      periodSeconds: 1,
      timeoutSeconds: 30,
    },
  });
  await on.apply(podOf('echo', { containers: [echo] }));
  await on.wait('condition=Ready', 'pod/echo');
  const child = on.start('port-forward', 'pod/echo', ':7');
  const errors = text(child.stderr);
  const end = once(child, 'exit');
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const port = Number(/^Forwarding from 127\.0\.0\.1:(\d+) -> 7\n/.exec(line.toString())?.[1]);
  const sockets = Array.from({ length: 5 }, () => connect(port, '127.0.0.1'));
  const ask = async (socket: Socket, word: string): Promise<string> => {
    const answer = once(socket, 'data') as Promise<[Buffer]>;
    socket.write(`${word}\n`);
    return (await answer)[0].toString();
  };
  // All are open at once, and none hears what another says.
  for (const round of ['one', 'two']) {
    const answers = await Promise.all(sockets.map((socket, i) => ask(socket, `${round}-${i}`)));
    assert.deepEqual(
      answers,
      sockets.map((_, i) => `${round.toUpperCase()}-${i}\n`),
    );
  }
  const closed = Promise.all(
    sockets.map((socket) =>
      once(
        socket.on('error', () => {}),
        'close',
      ),
    ),
  );
  await on.kubectl('delete', 'pod', 'echo', '--now');
  await closed;
  // kubectl notices when somebody asks the next time.
  connect(port, '127.0.0.1')
    .on('error', () => {})
    .end('x\n');
  const [code] = (await end) as [number];
  assert.equal(code, 1);
  assert.match(await errors, /error: lost connection to pod$/m);
}

async function debugged(on: Workspace): Promise<void> {
  const broken = polite({ command: ['no-such-program'] });
  await on.apply(podOf('box', { containers: [polite(), broken].map((c, i) => ({ ...c, name: `c${i}` })) }));
  await on.wait('condition=PodScheduled', 'pod/box');
  // A copy with another command in the place of what does not run, whose processes the others see.
  const copy = ['debug', 'box', '--copy-to=copy', '--container=c1', '--share-processes', '--', 'sleep', '4711'];
  await on.kubectl(...copy);
  await on.wait('condition=Ready', 'pod/copy');
  const see = 'until grep -aq 4711 /proc/[0-9]*/cmdline; do :; done; echo seen';
  assert.equal(await on.kubectl('exec', 'copy', '-c', 'c0', '--', 'sh', '-c', see), 'seen\n');
  // One that joins, as long as it is asked to, with a terminal's input.
  const done = await on.try(
    ['debug', '-i', 'copy', '--image=host', '--target=c1', '-c', 'look', '--quiet', '--', 'sh'],
    'grep -ac 4711 /proc/[0-9]*/cmdline | grep -c :1; exit\n',
  );
  assert.match(done.stdout, /^[1-9]/m, done.stderr);
  await on.until('0', '{.status.ephemeralContainerStatuses[0].state.terminated.exitCode}', 'pod', 'copy');
}

test('streams of Pods', { timeout: 200_000, concurrency: true }, async (t) => {
  const { mode } = oneMode();
  await using cluster = await TestCluster.start({ mode });
  type Story = readonly [name: string, tell: (on: Workspace) => Promise<void>, skip?: string | false];
  const stories: Readonly<Record<string, Story>> = {
    rotated: ['a log that is followed while it rotates', rotated],
    terminals: ['a terminal that changes its size', terminals, !hasTmux && 'no tmux'],
    selected: ['logs of several Pods and containers', selected],
    forwarded: ['several connections to a Pod that dies', forwarded],
    debugged: ['copies to look into, and containers that join', debugged],
  };
  await Promise.all(
    Object.entries(stories).map(([namespace, [name, story, skip = false]]) =>
      t.test(name, { skip }, async () => story(await Workspace.make(cluster, namespace))),
    ),
  );
});
