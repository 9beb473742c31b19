import assert from 'node:assert/strict';
import type { TestCluster } from './test-cluster.ts';

/** One GET from inside a Pod, a new connection each; resolves to the body. */
export async function get(cluster: TestCluster, pod: string, url: string): Promise<string> {
  return (await cluster.kubectl('exec', pod, '--', 'curl', '-sS', '--fail', '--max-time', '5', url)).trim();
}

/** `count` GETs with a connection each; resolves to how often each Pod (the first word of the body) answered. */
export async function tally(
  cluster: TestCluster,
  pod: string,
  url: string,
  count: number,
): Promise<Map<string, number>> {
  const script = `for i in $(seq ${count}); do curl -sS --fail --max-time 5 "$0" || echo FAILED; done`;
  const output = await cluster.kubectl('exec', pod, '--', 'sh', '-c', script, url);
  const answers = new Map<string, number>();
  for (const line of output.trim().split('\n')) {
    const who = line.split(' ')[0] ?? '';
    answers.set(who, (answers.get(who) ?? 0) + 1);
  }
  return answers;
}

/** `count` datagrams from a socket each; resolves to how often each Pod answered. */
export async function tallyUdp(
  cluster: TestCluster,
  pod: string,
  host: string,
  port: number,
  count: number,
): Promise<Map<string, number>> {
  const script = `
import collections, socket, sys
seen = collections.Counter()
for _ in range(${count}):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(5)
    s.connect((sys.argv[1], int(sys.argv[2])))
    s.send(b"who")
    seen[s.recv(200).decode()] += 1
print("\\n".join(f"{k} {v}" for k, v in seen.items()))`;
  const output = await cluster.kubectl('exec', pod, '--', 'python3', '-c', script, host, String(port));
  return new Map(
    output
      .trim()
      .split('\n')
      .map((line) => [line.split(' ')[0] ?? '', Number(line.split(' ')[1])]),
  );
}

export type Refusal = 'answered' | 'refused' | 'timeout' | 'unreachable' | 'no such name';

/** How one TCP connection attempt from inside a Pod ends, at most `seconds` long. */
export async function knock(
  cluster: TestCluster,
  pod: string,
  host: string,
  port: number,
  seconds = 2,
): Promise<Refusal> {
  const script = `
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), ${seconds}).close()
    print("answered")
except ConnectionRefusedError: print("refused")
except socket.gaierror: print("no such name")
except TimeoutError: print("timeout")
except OSError as error: print("unreachable")`;
  const output = await cluster.kubectl('exec', pod, '--', 'python3', '-c', script, host, String(port));
  return output.trim() as Refusal;
}

/** Asks again until the answer is the wanted one; the last answer is in the failure. */
export async function eventually<T>(what: string, wanted: T, ask: () => Promise<T>, seconds = 30): Promise<void> {
  const deadline = performance.now() + seconds * 1000;
  for (;;) {
    const got = await ask();
    try {
      assert.deepEqual(got, wanted);
      return;
    } catch (error) {
      if (performance.now() > deadline) {
        throw new Error(`${what}: still not after ${seconds} s: ${JSON.stringify(got)}`, { cause: error });
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
