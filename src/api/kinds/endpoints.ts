import { age, ageColumn, clippedList, column, nameColumn } from '../columns.ts';
import { defineKind } from '../define-kind.ts';
import { type FieldError, required } from '../field-error.ts';
import type * as t from '../generated/types.ts';
import type { KindDefinition } from '../kind.ts';
import { checkDns1123Label, checkDns1123Subdomain, checkPort, checkQualifiedName } from '../names.ts';
import { endpoints as resource } from '../resource.ts';
import { checkLegacyIp, plainLegacyIp } from '../service/legacy-ip.ts';
import { invalidAll, validateChoice, validateNonSpecialIp } from '../validation.ts';

function hostPort(ip: string = '', port: number = 0): string {
  return ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`;
}

function endpointsCell(subsets: readonly t.EndpointSubset[]): string {
  if (subsets.length === 0) return '<none>';
  const all = subsets.flatMap(({ addresses = [], ports = [] }) =>
    ports.length === 0
      ? addresses.map(({ ip }) => ip)
      : ports.flatMap(({ port }) => addresses.map(({ ip }) => hostPort(ip, port))),
  );
  return clippedList(all, 3);
}

function validateAddress(address: Partial<t.EndpointAddress>, at: string): FieldError[] {
  const { ip = '', hostname = '', nodeName } = address;
  return [
    ...checkLegacyIp(`${at}.ip`, ip),
    ...(hostname === '' ? [] : invalidAll(`${at}.hostname`, hostname, checkDns1123Label(hostname))),
    ...(nodeName === undefined ? [] : invalidAll(`${at}.nodeName`, nodeName, checkDns1123Subdomain(nodeName))),
    ...validateNonSpecialIp(`${at}.ip`, plainLegacyIp(ip)),
  ];
}

function validatePort(port: t.CoreEndpointPort, at: string, named: boolean): FieldError[] {
  const { name = '' } = port;
  const errors = name === '' ? [] : invalidAll(`${at}.name`, name, checkDns1123Label(name));
  if (named && name === '') errors.push(required(`${at}.name`));
  return [
    ...errors,
    ...invalidAll(`${at}.port`, port.port ?? 0, checkPort(port.port ?? 0)),
    ...validateChoice(`${at}.protocol`, port.protocol, ['SCTP', 'TCP', 'UDP']),
    ...(port.appProtocol === undefined
      ? []
      : invalidAll(`${at}.appProtocol`, port.appProtocol, checkQualifiedName(port.appProtocol))),
  ];
}

type Known = ReadonlyMap<string, t.EndpointAddress>;

/** What is stored was found right: of a thousand addresses mostly one is another. */
function knownAddresses(old: t.Endpoints | undefined): Known {
  const all = (old?.subsets ?? []).flatMap(({ addresses = [], notReadyAddresses = [] }) => [
    ...addresses,
    ...notReadyAddresses,
  ]);
  return new Map(all.map((address) => [address.ip, address]));
}

function isKnown(known: Known, { ip = '', hostname, nodeName }: Partial<t.EndpointAddress>): boolean {
  const stored = known.get(ip);
  return stored !== undefined && stored.hostname === hostname && stored.nodeName === nodeName;
}

function validateSubset(subset: t.EndpointSubset, at: string, known: Known): FieldError[] {
  const { addresses = [], notReadyAddresses = [], ports = [] } = subset;
  return [
    ...(addresses.length + notReadyAddresses.length === 0
      ? [required(at, 'must specify `addresses` or `notReadyAddresses`')]
      : []),
    ...addresses.flatMap((address, i) =>
      isKnown(known, address) ? [] : validateAddress(address, `${at}.addresses[${i}]`),
    ),
    ...notReadyAddresses.flatMap((address, i) =>
      isKnown(known, address) ? [] : validateAddress(address, `${at}.notReadyAddresses[${i}]`),
    ),
    ...ports.flatMap((port, i) => validatePort(port, `${at}.ports[${i}]`, ports.length > 1)),
  ];
}

function defaults(object: t.Endpoints): t.Endpoints {
  if (object.subsets === undefined) return object;
  const subsets = object.subsets.map((subset) =>
    subset.ports === undefined
      ? subset
      : { ...subset, ports: subset.ports.map((port) => ({ ...port, protocol: port.protocol ?? 'TCP' })) },
  );
  return { ...object, subsets };
}

export const endpoints: KindDefinition<t.Endpoints> = defineKind(resource, {
  shortNames: ['ep'],
  singular: 'endpoints',
  createOnUpdate: true,
  columns: [nameColumn, column('Endpoints', 'string', 'The first addresses and ports.'), ageColumn],
  row: (object, now) => [object.metadata.name, endpointsCell(object.subsets ?? []), age(object, now)],
  defaults,
  validate: ({ subsets }, old) => {
    const known = knownAddresses(old);
    return (subsets ?? []).flatMap((subset, i) => validateSubset(subset, `subsets[${i}]`, known));
  },
  deprecation: 'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice',
});
