import type { Clock } from '#base/clock.ts';
import {
  MANDATORY_LEVELS,
  MANDATORY_SCHEMAS,
  SUGGESTED_LEVELS,
  SUGGESTED_SCHEMAS,
} from '#api/flowcontrol/default-objects.ts';
import type { KubeObject } from '#api/object.ts';
import { apiVersionOf, flowSchemas, priorityLevelConfigurations, type Resource } from '#api/resource.ts';
import { stampNew, withMetadata } from './metadata.ts';
import { StaleError, type ObjectStorage } from './storage/object-storage.ts';

const ANNOTATIONS = { 'apf.kubernetes.io/autoupdate-spec': 'true' };

/** Makes the levels and schemas that every cluster has, where they are not there: nothing here goes by them. */
export async function writeDefaultFlowControl(storage: ObjectStorage, clock: Clock): Promise<void> {
  const writeAll = (resource: Resource, specs: Readonly<Record<string, object>>): Promise<void>[] =>
    Object.entries(specs).map(([name, spec]) => write(storage, clock, resource, name, spec));
  await Promise.all([
    ...writeAll(priorityLevelConfigurations, { ...MANDATORY_LEVELS, ...SUGGESTED_LEVELS }),
    ...writeAll(flowSchemas, { ...MANDATORY_SCHEMAS, ...SUGGESTED_SCHEMAS }),
  ]);
}

async function write(
  storage: ObjectStorage,
  clock: Clock,
  resource: Resource,
  name: string,
  spec: object,
): Promise<void> {
  const cache = storage.cache(resource);
  if (cache.get(name) !== undefined) return;
  const head = { apiVersion: apiVersionOf(resource), kind: resource.kind };
  const object = { ...head, metadata: { name, annotations: ANNOTATIONS }, spec, status: {} } as unknown as KubeObject;
  try {
    await storage.put(cache, name, withMetadata(stampNew(object, undefined, clock), { generation: 1 }), 0);
  } catch (error) {
    // Another server on the same store does the same.
    if (!(error instanceof StaleError)) throw error;
  }
}
