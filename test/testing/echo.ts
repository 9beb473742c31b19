import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import { once } from 'node:events';
import net from 'node:net';
import type { TestCluster } from './test-cluster.ts';

/**
 * A Pod's program that answers on `tcp/80`, `udp/80`, ... of both families: a connection gets `<host name> <client>`, a
 * datagram the same.
 */
const SERVER = `
import ipaddress, os, socket, sys, threading
name = os.environ.get("NAME") or socket.gethostname()
def plain(peer):
    address = ipaddress.ip_address(peer.split("%")[0])
    return str(address.ipv4_mapped or address)
def serve(protocol, port):
    kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
    s = socket.socket(socket.AF_INET6, kind)
    if kind == socket.SOCK_STREAM: s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("::", port))
    if kind == socket.SOCK_STREAM: s.listen(128)
    while True:
        if kind == socket.SOCK_STREAM:
            c, peer = s.accept()
            try:
                c.sendall(f"{name} {plain(peer[0])}\\n".encode())
                c.shutdown(socket.SHUT_WR)
            except OSError: pass
            threading.Thread(target=lambda c: (c.recv(1), c.close()), args=(c,), daemon=True).start()
        else:
            data, peer = s.recvfrom(2048)
            s.sendto(f"{name} {plain(peer[0])}\\n".encode(), peer)
for what in sys.argv[1:]:
    protocol, port = what.split("/")
    threading.Thread(target=serve, args=(protocol, int(port)), daemon=True).start()
threading.Event().wait()
`;

/** Asks each \`tcp host port\`, \`udp host port\` of its input, \`name\` looks one up; prints a line of answer each. */
const PROBE = `
import json, socket, sys
def ask(what):
    kind, host, *rest = what.split()
    try:
        if kind == "name":
            family = {"4": socket.AF_INET, "6": socket.AF_INET6}[rest[0]]
            return " ".join(sorted({a[4][0] for a in socket.getaddrinfo(host, None, family, socket.SOCK_STREAM)}))
        port = int(rest[0])
        seconds = float(rest[1]) if len(rest) > 1 else 5
        if kind == "tcp":
            with socket.create_connection((host, port), seconds) as s:
                s.settimeout(seconds)
                return s.makefile().readline().strip() or "closed"
        address = socket.getaddrinfo(host, port, 0, socket.SOCK_DGRAM)[0]
        with socket.socket(address[0], socket.SOCK_DGRAM) as s:
            s.settimeout(seconds)
            s.connect(address[4])
            s.send(b"who")
            return s.recv(2048).decode().strip()
    except ConnectionRefusedError: return "refused"
    except socket.gaierror: return "no such name"
    except (TimeoutError, socket.timeout): return "timeout"
    except OSError as error: return type(error).__name__ + " " + str(error.errno)
print(json.dumps([ask(what) for what in json.load(sys.stdin)]))
`;

export interface EchoPod {
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly nodeName?: string;
  readonly hostNetwork?: boolean;
  /** @default tcp/80 udp/80 */
  readonly serves?: readonly string[];
  /** A file whose presence makes it ready. */
  readonly readyFile?: string;
  /** How long it goes on to serve once it is told to end. */
  readonly drainSeconds?: number;
  readonly ports?: readonly object[];
  readonly spec?: object;
}

/** A Pod that says who it is and who asks. */
export function echoPod(pod: EchoPod): object {
  const { name, labels = {}, serves = ['tcp/80', 'udp/80'], drainSeconds = 0, ports } = pod;
  const where = {
    ...(pod.nodeName && { nodeName: pod.nodeName }),
    ...(pod.hostNetwork && { hostNetwork: true, dnsPolicy: 'ClusterFirstWithHostNet' }),
  };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels },
    spec: {
      ...where,
      terminationGracePeriodSeconds: drainSeconds,
      containers: [
        {
          name: 'echo',
          image: 'host',
          command: ['python3', '-u', '-c', SERVER, ...serves],
          env: [{ name: 'NAME', value: name }],
          ...(ports && { ports }),
          ...(drainSeconds > 0 && { lifecycle: { preStop: { exec: { command: ['sleep', String(drainSeconds)] } } } }),
          readinessProbe:
            pod.readyFile === undefined
              ? { tcpSocket: { port: Number(serves[0]?.split('/')[1]) }, periodSeconds: 1 }
              : { exec: { command: ['test', '-e', pod.readyFile] }, periodSeconds: 1 },
        },
      ],
      ...pod.spec,
    },
  };
}

/** What each question gets from inside a Pod. */
export async function askFrom(
  cluster: TestCluster,
  pod: string,
  questions: readonly string[],
): Promise<readonly string[]> {
  const done = await cluster.try(['exec', '-i', pod, '--', 'python3', '-c', PROBE], JSON.stringify(questions));
  assert.equal(done.code, 0, done.stderr);
  return JSON.parse(done.stdout) as string[];
}

/** What a connection from the host gets: a line, or how it ends without one. */
export async function askTcp(address: string, port: number): Promise<string> {
  const socket = net.connect({ host: address, port });
  let answer = '';
  socket.setTimeout(5000, () => socket.destroy(new Error('timeout')));
  socket.on('data', (data: Buffer) => (answer += data.toString()));
  const failure = new Promise<string>((resolve) => {
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
  return Promise.race([failure, once(socket, 'close').then(() => answer.trim())]);
}

/** The answer to a datagram from the host; asked three times, as datagrams may be lost. */
export async function askUdp(address: string, port: number): Promise<string> {
  const socket = dgram.createSocket(net.isIPv6(address) ? 'udp6' : 'udp4');
  try {
    for (let tries = 0; tries < 3; tries++) {
      const answered = once(socket, 'message', { signal: AbortSignal.timeout(3000) }).then(
        ([data]) => (data as Buffer).toString().trim(),
        () => '',
      );
      socket.send('who', port, address);
      const answer = await answered;
      if (answer !== '') return answer;
    }
    return 'timeout';
  } finally {
    socket.close();
  }
}

/** Applies objects in one go. */
export async function applyAll(cluster: TestCluster, ...objects: readonly object[]): Promise<void> {
  await cluster.apply(JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
}

export function serviceOf(name: string, spec: object, metadata: object = {}): object {
  return { apiVersion: 'v1', kind: 'Service', metadata: { name, ...metadata }, spec };
}
