import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/base/clock.ts';
import { peerPath, programMissing } from './peer-path.ts';
import type { StoredObject } from './service-seed.ts';
import type { Ask, RuleAnswer, RuleRequest } from '../../src/apiserver/services/rules/rule-case.ts';

const TOKEN = 'peer';
const WAIT_MS = 120_000;
const POLL_MS = 100;
/** etcd's --max-txn-ops, as it is by default. */
const MAX_TXN_OPS = 128;

/** Why there is no peer on this machine; undefined when there is. */
export function peerMissing(): string | undefined {
  const missing = programMissing('kube-apiserver');
  if (missing !== undefined) return missing;
  const etcd = spawnSync('etcd', ['--version']);
  return etcd.status === 0 ? undefined : 'no etcd on PATH: it is in the package etcd-server';
}

interface Address {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly parentRef: { readonly name: string } };
}

export interface PeerOptions {
  /** Whether etcd syncs what it writes; comparisons of answers do without. @default false */
  readonly durable?: boolean;
  /** What others than the one with all rights may do. @default AlwaysAllow */
  readonly authorization?: 'AlwaysAllow' | 'RBAC';
}

/** A kube-apiserver of its own on an etcd of its own, both on free ports of the loopback. */
export class KubeApiServer implements AsyncDisposable {
  readonly #directory: string;
  readonly #children: ChildProcess[] = [];
  readonly #port: number;
  readonly #etcd: string;
  #options: readonly (readonly [string, string])[] = [];

  private constructor(directory: string, port: number, etcd: string) {
    this.#directory = directory;
    this.#port = port;
    this.#etcd = etcd;
  }

  static async start(ranges: readonly string[], options: PeerOptions = {}): Promise<KubeApiServer> {
    const { durable = false, authorization = 'AlwaysAllow' } = options;
    const [port = 0, client = 0, peer = 0] = await freePorts(3);
    const etcd = `http://127.0.0.1:${client}`;
    const server = new KubeApiServer(mkdtempSync(join(tmpdir(), 'clusterip-peer-')), port, etcd);
    try {
      server.#startEtcd(etcd, `http://127.0.0.1:${peer}`, durable);
      server.#startApiServer(etcd, ranges, authorization);
      await server.#ready();
      return server;
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  get access(): { readonly port: number; readonly token: string } {
    return { port: this.#port, token: TOKEN };
  }

  get pids(): readonly number[] {
    return this.#children.flatMap(({ pid }) => pid ?? []);
  }

  readonly ask: Ask = (asked) => send(this.#port, asked);

  /** Puts objects straight into etcd, whole as kube-apiserver would write them: thousands a second. */
  async seed(objects: readonly StoredObject[]): Promise<void> {
    const base64 = (text: string): string => Buffer.from(text).toString('base64');
    for (let first = 0; first < objects.length; first += MAX_TXN_OPS) {
      const success = objects.slice(first, first + MAX_TXN_OPS).map(({ key, object }) => ({
        requestPut: { key: base64(key), value: base64(JSON.stringify(object)) },
      }));
      const answer = await fetch(`${this.#etcd}/v3/kv/txn`, { method: 'POST', body: JSON.stringify({ success }) });
      if (!answer.ok) throw new Error(`etcd refused objects: ${await answer.text()}`);
    }
  }

  /** For programs that are to work with it, with all rights. */
  get kubeconfig(): string {
    const cluster = { server: `https://127.0.0.1:${this.#port}`, 'insecure-skip-tls-verify': true };
    return JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'peer', cluster }],
      users: [{ name: 'peer', user: { token: TOKEN } }],
      contexts: [{ name: 'peer', context: { cluster: 'peer', user: 'peer' } }],
      'current-context': 'peer',
    });
  }

  /** The API server goes, at once; its etcd stays. */
  async stopServing(): Promise<void> {
    const server = this.#children.pop();
    if (server === undefined) return;
    const ended = new Promise((resolve) => server.once('exit', resolve));
    server.kill('SIGKILL');
    await ended;
  }

  /** It comes again, with all that it had but its memory. */
  async serveAgain(): Promise<void> {
    this.#spawn(peerPath('kube-apiserver'), this.#options);
    await this.#ready();
  }

  /** A Service of two families that cannot have its second address leaves the first taken: kubernetes/kubernetes#136475. */
  async forgetAddresses(): Promise<void> {
    const path = '/apis/networking.k8s.io/v1/ipaddresses';
    const { items } = (await this.ask({ method: 'GET', path })).body as { readonly items: readonly Address[] };
    for (const { metadata, spec } of items) {
      if (spec.parentRef.name !== 'kubernetes') await this.ask({ method: 'DELETE', path: `${path}/${metadata.name}` });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children.reverse()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
    }
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #startEtcd(client: string, peer: string, durable: boolean): void {
    this.#spawn('etcd', [
      ['data-dir', join(this.#directory, 'etcd')],
      ['listen-client-urls', client],
      ['advertise-client-urls', client],
      ['listen-peer-urls', peer],
      ['initial-advertise-peer-urls', peer],
      ['initial-cluster', `default=${peer}`],
      ['unsafe-no-fsync', String(!durable)],
    ]);
  }

  #startApiServer(etcd: string, ranges: readonly string[], authorization: string): void {
    const file = (name: string, text: string): string => {
      const path = join(this.#directory, name);
      writeFileSync(path, text, { mode: 0o600 });
      return path;
    };
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const key = file('account.key', privateKey.export({ type: 'sec1', format: 'pem' }).toString());
    mkdirSync(join(this.#directory, 'certs'));
    this.#options = [
      ['etcd-servers', etcd],
      ['secure-port', String(this.#port)],
      ['bind-address', '127.0.0.1'],
      ['advertise-address', ranges[0]?.includes(':') === true ? 'fd00::1' : '192.0.2.1'],
      ['cert-dir', join(this.#directory, 'certs')],
      ['service-cluster-ip-range', ranges.join(',')],
      ['service-account-issuer', 'https://peer.test'],
      ['service-account-key-file', key],
      ['service-account-signing-key-file', key],
      ['token-auth-file', file('tokens.csv', `${TOKEN},admin,admin,system:masters\n`)],
      ['authorization-mode', authorization],
      ['endpoint-reconciler-type', 'none'],
    ];
    this.#spawn(peerPath('kube-apiserver'), this.#options);
  }

  #spawn(program: string, options: readonly (readonly [string, string])[]): void {
    const log = openSync(join(this.#directory, `${this.#children.length}.log`), 'w');
    const args = options.map(([name, value]) => `--${name}=${value}`);
    this.#children.push(spawn(program, args, { stdio: ['ignore', log, log] }));
  }

  /** Addresses come last: of a server that starts again the ServiceCIDR is ready before the server has read it. */
  async #ready(): Promise<void> {
    const until = systemClock.monotonic() + WAIT_MS;
    const probe = { kind: 'Service', apiVersion: 'v1', metadata: { name: 'try' }, spec: { ports: [{ port: 80 }] } };
    const path = '/api/v1/namespaces/default/services';
    while (systemClock.monotonic() < until) {
      const dead = this.#children.findIndex(({ exitCode }) => exitCode !== null);
      if (dead >= 0) throw new Error(readFileSync(join(this.#directory, `${dead}.log`), 'utf8').slice(-2_000));
      const own = await this.ask({ method: 'GET', path: `${path}/kubernetes` }).catch(() => undefined);
      const given = await this.ask({ method: 'POST', path: `${path}?dryRun=All`, body: probe }).catch(() => undefined);
      if (own?.status === 200 && given?.status === 201) return;
      await systemClock.sleep(POLL_MS);
    }
    throw new Error(`kube-apiserver is not ready after ${WAIT_MS / 1_000} s`);
  }
}

async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(async (server) => {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return (server.address() as AddressInfo).port;
    }),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** One connection for each request at a time, kept open. Its certificate is one that it made for itself at start. */
const agent = new Agent({ keepAlive: true, rejectUnauthorized: false });

function send(
  port: number,
  { method, path, body, contentType, accept }: RuleRequest & { readonly accept?: string },
): Promise<RuleAnswer> {
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  const headers = {
    // Without it the body of a DELETE is not taken for one.
    ...(text === undefined ? {} : { 'content-length': Buffer.byteLength(text) }),
    authorization: `Bearer ${TOKEN}`,
    'user-agent': 'peer/1',
    accept: accept ?? 'application/json',
    'content-type': contentType ?? 'application/json',
  };
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, method, path, headers, agent };
    const sent = request(options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        const warnings = warningsOf(response.headers['warning']);
        resolve({ status: response.statusCode ?? 0, body: parsed(text), warnings });
      });
    });
    sent.on('error', reject);
    sent.end(text);
  });
}

/** What is no JSON, such as a page of `/metrics` or an unknown path, as it is. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text.trim();
  }
}

/** `299 - "text", 299 - "text"`. */
function warningsOf(header: string | undefined): readonly string[] {
  return [...(header ?? '').matchAll(/299 - ("(?:[^"\\]|\\.)*")/g)].map(
    ([, text = '""']) => JSON.parse(text) as string,
  );
}
