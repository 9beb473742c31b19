import { type Endpoint, type EndpointSlice } from '#api/generated/types.ts';
import { type EndpointState } from './categorize.ts';
import { type Backend, type Protocol } from './frontend.ts';
import { canonicalIp, isPort, parseProtocol, type ServicePortInfo } from './service-ports.ts';
import { type IpFamily } from '#base/ip.ts';

export type SliceEndpoint = Backend & EndpointState;

const NONE: readonly string[] = Object.freeze([]);

/**
 * The endpoints of one port of a Service in all of its slices, each address and port once. A controller that moves an
 * endpoint from one slice to another may show it in both for a while: the more usable one counts.
 */
export function endpointsOfPort(
  slices: Iterable<EndpointSlice>,
  port: ServicePortInfo,
  family: IpFamily,
  nodeName: string,
): readonly SliceEndpoint[] {
  const found = new Map<string, SliceEndpoint>();
  const addressType = family === 4 ? 'IPv4' : 'IPv6';
  for (const slice of slices) {
    if (slice.addressType !== addressType) continue;
    const number = portNumber(slice, port.name, port.protocol);
    if (number === undefined) continue;
    for (const endpoint of slice.endpoints ?? []) {
      const parsed = parseEndpoint(endpoint, number, family, nodeName);
      if (parsed === undefined) continue;
      const id = `${parsed.address} ${number}`;
      const known = found.get(id);
      if (known === undefined || usability(parsed) > usability(known)) found.set(id, parsed);
    }
  }
  return [...found.values()];
}

/** The slice's port of that name: its number may differ from slice to slice, when Pods name different ports so. */
function portNumber(slice: EndpointSlice, name: string, protocol: Protocol): number | undefined {
  const port = slice.ports?.find((one) => (one.name ?? '') === name && parseProtocol(one.protocol) === protocol);
  return isPort(port?.port) ? port.port : undefined;
}

/** Absent conditions mean ready and not terminating. Only the first address counts. */
function parseEndpoint(
  endpoint: Endpoint,
  port: number,
  family: IpFamily,
  nodeName: string,
): SliceEndpoint | undefined {
  const text = endpoint.addresses[0];
  if (text === undefined) return undefined;
  const address = canonicalIp(text);
  if (address === undefined || address.includes(':') !== (family === 6)) return undefined;
  return {
    address,
    port,
    isLocal: endpoint.nodeName === nodeName,
    ...parseConditions(endpoint),
    nodeHints: endpoint.hints?.forNodes?.map(({ name }) => name) ?? NONE,
    zoneHints: endpoint.hints?.forZones?.map(({ name }) => name) ?? NONE,
  };
}

function parseConditions({ conditions }: Endpoint): Pick<EndpointState, 'isReady' | 'isServing' | 'isTerminating'> {
  const isReady = conditions?.ready ?? true;
  return { isReady, isServing: conditions?.serving ?? isReady, isTerminating: conditions?.terminating ?? false };
}

function usability(endpoint: SliceEndpoint): number {
  return (endpoint.isReady ? 4 : 0) + (endpoint.isServing ? 2 : 0) + (endpoint.isLocal ? 1 : 0);
}
