import { FIELDS } from './generated/fields.ts';

/** One field of a model, as a line of FIELDS has it. */
export interface FieldSchema {
  readonly name: string;
  readonly required: boolean;
  /** A scalar, a model's name, or one of these behind `[]` or `{}`. */
  readonly type: string;
}

export interface ModelSchema {
  readonly name: string;
  readonly fields: ReadonlyMap<string, FieldSchema>;
}

const models = new Map<string, ModelSchema>();

/** Scalars of FIELDS; every other name is a model's. */
export const SCALARS: ReadonlySet<string> = new Set([
  'string',
  'boolean',
  'int32',
  'int64',
  'double',
  'bytes',
  'time',
  'microTime',
  'intOrString',
  'quantity',
  'any',
]);

function decodeField(model: string, text: string): FieldSchema {
  const at = text.search(/[!?]/);
  const name = text.slice(0, at);
  const type = QUANTITIES[`${model}.${name}`] ?? text.slice(at + 1);
  return { name, required: text[at] === '!', type };
}

/** Fields that hold amounts. The types that FIELDS is made from call them strings. */
export const QUANTITIES: Readonly<Record<string, string>> = {
  'CSIStorageCapacity.capacity': 'quantity',
  'CSIStorageCapacity.maximumVolumeSize': 'quantity',
  'ContainerStatus.allocatedResources': '{}quantity',
  'EmptyDirVolumeSource.sizeLimit': 'quantity',
  'LimitRangeItem.default': '{}quantity',
  'LimitRangeItem.defaultRequest': '{}quantity',
  'LimitRangeItem.max': '{}quantity',
  'LimitRangeItem.maxLimitRequestRatio': '{}quantity',
  'LimitRangeItem.min': '{}quantity',
  'MetricTarget.averageValue': 'quantity',
  'MetricTarget.value': 'quantity',
  'MetricValueStatus.averageValue': 'quantity',
  'MetricValueStatus.value': 'quantity',
  'NodeStatus.allocatable': '{}quantity',
  'NodeStatus.capacity': '{}quantity',
  'Overhead.podFixed': '{}quantity',
  'PersistentVolumeClaimStatus.allocatedResources': '{}quantity',
  'PersistentVolumeClaimStatus.capacity': '{}quantity',
  'PersistentVolumeSpec.capacity': '{}quantity',
  'PodSpec.overhead': '{}quantity',
  'PodStatus.allocatedResources': '{}quantity',
  'ResourceFieldSelector.divisor': 'quantity',
  'ResourceQuotaSpec.hard': '{}quantity',
  'ResourceQuotaStatus.hard': '{}quantity',
  'ResourceQuotaStatus.used': '{}quantity',
  'ResourceRequirements.limits': '{}quantity',
  'ResourceRequirements.requests': '{}quantity',
  'VolumeResourceRequirements.limits': '{}quantity',
  'VolumeResourceRequirements.requests': '{}quantity',
};

/** The fields of a model; undefined where FIELDS has none of that name. Decoded once. */
export function modelSchema(name: string): ModelSchema | undefined {
  const known = models.get(name);
  if (known !== undefined) return known;
  const line = FIELDS[name];
  if (line === undefined) return undefined;
  const fields = new Map<string, FieldSchema>();
  for (const text of line.split(' ')) {
    if (text === '') continue;
    const field = decodeField(name, text);
    fields.set(field.name, field);
  }
  const schema: ModelSchema = { name, fields };
  models.set(name, schema);
  return schema;
}
