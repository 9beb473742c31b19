import { formatHostPort, isProxyable } from './address.ts';
import type { EndpointSlice, Service } from '#api/generated/types.ts';
import { endpointSlices, nodes, pods, services } from '#api/resource.ts';
import { badRequest, notFoundStatus, serviceUnavailable } from '#api/status.ts';
import { find, type ServerContext } from '../context.ts';
import { StatusError } from '../status-error.ts';
import type { ProxyPath } from './proxy-path.ts';

/** Where a proxied request goes: into the cluster network, or to the server of a node. */
export type ProxyTarget =
  | {
      readonly kind: 'address';
      readonly tls: boolean;
      readonly address: string;
      readonly port: number;
      readonly host: string;
    }
  | { readonly kind: 'node'; readonly nodeName: string; readonly host: string };

type Server = Pick<ServerContext, 'storage'>;

/** @throws {StatusError} where there is nothing to go to. */
export function proxyTarget(server: Server, to: ProxyPath): ProxyTarget {
  switch (to.plural) {
    case 'pods':
      return podTarget(server, to);
    case 'services':
      return serviceTarget(server, to);
    case 'nodes':
      return nodeTarget(server, to);
  }
}

function at(to: ProxyPath, address: string, port: number): ProxyTarget {
  if (!isProxyable(address)) throw new StatusError(badRequest('address not allowed'));
  return { kind: 'address', tls: to.scheme === 'https', address, port, host: formatHostPort(address, port) };
}

function podTarget(server: Server, to: ProxyPath): ProxyTarget {
  const pod = find(server, pods, `${to.namespace}/${to.name}`);
  if (pod === undefined) throw new StatusError(notFoundStatus(pods, to.name));
  const first = pod.spec.containers.flatMap(({ ports }) => ports ?? [])[0]?.containerPort;
  const port = to.port === '' ? (first ?? defaultPort(to)) : portNumber(to);
  return at(to, pod.status?.podIPs?.[0]?.ip ?? pod.status?.podIP ?? '', port);
}

function nodeTarget(server: Server, to: ProxyPath): ProxyTarget {
  const node = find(server, nodes, to.name);
  if (node === undefined) throw new StatusError(notFoundStatus(nodes, to.name));
  const agentPort = node.status?.daemonEndpoints?.kubeletEndpoint?.Port;
  if (to.port === '' || to.port === String(agentPort)) return { kind: 'node', nodeName: to.name, host: to.name };
  const address = node.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address;
  return at(to, address ?? '', portNumber(to));
}

function serviceTarget(server: Server, to: ProxyPath): ProxyTarget {
  const service = find(server, services, `${to.namespace}/${to.name}`);
  if (service === undefined) throw new StatusError(notFoundStatus(services, to.name));
  const portName = portNameOf(service, to);
  const ends = endpointsOf(server, to, portName);
  const chosen = ends[Math.floor(Math.random() * ends.length)];
  if (chosen === undefined) {
    throw new StatusError(serviceUnavailable(`no endpoints available for service ${JSON.stringify(to.name)}`));
  }
  return at(to, chosen.address, chosen.port);
}

/** A port is asked for by its number or its name; endpoints know the name. */
function portNameOf(service: Service, { port, name }: ProxyPath): string {
  if (!/^\d+$/.test(port)) return port;
  const found = service.spec.ports?.find((one) => one.port === Number(port));
  if (found !== undefined) return found.name ?? '';
  throw new StatusError(serviceUnavailable(`no service port ${port} found for service ${JSON.stringify(name)}`));
}

function endpointsOf(
  { storage }: Server,
  { namespace, name }: ProxyPath,
  portName: string,
): readonly { readonly address: string; readonly port: number }[] {
  const found: { address: string; port: number }[] = [];
  for (const { object } of storage.cache(endpointSlices).list(`${namespace}/`)) {
    const slice = object as EndpointSlice;
    if (slice.metadata.labels?.['kubernetes.io/service-name'] !== name || slice.addressType === 'FQDN') continue;
    const port = slice.ports?.find((one) => (one.name ?? '') === portName)?.port;
    if (port === undefined) continue;
    for (const { addresses, conditions } of slice.endpoints ?? []) {
      const [address] = addresses;
      if (address !== undefined && conditions?.ready !== false) found.push({ address, port });
    }
  }
  return found;
}

function defaultPort({ scheme }: ProxyPath): number {
  return scheme === 'https' ? 443 : 80;
}

function portNumber({ port, name }: ProxyPath): number {
  const number = Number(port);
  if (/^\d+$/.test(port) && number > 0 && number < 65_536) return number;
  throw new StatusError(badRequest(`invalid port ${JSON.stringify(port)} of ${JSON.stringify(name)}`));
}
