import type { MessagePort } from 'node:worker_threads';
import type { LogRecord } from '#base/log.ts';
import type { ProxyMode } from './config.ts';
import type { ControlReply, ImageRequest } from './control.ts';
import type { NodePlan } from './network-plan.ts';

/** Netlink sockets of a node's namespace. Descriptors are numbers that every thread of the process shares. */
export interface NodeSockets extends NodePlan {
  /** The namespace itself, for programs that are to run in it. */
  readonly netnsFd: number;
  readonly nftablesFd: number;
  readonly conntrackFd: number;
  /** Has joined the group that is told of every change in nf_tables. */
  readonly nftablesEventsFd: number;
}

/** Sockets bound on the fabric, to be served by threads that stay outside of it. */
export interface FabricSockets {
  readonly apiFd: number;
  readonly dnsUdpFd: number;
  readonly dnsTcpFd: number;
  /** For the metrics and probes of DNS. */
  readonly dnsMonitorFd: number;
  /** The fabric's network namespace. */
  readonly netFd: number;
}

export interface EdgeWorkerData {
  readonly fabricFd: number;
}

/** What every worker may tell the main thread. */
export type FromWorker =
  | { readonly kind: 'log'; readonly record: LogRecord }
  | { readonly kind: 'network'; readonly nodes: readonly NodeSockets[]; readonly fabric: FabricSockets }
  | { readonly kind: 'ready' }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'reply'; readonly id: number; readonly reply: ControlReply }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string; readonly hint: string | undefined };

export interface NodesWorkerData {
  readonly api: MessagePort;
  /** What the services' worker has done on nodes: node-errands.ts. */
  readonly errands: MessagePort;
  readonly nodes: readonly NodePlan[];
  /** Ranges and addresses: one a family, the primary family first. */
  readonly fabricCidrs: readonly string[];
  readonly controlAddresses: readonly string[];
  readonly serviceCidrs: readonly string[];
  readonly podCidrs: readonly string[];
  readonly loadBalancerCidrs: readonly string[];
  readonly dnsIp: string;
  /** Files of Pods, one directory a node. */
  readonly nodesDir: string;
  readonly imagesDir: string;
  readonly registryMirrors: Readonly<Record<string, readonly string[]>>;
  readonly diskPressure: boolean;
  /** Where the main thread says who its user is to registries: keyring-port.ts. */
  readonly keyring: MessagePort;
  /** Asks for sockets of the cluster network; see `pod-sockets.ts`. */
  readonly sockets: MessagePort;
  /** Where the main thread reaches the nodes for logs and exec. */
  readonly streamSocket: string;
  /** The nodes write down their control groups there. */
  readonly cgroupsFile: string;
  /** Hidden from Pods. */
  readonly stateDir: string;
}

/** Sent to the nodes' worker: `start` once the API answers, `stop` to end all Pods. */
export type ToNodesWorker =
  | { readonly kind: 'start' }
  | { readonly kind: 'stop' }
  /** Answered by a `reply` with the same `id`. */
  | { readonly kind: 'call'; readonly id: number; readonly call: NodesWorkerCall };

export type NodesWorkerCall =
  | ImageRequest
  /** The way out of the cluster is by this network namespace; it is closed. */
  | { readonly kind: 'egress'; readonly netFd: number }
  /** Answered with its `NodeSockets`. */
  | { readonly kind: 'node-build'; readonly plan: NodePlan }
  | { readonly kind: 'node-start' | 'node-stop' | 'node-remove'; readonly name: string };

export interface ServicesWorkerData {
  readonly api: MessagePort;
  readonly errands: MessagePort;
  readonly serviceCidrs: readonly string[];
  readonly podCidrs: readonly string[];
  readonly loadBalancerCidrs: readonly string[];
  readonly proxyMode: ProxyMode;
  readonly dnsAutopath: boolean;
  /** For files that iptables' programs lock. */
  readonly lockDir: string;
}

/** Sent to the services' worker: `start` once the API answers. Calls are answered by a `reply`. */
export type ToServicesWorker =
  | { readonly kind: 'start'; readonly nodes: readonly NodeSockets[]; readonly fabric: FabricSockets }
  | { readonly kind: 'call'; readonly id: number; readonly call: ServicesWorkerCall };

export type ServicesWorkerCall =
  | { readonly kind: 'node-add'; readonly node: NodeSockets }
  | { readonly kind: 'node-remove'; readonly name: string };
