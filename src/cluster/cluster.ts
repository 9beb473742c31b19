import { mkdirSync, openSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { MessageChannel } from 'node:worker_threads';
import type { ApiHandler } from '#api/request.ts';
import { createApiServer, type ApiServer } from '#apiserver/api-server.ts';
import { join } from 'node:path';
import { formatCidr } from '#base/cidr.ts';
import type { Clock } from '#base/clock.ts';
import { CodedError, errorCode } from '#base/errors.ts';
import { createLog, type LogSink } from '#base/log.ts';
import { createClient } from '#client/api-client.ts';
import { inProcessTransport } from '#client/in-process-transport.ts';
import { type Controllers, startControllers } from '#controllers/controllers.ts';
import { removeTree } from '#node/sandbox/remove-tree-sync.ts';
import type { Store } from '#store/store.ts';
import { openSqliteStore } from '#store/sqlite-store.ts';
import { bootstrap, kubernetesService } from './bootstrap.ts';
import type { ClusterConfig } from './config.ts';
import { forgetNode } from './forget-node.ts';
import { planNetwork, type NetworkPlan } from './network-plan.ts';
import { clusterKubeconfig, kubeconfigText } from './cluster-kubeconfig.ts';
import { serveControl } from './control-socket.ts';
import { Egress } from './egress-agent.ts';
import { NodeControl } from './node-control.ts';
import type { Pki } from './pki.ts';
import { PodSockets } from './pod-sockets.ts';
import { Readiness } from './readiness.ts';
import { readConfig, writeAtomically, writeConfig, type StateDir } from './state-dir.ts';
import { CONTROL_PLANE, CONTROLLERS } from './users.ts';
import { startWorkers, type Workers } from './workers.ts';
import { volumeDirectories } from './volume-directories-sync.ts';

export interface ClusterOptions {
  readonly dir: StateDir;
  readonly config: ClusterConfig;
  readonly clock: Clock;
  /** May come later than all else: they are made while the threads start. */
  readonly keys: Promise<Pki>;
  readonly log: LogSink;
  readonly onProgress: (text: string) => void;
  /** Called once if a part of the running cluster breaks beyond repair. */
  readonly onFailure: (error: unknown) => void;
}

export interface RunningCluster {
  readonly apiPort: number;
  /** What does not work here, and what was removed. */
  readonly notices: readonly string[];
  /** Ends all of it; the state directory can be started again. */
  stop(): Promise<void>;
}

/** Starts everything and resolves when a first Pod could be made and reached. */
export async function startCluster(options: ClusterOptions): Promise<RunningCluster> {
  const { dir, config, clock, log, onProgress } = options;
  const plan = planNetwork(config);
  const abort = new AbortController();
  const gate = Promise.withResolvers<ApiHandler>();
  const streamSocket = prepareStreamSocket(dir);
  const handler: ApiHandler = async (request) => (await gate.promise)(request);
  const sockets = new MessageChannel();
  const pods = new PodSockets(sockets.port1, clock);
  const workers = startWorkers({ dir, plan, config, log, handler, streamSocket, sockets: sockets.port2 });
  onProgress('opening the store');
  const [pki, store, network] = await Promise.all([
    options.keys,
    openSqliteStore({ path: dir.storeDir, clock }),
    workers.nodes.message('network'),
  ]);
  const egress = config.egress ? startEgress(options, plan, workers, abort.signal) : undefined;
  onProgress('starting the API server');
  const parts = new Readiness(['controllers', 'nodes', 'services']);
  const members = nodeControl(options, workers, handler);
  const api = await startApi(options, plan, {
    pki,
    store,
    dialNode: nodeDialer(members, streamSocket),
    pods,
    checks: parts.checks,
  });
  await api.server.listen({ fd: network.fabric.apiFd });
  await bootstrap(createClient(inProcessTransport(api.server.handle, CONTROL_PLANE)), plan);
  gate.resolve(api.server.handle);
  const left = await removeLeaving(options, handler);
  onProgress('starting the controllers');
  const controllers = controllersOf(options, plan, { handler, pki, signal: abort.signal });
  workers.nodes.post({ kind: 'start' });
  workers.services.post({ kind: 'start', nodes: network.nodes, fabric: network.fabric });
  onProgress('waiting for the nodes');
  await parts.follow({ controllers: controllers.ready, ...readinessOf(workers) });
  for (const worker of Object.values(workers)) worker.failed.catch(options.onFailure);
  const control = await serveControl(dir, (request) => members.handle(request));
  return {
    apiPort: api.port,
    notices: [...left, ...(await noticesOf(egress, clock))],
    async stop() {
      control.close();
      workers.nodes.post({ kind: 'stop' });
      await workers.nodes.message('stopped');
      abort.abort();
      await api.server.close();
      await store.close();
    },
  };
}

function controllersOf(
  { dir, clock, log }: ClusterOptions,
  plan: NetworkPlan,
  { handler, pki, signal }: { readonly handler: ApiHandler; readonly pki: Pki; readonly signal: AbortSignal },
): Controllers {
  return startControllers({
    signal,
    rootCa: pki.caCert,
    authority: pki.caKey === undefined ? undefined : { cert: pki.caCert, key: pki.caKey },
    client: createClient(inProcessTransport(handler, CONTROLLERS)),
    clock,
    log: createLog('controllers', log),
    loadBalancerCidrs: plan.loadBalancerCidrs,
    kubernetesService: kubernetesService(plan),
    volumes: volumeDirectories(dir.volumesDir),
  });
}

/** Nodes that are no longer asked for go with all that they had, before anything is made in their place. */
async function removeLeaving({ dir, config }: ClusterOptions, handler: ApiHandler): Promise<readonly string[]> {
  const { leaving = [] } = config;
  const client = createClient(inProcessTransport(handler, CONTROL_PLANE));
  for (const name of leaving) {
    await forgetNode(client, name);
    removeTree(join(dir.nodesDir, name));
  }
  if (leaving.length > 0) writeConfig(dir, { ...(readConfig(dir) ?? config), leaving: undefined });
  return leaving.map((name) => `node "${name}" was removed, and its Pods with it`);
}

function startEgress(
  { clock, log }: ClusterOptions,
  { fabrics, podCidrs }: NetworkPlan,
  workers: Workers,
  signal: AbortSignal,
): Egress {
  return new Egress({
    inside: [...fabrics, ...podCidrs].map(formatCidr),
    clock,
    log: createLog('cluster', log),
    signal,
    attach: (netFd) => workers.nodes.call((id) => ({ kind: 'call', id, call: { kind: 'egress', netFd } })),
  });
}

/** Longer nobody waits for it: Pods can do without, and it may come later. */
const EGRESS_MS = 1000;

async function noticesOf(egress: Egress | undefined, clock: Clock): Promise<readonly string[]> {
  if (egress === undefined) return [];
  const why = await Promise.race([egress.settled, clock.sleep(EGRESS_MS).then(() => 'pasta takes long to start')]);
  return why === undefined ? [] : [`Pods cannot reach the internet: ${why}`];
}

function readinessOf(workers: Workers): Readonly<Record<string, Promise<unknown>>> {
  return Object.fromEntries(Object.values(workers).map((worker) => [worker.name, worker.message('ready')]));
}

/** One worker has all nodes. */
function nodeDialer(members: NodeControl, streamSocket: string): (name: string) => Promise<Socket> {
  return async (name) => {
    members.checkReachable(name);
    return dialStreams(streamSocket);
  };
}

function nodeControl({ dir, config }: ClusterOptions, workers: Workers, handler: ApiHandler): NodeControl {
  return new NodeControl({
    config,
    workers,
    client: createClient(inProcessTransport(handler, CONTROL_PLANE)),
    save: (changed) => {
      writeConfig(dir, { ...changed, leaving: undefined, apiPort: readConfig(dir)?.apiPort ?? changed.apiPort });
    },
  });
}

interface Api {
  readonly server: ApiServer;
  readonly port: number;
}

interface ApiParts {
  readonly pki: Pki;
  readonly store: Store;
  readonly dialNode: (name: string) => Promise<Socket>;
  readonly pods: PodSockets;
  readonly checks: Readiness['checks'];
}

async function startApi(
  options: ClusterOptions,
  plan: NetworkPlan,
  { pki, store, dialNode, pods, checks }: ApiParts,
): Promise<Api> {
  const { dir, config, clock, log } = options;
  const server = createApiServer({
    store,
    clock,
    log: createLog('apiserver', log),
    serviceCidrs: plan.serviceCidrs,
    staticClusterIps: config.staticClusterIps,
    serviceAccountKey: pki.serviceAccountKey,
    clientCa: pki.caCert,
    tls: { cert: pki.serverCert, key: pki.serverKey },
    checks,
    dialNode,
    dialPod: (address, port) => pods.dial(address, port),
  });
  const port = await listenOnLoopback(server, config.apiPort);
  if (port !== config.apiPort) writeConfig(dir, { ...config, apiPort: port });
  const kubeconfig = clusterKubeconfig(config.name, `https://127.0.0.1:${port}`, pki);
  writeAtomically(dir.kubeconfigFile, kubeconfigText(kubeconfig));
  return { server, port };
}

/** A socket's path has at most 107 bytes; through a descriptor of its directory it is short however deep that is. */
function prepareStreamSocket(dir: StateDir): string {
  mkdirSync(dir.nodesDir, { recursive: true, mode: 0o700 });
  rmSync(join(dir.nodesDir, 'streams.sock'), { force: true });
  return `/proc/self/fd/${openSync(dir.nodesDir, 'r')}/streams.sock`;
}

function dialStreams(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}

async function listenOnLoopback(server: ApiServer, port: number): Promise<number> {
  try {
    const address = await server.listen({ host: '127.0.0.1', port });
    return address.port;
  } catch (error) {
    if (errorCode(error) !== 'EADDRINUSE') throw error;
    throw new CodedError('EPORTINUSE', `Cannot listen on 127.0.0.1:${port}: another program has that port`, {
      cause: error,
      hint: 'choose another with --api-port, or 0 for any free one',
    });
  }
}
