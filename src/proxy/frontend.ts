import type { Cidr } from '#base/cidr.ts';
import type { IpFamily } from '#base/ip.ts';

/** As in a Service; SCTP is in every key and costs nothing. */
export type Protocol = 'tcp' | 'udp' | 'sctp';

/** Where a connection may be sent. */
export interface Backend {
  readonly address: string;
  readonly port: number;
  /** On the node that this proxy programs. */
  readonly isLocal: boolean;
}

/**
 * For whom a frontend is, and what becomes of the client's address:
 * - `cluster`: a cluster address. Clients inside keep their address.
 * - `external`: a NodePort, a load balancer's address or an external IP under externalTrafficPolicy Cluster. Every client
 *   gets the node's address, since the answer has to come back through this node.
 * - `inside` and `local`: the same under externalTrafficPolicy Local: `inside` is for clients in the cluster, who may go to
 *   every backend; `local` for all others, who keep their address and may only go to backends of this node.
 */
export type FrontendKind = 'cluster' | 'external' | 'inside' | 'local';

/** What the Service states the address as. */
export type FrontendOrigin = 'clusterIP' | 'externalIP' | 'loadBalancer' | 'nodePort';

export interface FrontendAddress {
  /** `ANY_ADDRESS` for a NodePort, which every address of the node has. */
  readonly address: string;
  readonly protocol: Protocol;
  readonly port: number;
}

/** What clients connect to: an address, a protocol and a port, and where connections go. */
export interface Frontend extends FrontendAddress {
  readonly kind: FrontendKind;
  readonly origin: FrontendOrigin;
  /** `namespace/name:port`, for people, and in the names of chains. */
  readonly service: string;
  /** The traffic policy that chose the backends. */
  readonly policy: 'Cluster' | 'Local';
  /** No two are the same address and port. */
  readonly backends: readonly Backend[];
  /** What clients meet where there are no backends: there are some elsewhere (`drop`), or nowhere. */
  readonly whenEmpty: 'reject' | 'drop';
  /** How long a client stays with its backend, in seconds; 0 for not at all. */
  readonly affinitySeconds: number;
  /** Whose connections are taken; absent for everybody's. */
  readonly sources?: Sources | undefined;
  /** Of a cluster address: where load balancers ask whether the node has backends; 0 for nowhere. */
  readonly healthCheckPort: number;
}

/** loadBalancerSourceRanges of one family. */
export interface Sources {
  /** `namespace/name` */
  readonly service: string;
  readonly ranges: readonly Cidr[];
  /** The load balancer's own of that family: a node that has them asks from them, too. */
  readonly addresses: readonly string[];
}

/** Names a frontend: `10.96.0.1/tcp/443`, `0.0.0.0/tcp/30080`, `0.0.0.0/tcp/30080/local`. */
export type FrontendId = string;

export const ANY_ADDRESS: Readonly<Record<IpFamily, string>> = { 4: '0.0.0.0', 6: '::' };

/** Which of a frontend's two lists of backends: only `local` frontends have the other one. */
export type ListName = 'all' | 'local';

export interface FrontendPlace extends FrontendAddress {
  readonly list: ListName;
}

export function frontendId(address: string, protocol: Protocol, port: number, list: ListName = 'all'): FrontendId {
  const id = `${address}/${protocol}/${port}`;
  return list === 'all' ? id : `${id}/local`;
}

export function idOf(frontend: Frontend): FrontendId {
  return frontendId(frontend.address, frontend.protocol, frontend.port, listOf(frontend.kind));
}

export function listOf(kind: FrontendKind): ListName {
  return kind === 'local' ? 'local' : 'all';
}

export function parseFrontendId(id: FrontendId): FrontendPlace {
  const [address = '', protocol, port, list] = id.split('/');
  return { address, protocol: protocol as Protocol, port: Number(port), list: list === undefined ? 'all' : 'local' };
}

export function placeOf({ address, protocol, port, kind }: Frontend): FrontendPlace {
  return { address, protocol, port, list: listOf(kind) };
}

export function isNodePort(address: string): boolean {
  return address === ANY_ADDRESS[4] || address === ANY_ADDRESS[6];
}

/** A frontend as it is to be from now on; undefined when it is to go. */
export interface FrontendChange {
  readonly id: FrontendId;
  readonly frontend: Frontend | undefined;
}
