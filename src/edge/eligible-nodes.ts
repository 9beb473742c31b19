import type { EndpointSlice, Node } from '#api/generated/types.ts';
import type { HostPort, Target } from './host-port.ts';

export interface NodeAddresses {
  readonly name: string;
  /** InternalIPs. */
  readonly addresses: readonly string[];
  /** It is ready, and wants to be sent what comes from outside. */
  readonly isOpen: boolean;
}

const EXCLUDED = 'node.kubernetes.io/exclude-from-external-load-balancers';

export function nodeAddresses({ metadata, status }: Node): NodeAddresses {
  const stated = status?.addresses ?? [];
  return {
    name: metadata.name,
    addresses: stated.filter(({ type }) => type === 'InternalIP').map(({ address }) => address),
    isOpen:
      metadata.labels?.[EXCLUDED] === undefined &&
      status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') === true,
  };
}

/** Names of nodes that have endpoints of their own: ready ones, else such as are on their way out and still serve. */
export function nodesWithEndpoints(slices: readonly EndpointSlice[]): ReadonlySet<string> {
  const endpoints = slices.flatMap(({ endpoints: list }) => list ?? []);
  const ready = endpoints.filter(({ conditions }) => conditions?.ready !== false);
  const serving = endpoints.filter(({ conditions }) => conditions?.serving === true && conditions.terminating === true);
  const chosen = ready.length > 0 ? ready : serving;
  return new Set(chosen.flatMap(({ nodeName }) => nodeName ?? []));
}

export interface Way {
  /** Each connection goes to one of these; none: it is refused. */
  readonly targets: readonly Target[];
  /** The node that takes what goes to a load balancer's address. */
  readonly via: string | undefined;
}

/**
 * Where connections to a port of the host go: `eligible` undefined stands for all nodes. Where no node is open, any is better
 * than none: it may be the API that does not know better.
 */
export function wayOf(port: HostPort, nodes: readonly NodeAddresses[], eligible: ReadonlySet<string> | undefined): Way {
  const { balancer, spreadTo } = port;
  const isIPv6 = (balancer ?? port.address).includes(':');
  const isOfFamily = (address: string): boolean => address.includes(':') === isIPv6;
  const open = nodes.filter(({ isOpen }) => isOpen);
  const able = (open.length > 0 ? open : nodes)
    .filter(({ name }) => eligible === undefined || eligible.has(name))
    .flatMap(({ addresses }) => addresses.find(isOfFamily) ?? []);
  if (balancer === undefined || spreadTo !== undefined) {
    return { targets: able.map((address) => ({ address, port: spreadTo ?? port.port })), via: undefined };
  }
  const [via] = able;
  return { targets: via === undefined ? [] : [{ address: balancer, port: port.port }], via };
}
