import { isAtomicMap, isAtomicObject, listMerge } from '../patch/list-keys.ts';
import { modelSchema } from '../schema.ts';
import {
  DEDUCED,
  type ListType,
  type MapType,
  type MergeType,
  type ScalarType,
  type StructType,
  UNTYPED,
} from './merge-type.ts';

const STRING: ScalarType = Object.freeze({ kind: 'scalar', scalar: 'string' });
const NUMERIC: ScalarType = Object.freeze({ kind: 'scalar', scalar: 'numeric' });
const BOOLEAN: ScalarType = Object.freeze({ kind: 'scalar', scalar: 'boolean' });

const SCALARS: Readonly<Record<string, MergeType>> = {
  string: STRING,
  bytes: STRING,
  boolean: BOOLEAN,
  int32: NUMERIC,
  int64: NUMERIC,
  double: NUMERIC,
  time: UNTYPED,
  microTime: UNTYPED,
  intOrString: UNTYPED,
  quantity: UNTYPED,
  any: DEDUCED,
};

/** Fields held by value, beside the `metadata`, `spec` and `status` that nearly all objects have. */
const EMBEDDED: Readonly<Record<string, readonly string[]>> = {
  Container: ['resources'],
  ContainerStatus: ['lastState', 'state'],
  CoreEvent: ['involvedObject', 'source'],
  CronJobSpec: ['jobTemplate'],
  CustomResourceDefinitionSpec: ['names'],
  CustomResourceDefinitionStatus: ['acceptedNames'],
  DaemonSetSpec: ['template', 'updateStrategy'],
  DeploymentSpec: ['strategy', 'template'],
  EphemeralContainer: ['resources'],
  HTTPIngressPath: ['backend'],
  HorizontalPodAutoscalerSpec: ['scaleTargetRef'],
  HorizontalPodAutoscalerSpecV1: ['scaleTargetRef'],
  IngressServiceBackend: ['port'],
  IngressStatus: ['loadBalancer'],
  JobSpec: ['template'],
  JobTemplateSpec: ['metadata', 'spec'],
  NodeDaemonEndpoints: ['kubeletEndpoint'],
  NodeStatus: ['daemonEndpoints', 'nodeInfo'],
  PersistentVolumeClaimSpec: ['resources'],
  PersistentVolumeClaimTemplate: ['metadata', 'spec'],
  PodTemplateSpec: ['metadata', 'spec'],
  ReplicaSetSpec: ['template'],
  ServiceStatus: ['loadBalancer'],
  StatefulSetSpec: ['template', 'updateStrategy'],
};

/** Values of keys that items of keyed lists may leave out. */
const KEY_DEFAULTS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  ContainerPort: { protocol: 'TCP' },
  ServicePort: { protocol: 'TCP' },
};

const NONE: readonly string[] = Object.freeze([]);
const NO_DEFAULTS: Readonly<Record<string, unknown>> = Object.freeze({});
const types = new Map<string, MergeType>();

/** The type of a model of the field table. */
export function modelType(model: string): MergeType {
  let type = types.get(model);
  if (type === undefined) {
    type = structType(model);
    types.set(model, type);
  }
  return type;
}

function structType(model: string): StructType {
  const schema = modelSchema(model);
  const fields = new Map<string, MergeType | undefined>();
  const isRoot = schema?.fields.has('apiVersion') === true && schema.fields.has('metadata');
  const own = isRoot ? ['metadata', 'spec', 'status'].filter((name) => schema.fields.has(name)) : NONE;
  return {
    kind: 'struct',
    atomic: isAtomicObject(model),
    embedded: EMBEDDED[model] ?? own,
    // Made when first met: models refer to each other, some to themselves.
    field: (name) => {
      if (fields.has(name)) return fields.get(name);
      const field = schema?.fields.get(name);
      const type = field === undefined ? undefined : fieldType(model, name, field.type);
      fields.set(name, type);
      return type;
    },
  };
}

function fieldType(model: string, field: string, type: string): MergeType {
  if (type.startsWith('[]')) return listType(model, field, type.slice(2));
  if (type.startsWith('{}')) {
    return Object.freeze<MapType>({ kind: 'map', atomic: isAtomicMap(model, field), item: plainType(type.slice(2)) });
  }
  return plainType(type);
}

function plainType(type: string): MergeType {
  if (type.startsWith('[]') || type.startsWith('{}')) return fieldType('', '', type);
  return SCALARS[type] ?? modelType(type);
}

function listType(model: string, field: string, item: string): ListType {
  const { listType: list, mapKeys } = listMerge(model, field);
  const keyDefaults = KEY_DEFAULTS[item] ?? NO_DEFAULTS;
  const isHeld = model === 'PodSpec' && field === 'containers';
  return Object.freeze({ kind: 'list', list, isHeld, keys: mapKeys.toSorted(), keyDefaults, item: plainType(item) });
}
