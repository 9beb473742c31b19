import { type EndpointSlice, type Endpoint, type Service } from '#api/generated/types.ts';
import { parseIp, reverseName } from '#base/ip.ts';
import { type DnsRecord } from './record.ts';

interface NamedPort {
  readonly name: string | undefined;
  readonly protocol: string;
  readonly port: number;
}

/**
 * All records that one Service has (Kubernetes DNS-Based Service Discovery 1.1.0). `slices` are its EndpointSlices;
 * `zone` is the cluster domain, without dots at the ends.
 */
export function serviceRecords(service: Service, slices: readonly EndpointSlice[], zone: string): readonly DnsRecord[] {
  const { name, namespace = '' } = service.metadata;
  const base = `${name}.${namespace}.svc.${zone}`.toLowerCase();
  const { spec } = service;
  if (spec.type === 'ExternalName') return externalNameRecords(base, spec.externalName ?? '');
  const endpoints = slices.flatMap((slice) => sliceRecords(slice, base));
  const ips = (spec.clusterIPs ?? [spec.clusterIP ?? '']).filter((ip) => parseIp(ip) !== undefined);
  if (ips.length === 0) return headless(slices, base, endpoints);
  const ports = (spec.ports ?? []).map(({ name: port, protocol = 'TCP', port: number }) => ({
    name: port,
    protocol,
    port: number,
  }));
  return [
    ...ips.flatMap((ip) => [addressRecord(base, ip), { kind: 'PTR' as const, name: reverse(ip), target: base }]),
    ...serviceLocations(base, base, ports),
    ...endpoints,
  ];
}

/** An alias of an address would be an answer that no resolver understands, so there is none. */
function externalNameRecords(base: string, externalName: string): readonly DnsRecord[] {
  const target = externalName.replace(/\.$/, '').toLowerCase();
  if (target === '' || parseIp(target) !== undefined) return [];
  return [{ kind: 'CNAME', name: base, target }];
}

function headless(
  slices: readonly EndpointSlice[],
  base: string,
  endpoints: readonly DnsRecord[],
): readonly DnsRecord[] {
  const own = slices.flatMap((slice) =>
    ready(slice).flatMap((endpoint) => [
      ...endpoint.addresses.map((address) => addressRecord(base, address)),
      ...endpoint.addresses.flatMap((address) =>
        serviceLocations(base, endpointName(endpoint, address, base), portsOf(slice)),
      ),
    ]),
  );
  return [...own, ...endpoints];
}

/** Each ready endpoint has a name of its own below the Service, and its address leads back to that. */
function sliceRecords(slice: EndpointSlice, base: string): readonly DnsRecord[] {
  return ready(slice).flatMap((endpoint) =>
    endpoint.addresses.flatMap((address): readonly DnsRecord[] => {
      const name = endpointName(endpoint, address, base);
      return [addressRecord(name, address), { kind: 'PTR', name: reverse(address), target: name }];
    }),
  );
}

/** One SRV record a port below the Service's own name; a named port also below `_name._protocol`. */
function serviceLocations(base: string, target: string, ports: readonly NamedPort[]): readonly DnsRecord[] {
  return ports.flatMap(({ name, protocol, port }): readonly DnsRecord[] => {
    const all: DnsRecord = { kind: 'SRV', name: base, target, port };
    if (name === undefined || name === '') return [all];
    return [all, { kind: 'SRV', name: `_${name}._${protocol}.${base}`.toLowerCase(), target, port }];
  });
}

/** The conditions are set by controllers; an absent one means yes, as the API says. */
function ready(slice: EndpointSlice): readonly Endpoint[] {
  if (slice.addressType === 'FQDN') return [];
  return (slice.endpoints ?? []).filter((endpoint) => endpoint.conditions?.ready !== false);
}

function portsOf(slice: EndpointSlice): readonly NamedPort[] {
  return (slice.ports ?? []).flatMap(({ name, protocol = 'TCP', port }) =>
    port === undefined ? [] : [{ name, protocol, port }],
  );
}

/** `web-0.db.default.svc...` for an endpoint with a hostname, else `10-244-0-5.db.default.svc...`. */
function endpointName(endpoint: Endpoint, address: string, base: string): string {
  const label = endpoint.hostname ?? address.replaceAll(/[.:]/g, '-');
  return `${label}.${base}`.toLowerCase();
}

function addressRecord(name: string, address: string): DnsRecord {
  return { kind: address.includes(':') ? 'AAAA' : 'A', name, address };
}

function reverse(address: string): string {
  const ip = parseIp(address);
  return ip === undefined ? '' : reverseName(ip);
}
