import { age, ageColumn, clippedList, column, nameColumn, orNone } from '../columns.ts';
import { defineKind } from '../define-kind.ts';
import { deepEqual } from '../equal.ts';
import { duplicate, type FieldError, invalid, required, tooMany } from '../field-error.ts';
import type * as t from '../generated/types.ts';
import type { KindDefinition } from '../kind.ts';
import { checkDns1123Label, checkDns1123Subdomain, checkLabelValue, checkPort, checkQualifiedName } from '../names.ts';
import { endpointSlices } from '../resource.ts';
import { checkLegacyIp, parseLegacyIp, plainLegacyIp } from '../service/legacy-ip.ts';
import { checkStrictIp } from '../service/strict-ip.ts';
import { invalidAll, validateChoice, validateImmutable, validateNonSpecialIp } from '../validation.ts';

const MAX_ENDPOINTS = 1000;
const MAX_ADDRESSES = 100;
const MAX_PORTS = 20000;
const MAX_HINTS = 8;

function portText({ port, name }: t.DiscoveryEndpointPort): string {
  return port === undefined ? (name ?? '*') : String(port);
}

/** Endpoints that have all stay the same objects: of a hundred, mostly one differs from what is stored. */
function defaults(slice: t.EndpointSlice): t.EndpointSlice {
  const endpoints = slice.endpoints?.map((endpoint) =>
    endpoint.conditions === undefined ? { ...endpoint, conditions: {} } : endpoint,
  );
  return {
    ...slice,
    ...(endpoints === undefined ? {} : { endpoints }),
    ...(slice.ports === undefined ? {} : { ports: slice.ports.map(portDefaults) }),
  };
}

/** What beta versions kept beside the node's name and the zone: v1 does not take it in. */
function withoutTopology(slice: t.EndpointSlice): t.EndpointSlice {
  if (slice.endpoints?.some(({ deprecatedTopology }) => deprecatedTopology !== undefined) !== true) return slice;
  const endpoints = slice.endpoints.map((endpoint) => {
    const { deprecatedTopology: _, ...rest } = endpoint;
    return rest;
  });
  return { ...slice, endpoints };
}

function portDefaults(port: t.DiscoveryEndpointPort): t.DiscoveryEndpointPort {
  return { ...port, name: port.name ?? '', protocol: port.protocol ?? 'TCP' };
}

function validateName(name: string, field: string): FieldError[] {
  if (name === '') return [required(field)];
  const plain = name.replace(/\.$/, '');
  const problems = checkDns1123Subdomain(plain);
  if (problems.length > 0) return [invalid(field, plain, problems.join(','))];
  if (plain.includes('.')) return [];
  return [invalid(field, plain, 'should be a domain with at least two segments separated by dots')];
}

/** Wrong families are told of the list, not of the entry: that is how they always were. */
function validateAddress(type: string, address: string, list: string, index: number): FieldError[] {
  const field = `${list}[${index}]`;
  if (type === 'FQDN') return validateName(address, field);
  if (type !== 'IPv4' && type !== 'IPv6') return [];
  const problems = type === 'IPv4' ? checkLegacyIp(field, address) : invalidAll(field, address, checkStrictIp(address));
  if (problems.length > 0) return problems;
  const fits = `IPv${parseLegacyIp(address)?.family ?? ''}` === type;
  const wrong = fits ? [] : [invalid(list, address, `must be an ${type} address`)];
  return [...wrong, ...validateNonSpecialIp(field, plainLegacyIp(address))];
}

type Hint = { readonly name?: string };

function validateHintList(
  hints: readonly Hint[],
  at: string,
  check: (name: string) => readonly string[],
): FieldError[] {
  if (hints.length > MAX_HINTS) return [tooMany(at, hints.length, MAX_HINTS)];
  const seen = new Set<string>();
  return hints.flatMap(({ name = '' }, i) => {
    const field = `${at}[${i}].name`;
    const twice = seen.has(name) ? [duplicate(field, name)] : [];
    seen.add(name);
    return [...twice, ...invalidAll(field, name, check(name))];
  });
}

function validateHints({ forZones = [], forNodes = [] }: t.EndpointHints, at: string): FieldError[] {
  return [
    ...validateHintList(forZones, `${at}.forZones`, checkLabelValue),
    ...validateHintList(forNodes, `${at}.forNodes`, checkDns1123Subdomain),
  ];
}

function validateEndpoint(endpoint: Partial<t.Endpoint>, type: string, at: string): FieldError[] {
  const { addresses = [], hostname, nodeName, hints } = endpoint;
  const errors: FieldError[] = [];
  if (addresses.length === 0) errors.push(required(`${at}.addresses`, 'must contain at least 1 address'));
  else if (addresses.length > MAX_ADDRESSES) {
    errors.push(tooMany(`${at}.addresses`, addresses.length, MAX_ADDRESSES));
  }
  addresses.forEach((address, i) => errors.push(...validateAddress(type, address, `${at}.addresses`, i)));
  if (nodeName !== undefined) errors.push(...invalidAll(`${at}.nodeName`, nodeName, checkDns1123Subdomain(nodeName)));
  if (hostname !== undefined) errors.push(...invalidAll(`${at}.hostname`, hostname, checkDns1123Label(hostname)));
  return hints === undefined ? errors : [...errors, ...validateHints(hints, `${at}.hints`)];
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

function validate(slice: t.EndpointSlice, old?: t.EndpointSlice): FieldError[] {
  const endpoints = slice.endpoints ?? [];
  const type = slice.addressType;
  // What is stored was found right, for addresses of its type.
  const known = new Set(old?.addressType === type ? old?.endpoints : []);
  const tooBig = endpoints.length > MAX_ENDPOINTS ? [tooMany('endpoints', endpoints.length, MAX_ENDPOINTS)] : [];
  return [
    ...validateChoice('addressType', type, ['FQDN', 'IPv4', 'IPv6']),
    ...validatePorts(slice.ports ?? []),
    ...tooBig,
    ...(tooBig.length > 0
      ? []
      : endpoints.flatMap((endpoint, i) =>
          known.has(endpoint) ? [] : validateEndpoint(endpoint, type, `endpoints[${i}]`),
        )),
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
  defaults,
  prepareCreate: withoutTopology,
  // Endpoints that stay as they are keep it.
  prepareUpdate: (slice, old) => (deepEqual(slice.endpoints, old.endpoints) ? slice : withoutTopology(slice)),
  validate,
  validateChange: (slice, old) => validateImmutable('addressType', slice.addressType, old.addressType),
  warnings: ({ addressType }) => (addressType === 'FQDN' ? ['spec.addressType: FQDN endpoints are deprecated'] : []),
});
