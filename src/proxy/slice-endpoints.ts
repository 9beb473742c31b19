import type { IpFamily } from '#base/ip.ts';
import type { EndpointState } from './categorize.ts';
import type { Backend } from './frontend.ts';
import type { ServicePortInfo } from './service-ports.ts';
import { LOCAL, READY, SERVING, TERMINATING, type SliceInfo } from './slice-info.ts';

export type SliceEndpoint = Backend & EndpointState;

const NONE: readonly string[] = Object.freeze([]);

/**
 * The backends of one port of a Service where there is nothing to choose, as mostly: all endpoints are in one slice, and
 * ready, and none has a hint. undefined where that is not so.
 */
export function plainBackends(
  slices: readonly SliceInfo[],
  port: ServicePortInfo,
  family: IpFamily,
): readonly Backend[] | undefined {
  const [slice] = slices;
  if (slices.length !== 1 || slice?.family !== family || !slice.isUnique || slice.hints !== undefined) return undefined;
  const { addresses, flags } = slice;
  const number = portNumber(slice, port);
  if (number === undefined) return undefined;
  for (let i = 0; i < flags.length; i++) if ((flags.charCodeAt(i) & READY) === 0) return undefined;
  return addresses.map((address, i) => ({ address, port: number, isLocal: (flags.charCodeAt(i) & LOCAL) !== 0 }));
}

/**
 * The endpoints of one port of a Service in all of its slices, each address and port once. A controller that moves an
 * endpoint from one slice to another may show it in both for a while: the more usable one counts.
 */
export function endpointsOfPort(
  slices: Iterable<SliceInfo>,
  port: ServicePortInfo,
  family: IpFamily,
): readonly SliceEndpoint[] {
  const found = new Map<string, SliceEndpoint>();
  let first = 0;
  for (const slice of slices) {
    if (slice.family !== family) continue;
    const number = portNumber(slice, port);
    if (number === undefined) continue;
    if (first === 0) first = number;
    for (const [index, address] of slice.addresses.entries()) {
      // Mostly all slices have one number: then no text has to be made for each endpoint.
      const id = number === first ? address : `${address} ${number}`;
      const known = found.get(id);
      const endpoint = endpointOf(slice, index, address, number);
      if (known === undefined || usability(endpoint) > usability(known)) found.set(id, endpoint);
    }
  }
  return [...found.values()];
}

/** The slice's port of that name: its number may differ from slice to slice, when Pods name different ports so. */
function portNumber({ ports }: SliceInfo, { name, protocol }: ServicePortInfo): number | undefined {
  return ports.find((one) => one.name === name && one.protocol === protocol)?.port;
}

function endpointOf(slice: SliceInfo, index: number, address: string, port: number): SliceEndpoint {
  const flags = slice.flags.charCodeAt(index);
  const hints = slice.hints?.[index];
  return {
    address,
    port,
    isLocal: (flags & LOCAL) !== 0,
    isReady: (flags & READY) !== 0,
    isServing: (flags & SERVING) !== 0,
    isTerminating: (flags & TERMINATING) !== 0,
    nodeHints: hints?.nodes ?? NONE,
    zoneHints: hints?.zones ?? NONE,
  };
}

function usability(endpoint: SliceEndpoint): number {
  return (endpoint.isReady ? 4 : 0) + (endpoint.isServing ? 2 : 0) + (endpoint.isLocal ? 1 : 0);
}
