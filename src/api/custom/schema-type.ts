import {
  DEDUCED,
  type ListType,
  type MergeType,
  type ScalarType,
  type StructType,
  UNTYPED,
} from '../apply/merge-type.ts';
import { modelType } from '../apply/model-type.ts';
import { membersSchema, preservesUnknown, type StructuralSchema } from './structural-schema.ts';

const SCALARS: Readonly<Record<string, ScalarType['scalar']>> = {
  string: 'string',
  integer: 'numeric',
  number: 'numeric',
  boolean: 'boolean',
};

/** How server-side apply merges what a schema describes. */
export function schemaType(schema: StructuralSchema, isResource: boolean = false): MergeType {
  if (schema['x-kubernetes-int-or-string'] === true) return UNTYPED;
  if (schema.type === 'array') return listType(schema);
  if (schema.type === 'object') return objectType(schema, isResource);
  const scalar = SCALARS[schema.type ?? ''];
  return scalar === undefined ? DEDUCED : { kind: 'scalar', scalar };
}

function objectType(schema: StructuralSchema, isResource: boolean): MergeType {
  const atomic = schema['x-kubernetes-map-type'] === 'atomic';
  const members = membersSchema(schema);
  if (members !== undefined && schema.properties === undefined && !isResource) {
    return { kind: 'map', atomic, item: schemaType(members) };
  }
  const properties = schema.properties ?? {};
  const known = new Map<string, MergeType>();
  const embedded = isResource || schema['x-kubernetes-embedded-resource'] === true;
  const unnamed = members === undefined ? (preservesUnknown(schema) ? DEDUCED : undefined) : schemaType(members);
  const field = (name: string): MergeType | undefined => {
    const ready = known.get(name);
    if (ready !== undefined) return ready;
    const property = Object.hasOwn(properties, name) ? properties[name] : undefined;
    const type = embedded ? (typeMeta(name) ?? plain(property)) : plain(property);
    if (type !== undefined) known.set(name, type);
    return type ?? unnamed;
  };
  return { kind: 'struct', atomic, field, embedded: [] } satisfies StructType;
}

function plain(property: StructuralSchema | undefined): MergeType | undefined {
  return property === undefined ? undefined : schemaType(property);
}

const STRING: ScalarType = Object.freeze({ kind: 'scalar', scalar: 'string' });

function typeMeta(name: string): MergeType | undefined {
  if (name === 'metadata') return modelType('ObjectMeta');
  return name === 'apiVersion' || name === 'kind' ? STRING : undefined;
}

function listType(schema: StructuralSchema): ListType {
  const type = schema['x-kubernetes-list-type'];
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  const { items } = schema;
  const defaults = keys.flatMap((key) => {
    const value = items?.properties?.[key]?.default;
    return value === undefined ? [] : [[key, value] as const];
  });
  return {
    kind: 'list',
    list: type === 'map' || type === 'set' ? type : 'atomic',
    keys: keys.toSorted(),
    keyDefaults: Object.fromEntries(defaults),
    item: items === undefined ? DEDUCED : schemaType(items),
  };
}
