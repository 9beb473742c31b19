import { mkdirSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Cidr, cidrSize, formatCidr } from '#base/cidr.ts';
import type { Clock } from '#base/clock.ts';
import { errorMessage } from '#base/errors.ts';
import type { Log } from '#base/log.ts';
import { WorkQueue } from '#base/work-queue.ts';
import type { Node, Pod, Service } from '#api/generated/types.ts';
import { pods } from '#api/resource.ts';
import type { Client } from '#client/client.ts';
import { createEventRecorder } from '#client/events.ts';
import { Informer, type InformerHandlers } from '#client/informer.ts';
import { AddressPool } from './address-pool.ts';
import type { NetworkNamespace } from './network-sync.ts';
import { readMachine } from './machine-sync.ts';
import type { NodeContext } from './node-context.ts';
import { followNodeRoutes } from './node-routes-agent.ts';
import { DiskPressure } from './eviction/disk-pressure-agent.ts';
import type { DiskPolicy } from './eviction/disk-threshold.ts';
import { DISK_PRESSURE_REFUSAL } from './eviction/eviction.ts';
import type { NodeIdentity } from './node-status.ts';
import type { ImageSources } from './image/image-store-agent.ts';
import { admissionRefusal } from './pod/pod-admission.ts';
import { type ResizePending, resizePending } from './pod/pod-resize.ts';
import { PodAgent } from './pod-agent.ts';
import { RefusedPod } from './refused-pod-agent.ts';
import { NodeRegistration } from './registration-agent.ts';
import type { SandboxRuntime } from './sandbox/runtime-agent.ts';
import { spreadDirectory } from './sandbox/spread-directory-sync.ts';

export interface NodeAgentOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Log;
  /** Stops watching and reporting. `NodeAgent.stop` does so, too, and ends the Pods. */
  readonly signal: AbortSignal;
  /** One for all agents of a Worker. */
  readonly runtime: SandboxRuntime;
  readonly network: NetworkNamespace;
  /** Shared by the agents of a Worker; started by the caller. */
  readonly services: Informer<Service>;
  readonly nodes: Informer<Node>;
  readonly nodeName: string;
  /** One a family, the primary family first. */
  readonly nodeAddresses: readonly string[];
  /** The same families in the same order. */
  readonly podCidrs: readonly Cidr[];
  /** Those of 127.0.0.0/8 are led out of the Pods, to the node. @default none */
  readonly loadBalancerCidrs?: readonly Cidr[] | undefined;
  /** This node's own; kept from one start to the next. */
  readonly stateDir: string;
  /** Images, shared by the nodes of a machine. @default `.images` beside `stateDir` */
  readonly imageDir?: string;
  readonly imageSources?: ImageSources;
  /** Hidden from Pods besides `stateDir`: what the cluster keeps on the machine. */
  readonly maskedPaths?: readonly string[];
  readonly clusterDns: readonly string[];
  readonly clusterDomain: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** What to do when the disk fills up. @default nothing */
  readonly diskPolicy?: DiskPolicy | undefined;
  /** @default v1.34.2 */
  readonly kubernetesVersion?: string;
}

export interface NodeAgent {
  /** Those that the API gives it, as last seen. */
  pods(): readonly Pod[];
  /** Resolves when the Node is in the API and reported ready. */
  readonly ready: Promise<void>;
  /** Ends every Pod's processes at once. The API still has them, and the next start runs them again. */
  stop(): Promise<void>;
}

/** A node: registers itself, and runs the Pods that the API gives it. */
export function startNodeAgent(options: NodeAgentOptions): NodeAgent {
  const context = createContext(options);
  const { client, clock, log, nodeName } = options;
  const stopping = new AbortController();
  const signal = AbortSignal.any([options.signal, stopping.signal]);
  const identity = identityOf(options);
  const node = new PodSet(context, options.nodes, () => void registration.tellDiskPressure(), options.diskPolicy);
  const registration = new NodeRegistration(context, identity, signal, {
    self: () => options.nodes.get(nodeName),
    hasDiskPressure: () => node.diskPressure?.present ?? false,
  });
  const routes = followNodeRoutes(options.nodes, options.network, log, nodeName);
  const informer = new Informer(client, pods, { clock, log, fieldSelector: `spec.nodeName=${nodeName}` });
  // Pods start with the variables of the Services that there are, so those have to be known first.
  const begin = options.services.synced.then(() => {
    if (signal.aborted) return;
    informer.on(node);
    informer.start(signal);
    return informer.synced.then(() => removeLeftovers(context.stateDir, node.uids));
  });
  begin.catch((error: unknown) => {
    if (!signal.aborted) log.error('node agent failed', { node: nodeName, error: errorMessage(error) });
  });
  registration.ready.then(
    () => node.diskPressure?.watch(signal),
    () => {},
  );
  return {
    pods: () => informer.list(),
    ready: registration.ready,
    async stop() {
      stopping.abort();
      routes[Symbol.dispose]();
      await node.stop();
    },
  };
}

/** The Pods of the node, each worked on by one call at a time. */
class PodSet implements InformerHandlers<Pod> {
  readonly #node: NodeContext;
  readonly #nodes: Informer<Node>;
  readonly #agents = new Map<string, PodAgent | RefusedPod>();
  readonly #queue: WorkQueue;
  readonly diskPressure: DiskPressure | undefined;

  constructor(node: NodeContext, nodes: Informer<Node>, onDiskPressure: () => void, policy: DiskPolicy | undefined) {
    this.#node = node;
    this.#nodes = nodes;
    this.diskPressure =
      policy &&
      new DiskPressure(node, policy, {
        self: () => nodes.get(node.nodeName),
        pods: () => [...this.#agents.values()].flatMap(({ evictable }) => evictable ?? []),
        changed: onDiskPressure,
      });
    this.#queue = new WorkQueue((uid) => this.#sync(uid), {
      clock: node.clock,
      concurrency: 16,
      baseDelayMs: 100,
      maxDelayMs: 30_000,
      onError: (uid, error, failures) => {
        const level = failures < 3 ? 'debug' : 'warn';
        node.log[level]('pod sync failed', { node: node.nodeName, uid, failures, error: errorMessage(error) });
      },
    });
  }

  get uids(): ReadonlySet<string> {
    return new Set(this.#agents.keys());
  }

  added(pod: Pod): void {
    const { uid } = pod.metadata;
    const known = this.#agents.get(uid);
    if (known === undefined) {
      const wake = (afterMs: number = 0): void => this.#queue.addAfter(uid, afterMs);
      this.#agents.set(uid, this.#take(pod, wake));
    } else known.update(pod);
    this.#queue.add(uid);
  }

  /** A Pod that has begun was let in by an earlier process of this node, and one that has ended asks for nothing. */
  #take(pod: Pod, wake: (afterMs?: number) => void): PodAgent | RefusedPod {
    const node = this.#nodes.get(this.#node.nodeName);
    const { startTime, phase } = pod.status ?? {};
    const isKnown = startTime !== undefined || phase === 'Failed' || phase === 'Succeeded';
    const agent = (): PodAgent => new PodAgent(this.#node, pod, wake, (resized) => this.#judge(resized));
    if (node === undefined || isKnown) return agent();
    const present = [...this.#agents.values()].flatMap(({ demand }) => demand ?? []);
    const pressed = this.diskPressure?.refuses(pod) === true ? DISK_PRESSURE_REFUSAL : undefined;
    const refusal = pressed ?? admissionRefusal(pod, node, present);
    return refusal === undefined ? agent() : new RefusedPod(this.#node, pod, refusal);
  }

  #judge(pod: Pod): ResizePending | undefined {
    const node = this.#nodes.get(this.#node.nodeName);
    const others = [...this.#agents].flatMap(([uid, { demand }]) => (uid === pod.metadata.uid ? [] : (demand ?? [])));
    return node && resizePending(pod, node, others);
  }

  updated(pod: Pod): void {
    this.added(pod);
  }

  deleted(pod: Pod): void {
    this.#agents.get(pod.metadata.uid)?.orphan();
    this.#queue.add(pod.metadata.uid);
  }

  async stop(): Promise<void> {
    this.#queue.stop();
    await this.#queue.idle();
    await Promise.all([...this.#agents.values()].map((agent) => agent.discard()));
    this.#agents.clear();
  }

  async #sync(uid: string): Promise<void> {
    const agent = this.#agents.get(uid);
    await agent?.sync();
    if (agent?.done === true) this.#agents.delete(uid);
  }
}

function createContext(options: NodeAgentOptions): NodeContext {
  const { client, clock, log, nodeName, podCidrs, stateDir } = options;
  mkdirSync(`${stateDir}/pods`, { recursive: true, mode: 0o700 });
  mkdirSync(`${stateDir}/logs`, { recursive: true, mode: 0o700 });
  for (const name of ['pods', 'logs']) spreadDirectory(`${stateDir}/${name}`);
  // Masks are compared with where things really are.
  const realStateDir = realpathSync(stateDir);
  return {
    client,
    clock,
    log,
    events: createEventRecorder({ client, clock, log, component: 'kubelet', host: nodeName }),
    services: options.services,
    runtime: options.runtime,
    network: options.network,
    pools: podCidrs.map((podCidr) => new AddressPool(podCidr, { clock })),
    images: options.runtime.images(options.imageDir ?? `${dirname(realStateDir)}/.images`, options.imageSources),
    nodeName,
    nodeAddresses: options.nodeAddresses,
    podCidrs,
    loadBalancerCidrs: options.loadBalancerCidrs ?? [],
    clusterDns: options.clusterDns,
    clusterDomain: options.clusterDomain,
    stateDir: realStateDir,
    maskedPaths: outermost([realStateDir, ...(options.maskedPaths ?? []).map((path) => realpathSync(path))]),
    machine: readMachine(realStateDir),
  };
}

/** Below a masked directory there is nothing to mask. */
function outermost(paths: readonly string[]): readonly string[] {
  return [...new Set(paths)].filter((path) => !paths.some((other) => path.startsWith(`${other}/`)));
}

const MAX_PODS = 250;

function identityOf(options: NodeAgentOptions): NodeIdentity {
  const sizes = options.podCidrs.map((podCidr) => Number(cidrSize(podCidr) - 3n));
  return {
    name: options.nodeName,
    addresses: options.nodeAddresses,
    podCidrs: options.podCidrs.map(formatCidr),
    maxPods: Math.min(MAX_PODS, ...sizes),
    labels: options.labels ?? {},
    kubernetesVersion: options.kubernetesVersion ?? 'v1.34.2',
    runtimeVersion: 'clusterip://0.1.0',
    limitsNotice: options.runtime.limitsNotice,
  };
}

/** Files of Pods that were deleted while no agent ran. */
function removeLeftovers(stateDir: string, uids: ReadonlySet<string>): void {
  for (const uid of readdirSync(`${stateDir}/pods`)) {
    if (!uids.has(uid)) rmSync(`${stateDir}/pods/${uid}`, { recursive: true, force: true });
  }
  for (const name of readdirSync(`${stateDir}/logs`)) {
    // Neither namespaces nor names of Pods hold an underscore.
    if (!uids.has(name.split('_')[2] ?? '')) rmSync(`${stateDir}/logs/${name}`, { recursive: true, force: true });
  }
}
