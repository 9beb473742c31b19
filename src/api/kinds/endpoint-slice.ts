import { parseIp } from '#base/ip.ts';
import { age, ageColumn, clippedList, column, nameColumn, orNone } from '../columns.ts';
import { defineKind } from '../define-kind.ts';
import { duplicate, type FieldError, invalid, required, tooMany } from '../field-error.ts';
import type * as t from '../generated/types.ts';
import { type KindDefinition } from '../kind.ts';
import { checkDns1123Label, checkDns1123Subdomain, checkPort, checkQualifiedName } from '../names.ts';
import { endpointSlices } from '../resource.ts';
import { invalidAll, validateChoice, validateImmutable, validateNonSpecialIp } from '../validation.ts';

const MAX_ENDPOINTS = 1000;
const MAX_ADDRESSES = 100;
const MAX_PORTS = 20000;

function portText({ port, name }: t.DiscoveryEndpointPort): string {
  return port === undefined ? (name ?? '*') : String(port);
}

function portDefaults(port: t.DiscoveryEndpointPort): t.DiscoveryEndpointPort {
  return { ...port, name: port.name ?? '', protocol: port.protocol ?? 'TCP' };
}

function validateAddress(type: string, address: string, field: string): FieldError[] {
  if (type === 'FQDN') return invalidAll(field, address, checkDns1123Subdomain(address));
  const ip = parseIp(address);
  if (ip === undefined) {
    return [invalid(field, address, 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)')];
  }
  if (`IPv${ip.family}` !== type) return [invalid(field, address, `must be an ${type} address`)];
  return validateNonSpecialIp(field, address);
}

function validateEndpoint(endpoint: Partial<t.Endpoint>, type: string, at: string): FieldError[] {
  const { addresses = [], hostname, nodeName } = endpoint;
  const errors: FieldError[] = [];
  if (addresses.length === 0) errors.push(required(`${at}.addresses`, 'must contain at least 1 address'));
  else if (addresses.length > MAX_ADDRESSES) {
    errors.push(tooMany(`${at}.addresses`, addresses.length, MAX_ADDRESSES));
  }
  addresses.forEach((address, i) => errors.push(...validateAddress(type, address, `${at}.addresses[${i}]`)));
  if (hostname !== undefined) errors.push(...invalidAll(`${at}.hostname`, hostname, checkDns1123Label(hostname)));
  if (nodeName !== undefined) errors.push(...invalidAll(`${at}.nodeName`, nodeName, checkDns1123Subdomain(nodeName)));
  return errors;
}

function validatePorts(ports: readonly t.DiscoveryEndpointPort[]): FieldError[] {
  if (ports.length > MAX_PORTS) return [tooMany('ports', ports.length, MAX_PORTS)];
  const names = new Set<string>();
  return ports.flatMap(({ name = '', port, protocol, appProtocol }, i) => {
    const at = `ports[${i}]`;
    const errors = name === '' ? [] : invalidAll(`${at}.name`, name, checkDns1123Label(name));
    if (names.has(name)) errors.push(duplicate(`${at}.name`, name));
    names.add(name);
    errors.push(...validateChoice(`${at}.protocol`, protocol, ['SCTP', 'TCP', 'UDP']));
    if (port !== undefined) errors.push(...invalidAll(`${at}.port`, port, checkPort(port)));
    if (appProtocol !== undefined) {
      errors.push(...invalidAll(`${at}.appProtocol`, appProtocol, checkQualifiedName(appProtocol)));
    }
    return errors;
  });
}

function validate(slice: t.EndpointSlice): FieldError[] {
  const endpoints = slice.endpoints ?? [];
  const type = slice.addressType;
  const tooBig = endpoints.length > MAX_ENDPOINTS ? [tooMany('endpoints', endpoints.length, MAX_ENDPOINTS)] : [];
  return [
    ...validateChoice('addressType', type, ['FQDN', 'IPv4', 'IPv6']),
    ...tooBig,
    ...(tooBig.length > 0
      ? []
      : endpoints.flatMap((endpoint, i) => validateEndpoint(endpoint, type, `endpoints[${i}]`))),
    ...validatePorts(slice.ports ?? []),
  ];
}

export const endpointSlice: KindDefinition<t.EndpointSlice> = defineKind(endpointSlices, {
  generation: ({ addressType, endpoints, ports }) => ({ addressType, endpoints, ports }),
  columns: [
    nameColumn,
    column('AddressType', 'string', 'IPv4, IPv6 or FQDN.'),
    column('Ports', 'string', 'The first ports.'),
    column('Endpoints', 'string', 'The first addresses.'),
    ageColumn,
  ],
  row: (slice, now) => {
    const addresses = (slice.endpoints ?? []).flatMap((endpoint) => endpoint.addresses);
    return [
      slice.metadata.name,
      slice.addressType,
      orNone(clippedList((slice.ports ?? []).map(portText), 3), '<unset>'),
      orNone(clippedList(addresses, 3), '<unset>'),
      age(slice, now),
    ];
  },
  defaults: (slice) => (slice.ports === undefined ? slice : { ...slice, ports: slice.ports.map(portDefaults) }),
  validate,
  validateChange: (slice, old) => validateImmutable('addressType', slice.addressType, old.addressType),
});
