import assert from 'node:assert/strict';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { parseCidr, type Cidr } from '#base/cidr.ts';
import { systemClock } from '#base/clock.ts';
import { createLog, formatRecord, type Log } from '#base/log.ts';
import type { Container, CoreEvent, Node, Pod, PodSpec, Service } from '#api/generated/types.ts';
import type { NewObject } from '#api/object.ts';
import { nodes, pods, services } from '#api/resource.ts';
import { createClient } from '#client/api-client.ts';
import type { Client } from '#client/client.ts';
import { inProcessTransport } from '#client/in-process-transport.ts';
import { Informer } from '#client/informer.ts';
import { FakeApi } from '#client/testing/fake-api.ts';
import { type NodeAgent, startNodeAgent } from '../agent.ts';
import type { DiskPolicy } from '../eviction/disk-threshold.ts';
import { createFabric, createNodeNamespace, type NetworkNamespace } from '../network-sync.ts';
import { followNodeRoutes } from '../node-routes-agent.ts';
import type { SandboxRuntime } from '../sandbox/runtime-agent.ts';

export function cidr(text: string): Cidr {
  const parsed = parseCidr(text);
  assert.ok(parsed, text);
  return parsed;
}

export interface TestNodesOptions {
  /** Holds their state for as long as they are there. */
  readonly directory?: string;
  readonly diskPolicy?: DiskPolicy;
}

/** Nodes in a real kernel under an API server that is not one. Everything is gone when it is disposed. */
export class TestNodes implements AsyncDisposable {
  readonly api: FakeApi = new FakeApi(systemClock);
  readonly client: Client;
  readonly runtime: SandboxRuntime;
  readonly fabric: NetworkNamespace;
  readonly stateDir: string;
  readonly #diskPolicy: DiskPolicy | undefined;
  readonly #abort = new AbortController();
  readonly #log: Log;
  readonly #services: Informer<Service>;
  readonly #nodes: Informer<Node>;
  #agents: NodeAgent[] = [];
  readonly #networks: NetworkNamespace[] = [];

  private constructor(runtime: SandboxRuntime, { directory = tmpdir(), diskPolicy }: TestNodesOptions) {
    this.runtime = runtime;
    this.#diskPolicy = diskPolicy;
    this.#log = createLog('test', (record) => {
      if (record.level !== 'debug') process.stderr.write(`${formatRecord(record)}\n`);
    });
    const handle: FakeApi['handle'] = (request) =>
      request.path.endsWith('/token')
        ? Promise.resolve({ kind: 'object', status: 201, body: { status: { token: 'a.b.c' } } })
        : this.api.handle(request);
    this.client = createClient(inProcessTransport(handle, { username: 'test', groups: ['system:masters'] }));
    this.stateDir = realpathSync(mkdtempSync(`${directory}/clusterip-node-`));
    this.fabric = createFabric({ addresses: ['172.18.0.1/16'] });
    this.#services = new Informer(this.client, services, { clock: systemClock, log: this.#log });
    this.#nodes = new Informer(this.client, nodes, { clock: systemClock, log: this.#log });
    this.#services.start(this.#abort.signal);
    this.#nodes.start(this.#abort.signal);
    followNodeRoutes(this.#nodes, this.fabric, this.#log);
  }

  static async start(runtime: SandboxRuntime, count: number, options: TestNodesOptions = {}): Promise<TestNodes> {
    const nodes = new TestNodes(runtime, options);
    for (let number = 1; number <= count; number++) await nodes.begin(number);
    return nodes;
  }

  /** The node `node-<number>`, or again one that was stopped. */
  async begin(number: number): Promise<void> {
    const nodeAddress = `172.18.0.${1 + number}`;
    const podCidr = cidr(`10.244.${number - 1}.0/24`);
    const nodeName = `node-${number}`;
    this.#networks[number] ??= createNodeNamespace(this.fabric, {
      gateways: ['172.18.0.1'],
      nodeName,
      addresses: [`${nodeAddress}/16`],
      podCidrs: [podCidr],
      serviceCidrs: [cidr('10.96.0.0/12')],
      loadBalancerCidrs: [],
    });
    const network = this.#networks[number];
    assert.ok(network);
    const agent = startNodeAgent({
      client: this.client,
      clock: systemClock,
      log: this.#log,
      signal: this.#abort.signal,
      runtime: this.runtime,
      network,
      services: this.#services,
      nodes: this.#nodes,
      nodeName,
      nodeAddresses: [nodeAddress],
      podCidrs: [podCidr],
      stateDir: `${this.stateDir}/${nodeName}`,
      maskedPaths: [this.stateDir],
      clusterDns: ['10.96.0.10'],
      clusterDomain: 'cluster.local',
      diskPolicy: this.#diskPolicy,
    });
    this.#agents.push(agent);
    await agent.ready;
  }

  async stopAll(): Promise<void> {
    await Promise.all(this.#agents.map((agent) => agent.stop()));
    this.#agents = [];
  }

  /** Makes a Pod that is already assigned to a node. */
  async run(name: string, container: Partial<Container>, spec: Partial<PodSpec> = {}): Promise<Pod> {
    const pod: NewObject<Pod> = {
      metadata: { namespace: 'default', name },
      spec: {
        nodeName: 'node-1',
        terminationGracePeriodSeconds: 1,
        containers: [{ name: 'c', image: 'host', ...container }],
        ...spec,
      },
    };
    return this.client.create(pods, pod);
  }

  /** Resolves with the first state of the Pod that satisfies `test`. */
  async until(name: string, test: (pod: Pod) => boolean): Promise<Pod> {
    const abort = new AbortController();
    let last: Pod | undefined;
    const timer = systemClock.after(20_000, () => abort.abort());
    try {
      const options = { fieldSelector: `metadata.name=${name}`, signal: abort.signal };
      for await (const event of this.client.watch(pods, options)) {
        if (event.type !== 'ADDED' && event.type !== 'MODIFIED') continue;
        last = event.object;
        if (test(event.object)) return event.object;
      }
    } finally {
      timer[Symbol.dispose]();
      abort.abort();
    }
    throw new Error(`Cannot see Pod ${name} in the state asked for: ${JSON.stringify(last?.status)}`);
  }

  /** Resolves when the Pod is no longer in the API. */
  async gone(name: string): Promise<void> {
    const abort = new AbortController();
    using _ = systemClock.after(20_000, () => abort.abort());
    const options = { fieldSelector: `metadata.name=${name}`, signal: abort.signal };
    for await (const event of this.client.watch(pods, options)) {
      if (event.type === 'DELETED') {
        abort.abort();
        return;
      }
    }
    throw new Error(`Cannot see Pod ${name} go`);
  }

  /** Runs a command in a Pod and returns what it wrote, and its exit code when it is not 0. */
  async exec(name: string, ...command: readonly string[]): Promise<string> {
    const handle = this.runtime.find({ namespace: 'default', pod: name });
    assert.ok(handle, `${name} is not known`);
    const process = this.runtime.exec({ podUid: handle.podUid, container: handle.container, command });
    let output = '';
    const ends = [process.stdout, process.stderr].map(
      (stream) =>
        new Promise((resolve) => {
          stream?.on('data', (chunk: Buffer) => (output += chunk.toString()));
          stream?.once('close', resolve);
        }),
    );
    const [{ code }] = await Promise.all([process.wait(), ...ends]);
    return code === 0 ? output : `${output}[exit ${code}]\n`;
  }

  /** Resolves when nothing of the Pod is left on its node. */
  async forgotten(name: string): Promise<void> {
    for (let tries = 0; tries < 2000; tries++) {
      if (this.runtime.find({ namespace: 'default', pod: name }) === undefined) return;
      await systemClock.sleep(5);
    }
    throw new Error(`Cannot see Pod ${name} be forgotten`);
  }

  /** `<type> <reason> <message>` of the Pod's events, the oldest first. */
  async events(name: string): Promise<readonly string[]> {
    const settled = (): number => this.api.all('events').length;
    for (let before = -1; before !== settled();) {
      before = settled();
      await systemClock.sleep(20);
    }
    return this.api
      .all<CoreEvent>('events')
      .filter(({ involvedObject }) => involvedObject.name === name)
      .sort((a, b) => Number(a.metadata.resourceVersion) - Number(b.metadata.resourceVersion))
      .map(({ type = '', reason = '', message = '' }) => `${type} ${reason} ${message}`);
  }

  /** Resolves when no Pod's wire is left in a node's namespace; the kernel takes its time. */
  async unwired(number: number): Promise<void> {
    const links = (): readonly string[] =>
      (this.#networks[number]?.rtnetlink.listLinks() ?? []).map(({ name }) => name);
    for (let tries = 0; tries < 2000; tries++) {
      if (links().every((name) => ['lo', 'eth0', 'services'].includes(name))) return;
      await systemClock.sleep(5);
    }
    throw new Error(`Cannot see all wires go: ${links().join(' ')} are left`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stopAll();
    this.#abort.abort();
    for (const network of this.#networks) network?.[Symbol.dispose]();
    this.fabric[Symbol.dispose]();
    rmSync(this.stateDir, { recursive: true, force: true });
  }
}
