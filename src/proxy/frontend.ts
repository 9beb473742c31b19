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
 * What clients connect to: an address, a protocol and a port, and where connections go. Today all are of kind
 * `cluster`; NodePorts, load balancer addresses and external IPs will be frontends of other kinds with the backends
 * that their traffic policy leaves.
 */
export interface Frontend {
  readonly kind: 'cluster';
  readonly address: string;
  readonly protocol: Protocol;
  readonly port: number;
  /** `namespace/name:port`, for people. */
  readonly service: string;
  /** Without backends connections are refused. No two are the same address and port. */
  readonly backends: readonly Backend[];
}

/** Names a frontend: `10.96.0.1/tcp/443`. */
export type FrontendId = string;

export function frontendId(address: string, protocol: Protocol, port: number): FrontendId {
  return `${address}/${protocol}/${port}`;
}

export interface FrontendAddress {
  readonly address: string;
  readonly protocol: Protocol;
  readonly port: number;
}

export function parseFrontendId(id: FrontendId): FrontendAddress {
  const [address = '', protocol, port] = id.split('/');
  return { address, protocol: protocol as Protocol, port: Number(port) };
}

/** A frontend as it is to be from now on; undefined when it is to go. */
export interface FrontendChange {
  readonly id: FrontendId;
  readonly frontend: Frontend | undefined;
}
