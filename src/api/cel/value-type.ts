import * as types from './cel-type.ts';
import type { CelType } from './cel-type.ts';
import {
  CelDuration,
  CelList,
  CelObject,
  CelOptional,
  CelTimestamp,
  CelTypeValue,
  CelUint,
  type CelValue,
} from './cel-value.ts';

const OPAQUE = {
  map: 'map',
  Quantity: 'kubernetes.Quantity',
  URL: 'kubernetes.URL',
  IP: 'net.IP',
  CIDR: 'net.CIDR',
  Format: 'kubernetes.NamedFormat',
  Semver: 'kubernetes.Semver',
} as const;

/** The type of a value as type() gives it: without parameters. */
export function valueType(value: CelValue): CelType {
  switch (typeof value) {
    case 'boolean':
      return types.BOOL;
    case 'bigint':
      return types.INT;
    case 'number':
      return types.DOUBLE;
    case 'string':
      return types.STRING;
    default:
      return value === null ? types.NULL : objectType(value);
  }
}

const LIST: CelType = { kind: 'list', name: 'list', params: [] };
const MAP: CelType = { kind: 'map', name: 'map', params: [] };
const OPTIONAL = types.opaque('optional_type');
const TYPE: CelType = { kind: 'type', name: 'type', params: [] };

function objectType(value: Extract<CelValue, object>): CelType {
  if (value instanceof CelUint) return types.UINT;
  if (value instanceof Uint8Array) return types.BYTES;
  if (value instanceof CelDuration) return types.DURATION;
  if (value instanceof CelTimestamp) return types.TIMESTAMP;
  if (value instanceof CelList) return LIST;
  if (value instanceof CelObject) return value.type;
  if (value instanceof CelOptional) return OPTIONAL;
  if (value instanceof CelTypeValue) return TYPE;
  return value.kind === 'map' ? MAP : types.opaque(OPAQUE[value.kind]);
}

/** Names that stand for types in expressions. */
export const TYPE_NAMES: ReadonlyMap<string, CelType> = new Map<string, CelType>([
  ...[types.BOOL, types.INT, types.UINT, types.DOUBLE, types.STRING, types.BYTES, types.DURATION, types.TIMESTAMP].map(
    (type) => [type.name, type] as const,
  ),
  ['null_type', types.NULL],
  ['list', LIST],
  ['map', MAP],
  ['type', TYPE],
  ['optional_type', OPTIONAL],
  ['google.protobuf.Timestamp', types.TIMESTAMP],
  ['google.protobuf.Duration', types.DURATION],
  ['net.IP', types.opaque('net.IP')],
  ['net.CIDR', types.opaque('net.CIDR')],
  ['kubernetes.Quantity', types.opaque('kubernetes.Quantity')],
  ['kubernetes.URL', types.opaque('kubernetes.URL')],
  ['kubernetes.Semver', types.opaque('kubernetes.Semver')],
]);
