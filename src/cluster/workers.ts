import process from 'node:process';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { formatCidr } from '#base/cidr.ts';
import type { LogSink } from '#base/log.ts';
import type { ApiHandler, UserInfo } from '#api/request.ts';
import { serveTransport } from '#client/port-server.ts';
import { userKeyring } from '#node/image/user-keyring-agent.ts';
import type { ClusterConfig } from './config.ts';
import { serveKeyring } from './keyring-port.ts';
import type { NetworkPlan } from './network-plan.ts';
import type { StateDir } from './state-dir.ts';
import { NODES, SERVICES } from './users.ts';
import { apiChannel, WorkerHandle } from './worker-handle.ts';
import type { NodesWorkerData, ServicesWorkerData, ToNodesWorker, ToServicesWorker } from './worker-message.ts';

/** The threads that work on the cluster's network; see docs/adr/0003. */
export interface Workers {
  readonly nodes: WorkerHandle<ToNodesWorker>;
  readonly services: WorkerHandle<ToServicesWorker>;
}

export interface WorkersOptions {
  readonly dir: StateDir;
  readonly plan: NetworkPlan;
  readonly log: LogSink;
  /** May wait for the API server: the workers start before it does. */
  readonly handler: ApiHandler;
  readonly streamSocket: string;
  /** Where the nodes' worker hands out sockets of the cluster network. */
  readonly sockets: MessagePort;
  readonly config: Pick<ClusterConfig, 'proxyMode' | 'dnsAutopath' | 'diskPressure' | 'registryMirrors'>;
}

export function startWorkers(options: WorkersOptions): Workers {
  const { dir, plan, config, log, handler, streamSocket, sockets } = options;
  const api = (user: UserInfo): NodesWorkerData['api'] =>
    apiChannel((port) => {
      serveTransport(port, handler, user);
    });
  const entry = (name: string): URL => new URL(`${name}-worker-main.ts`, import.meta.url);
  const serviceCidrs = plan.serviceCidrs.map(formatCidr);
  const podCidrs = plan.podCidrs.map(formatCidr);
  const loadBalancerCidrs = plan.loadBalancerCidrs.map(formatCidr);
  const errands = new MessageChannel();
  const keyring = new MessageChannel();
  serveKeyring(keyring.port1, userKeyring(process.env));
  const nodesData: NodesWorkerData = {
    api: api(NODES),
    errands: errands.port1,
    nodes: plan.nodes,
    fabricCidrs: plan.fabrics.map(formatCidr),
    controlAddresses: plan.controlAddresses,
    serviceCidrs,
    podCidrs,
    loadBalancerCidrs,
    dnsIp: plan.dnsIp,
    nodesDir: dir.nodesDir,
    imagesDir: dir.imagesDir,
    registryMirrors: config.registryMirrors ?? {},
    diskPressure: config.diskPressure === true,
    streamSocket,
    cgroupsFile: dir.cgroupsFile,
    sockets,
    keyring: keyring.port2,
    stateDir: dir.path,
  };
  const servicesData: ServicesWorkerData = {
    api: api(SERVICES),
    errands: errands.port2,
    serviceCidrs,
    podCidrs,
    loadBalancerCidrs,
    proxyMode: config.proxyMode,
    dnsAutopath: config.dnsAutopath === true,
    lockDir: dir.nodesDir,
  };
  return {
    nodes: new WorkerHandle('nodes', entry('nodes'), nodesData, log),
    services: new WorkerHandle('services', entry('services'), servicesData, log),
  };
}
