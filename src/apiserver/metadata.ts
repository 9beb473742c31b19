import { randomUUID } from 'node:crypto';
import { type Clock, rfc3339 } from '#base/clock.ts';
import type { LooseMeta } from '#api/kind.ts';
import type { KubeObject, ObjectMeta } from '#api/object.ts';

/** What the server alone decides is left out here whatever the client sent; the generation comes from the kind. */
export function stampNew(object: KubeObject, namespace: string | undefined, clock: Clock): KubeObject {
  const meta: LooseMeta = object.metadata;
  const metadata: LooseMeta = {
    ...(meta.name === undefined ? {} : { name: meta.name }),
    ...(meta.generateName === undefined ? {} : { generateName: meta.generateName }),
    ...(namespace === undefined ? {} : { namespace }),
    uid: randomUUID(),
    creationTimestamp: rfc3339(clock.now()),
    ...pick(meta, 'labels'),
    ...pick(meta, 'annotations'),
    ...pick(meta, 'ownerReferences'),
    ...pick(meta, 'finalizers'),
  };
  return { ...object, metadata: metadata as ObjectMeta };
}

function pick<K extends keyof ObjectMeta>(meta: LooseMeta, key: K): Partial<ObjectMeta> {
  return meta[key] === undefined ? {} : { [key]: meta[key] };
}

export function withMetadata(object: KubeObject, changes: Partial<ObjectMeta>): KubeObject {
  return { ...object, metadata: { ...object.metadata, ...changes } };
}

/** Nothing holds the object any more that has been asked to go. */
export function mayGo(object: KubeObject): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds, finalizers } = object.metadata;
  return deletionTimestamp !== undefined && (deletionGracePeriodSeconds ?? 0) === 0 && (finalizers ?? []).length === 0;
}
