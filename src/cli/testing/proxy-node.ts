import { spawnSync, type ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { request } from 'node:http';
import net from 'node:net';
import { join } from 'node:path';
import { TestAuthority, type TestCertificate } from '#apiserver/testing/test-authority.ts';
import { TestServer } from '#apiserver/testing/test-server.ts';
import type { ApiServerOptions } from '#apiserver/api-server.ts';
import { systemClock } from '#base/clock.ts';
import { openConnectSocket, openListenSocket } from '#netlink/listen-socket.ts';
import { inNetns } from '#netlink/namespace.ts';
import { formatAddress } from '#nftables/address.ts';
import { NftablesSocket } from '#nftables/nftables-socket.ts';
import { ruleset, TABLE_NAME } from '#proxy/ruleset.ts';
import { ip, Network, NODE_ADDRESS } from '#proxy/testing/network.ts';
import { MemoryStore } from '#store/memory-store.ts';
import { CommandHome, type Finished } from './command-home.ts';

const API_PORT = 6443;
const WAIT_MS = 60_000;
const POLL_MS = 20;

/** A proxy that runs as users run it. */
export interface RunningProxy {
  readonly child: ChildProcess;
  readonly finished: Promise<Finished>;
  /** What it wrote to standard error until now. */
  readonly stderr: () => string;
}

/**
 * A node of a cluster in network namespaces of its own: an API server at 127.0.0.1 of the node, which may go and come
 * again with what it had stored, Pods, and the command in the node's namespace.
 */
export class ProxyNode implements AsyncDisposable {
  readonly network: Network = new Network();
  readonly home: CommandHome = new CommandHome();
  readonly store: MemoryStore = new MemoryStore();
  readonly #authority: TestAuthority;
  readonly #tls: TestCertificate;
  readonly #running: RunningProxy[] = [];
  #server: TestServer | undefined;

  private constructor(authority: TestAuthority, tls: TestCertificate) {
    this.#authority = authority;
    this.#tls = tls;
  }

  static async create(): Promise<ProxyNode> {
    const authority = await TestAuthority.create();
    return new ProxyNode(authority, await authority.issue('CN=kube-apiserver'));
  }

  get server(): TestServer {
    if (this.#server === undefined) throw new Error('Cannot ask the API server: it is not started');
    return this.#server;
  }

  async startServer(options: Partial<ApiServerOptions> = {}): Promise<void> {
    const { store } = this;
    const tls = this.#tls;
    const clientCa = this.#authority.cert;
    this.#server = await TestServer.start({
      clock: systemClock,
      store,
      clientCa,
      tls,
      defaultPolicy: true,
      ...options,
    });
    await this.#server.server.listen(this.listenTarget());
  }

  /** Where an API server of the node listens. */
  listenTarget(): { readonly fd: number } {
    return inNetns(this.network.node, () =>
      openListenSocket({ protocol: 'tcp', address: ip('127.0.0.1'), port: API_PORT }),
    );
  }

  async stopServer(): Promise<void> {
    await this.#server?.[Symbol.asyncDispose]();
    this.#server = undefined;
  }

  async addNode(name: string): Promise<void> {
    const status = { addresses: [{ type: 'InternalIP', address: NODE_ADDRESS }] };
    await this.server.post('/api/v1/nodes', { metadata: { name }, status });
  }

  async addService(name: string, clusterIP: string, endpoints: readonly string[]): Promise<void> {
    const { server } = this;
    const spec = { clusterIP, ports: [{ port: 80 }] };
    await server.post('/api/v1/namespaces/default/services', { metadata: { name }, spec });
    await server.post('/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', {
      metadata: { name: `${name}-1`, labels: { 'kubernetes.io/service-name': name } },
      addressType: 'IPv4',
      ports: [{ port: 8080, protocol: 'TCP' }],
      endpoints: endpoints.map((address) => ({ addresses: [address], conditions: { ready: true }, nodeName: 'a' })),
    });
  }

  /** Families that have a table of ours. */
  tables(): readonly string[] {
    using socket = inNetns(this.network.node, () => NftablesSocket.open());
    return (['ip', 'ip6'] as const).filter((family) => socket.readTable(family, TABLE_NAME) !== undefined);
  }

  /** Whether the address is one of a Service, in mode nftables. */
  holds(address: string): boolean {
    using socket = inNetns(this.network.node, () => NftablesSocket.open());
    const set = ruleset(4).sets.addresses;
    return socket.readElements('ip', TABLE_NAME, set).some(({ key }) => formatAddress(key) === address);
  }

  /** The administrator's, unless it is told whose. */
  async kubeconfig(
    user?: Readonly<Record<string, string>>,
    cluster: Readonly<Record<string, string>> = {},
  ): Promise<string> {
    const base64 = (text: string): string => Buffer.from(text).toString('base64');
    const admin = await this.issueAdmin();
    const own = user ?? {
      'client-certificate-data': base64(admin.cert),
      'client-key-data': base64(admin.key),
    };
    return this.writeKubeconfig({ 'certificate-authority-data': base64(this.#authority.cert), ...cluster }, own);
  }

  /** A certificate of the administrator. */
  issueAdmin(): Promise<TestCertificate> {
    return this.#authority.issue('CN=admin, O=system:masters');
  }

  /** Of the node's API server, which the given is to know and to prove who asks. */
  writeKubeconfig(cluster: Readonly<Record<string, string>>, user: Readonly<Record<string, string>>): string {
    const file = join(this.home.path, 'kubeconfig');
    const config = {
      clusters: [{ name: 'test', cluster: { server: `https://127.0.0.1:${API_PORT}`, ...cluster } }],
      users: [{ name: 'test', user }],
      contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
      'current-context': 'test',
    };
    writeFileSync(file, JSON.stringify(config));
    return file;
  }

  /** `clusterip proxy ARGS` on the node. */
  proxy(...args: readonly string[]): RunningProxy {
    const { child, finished } = inNetns(this.network.node, () => this.home.start(['proxy', ...args]));
    let written = '';
    child.stderr?.on('data', (text: string) => (written += text));
    const running = { child, finished, stderr: () => written };
    this.#running.push(running);
    return running;
  }

  /** Another program on the node, which has to succeed. */
  run(command: string, ...args: readonly string[]): string {
    const { status, stdout, stderr } = inNetns(this.network.node, () => spawnSync(command, args, { encoding: 'utf8' }));
    if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`);
    return stdout;
  }

  /** An answer of a server at a port of the node as `200 body`. */
  async get(port: number, path: string): Promise<string> {
    const fd = inNetns(this.network.node, () => openConnectSocket(4));
    const socket = new net.Socket({ fd }).connect({ host: '127.0.0.1', port });
    return new Promise((resolve, reject) => {
      const sent = request({ path, createConnection: () => socket }, (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (text: string) => (body += text));
        response.on('end', () => resolve(`${response.statusCode} ${body}`));
      });
      sent.on('error', reject);
      sent.end();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { child, finished } of this.#running) {
      child.kill('SIGKILL');
      await finished;
    }
    await this.stopServer();
    await this.network[Symbol.asyncDispose]();
    this.home[Symbol.dispose]();
  }
}

/** Asks again and again until the answer is the one. */
export async function until(what: string, isDone: () => boolean | Promise<boolean>): Promise<void> {
  const end = systemClock.monotonic() + WAIT_MS;
  while (!(await isDone())) {
    if (systemClock.monotonic() > end) throw new Error(`still not: ${what}`);
    await systemClock.sleep(POLL_MS);
  }
}
