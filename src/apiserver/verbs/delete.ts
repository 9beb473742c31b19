import { rfc3339 } from '#base/clock.ts';
import { deepEqual } from '#api/equal.ts';
import type { KindDefinition } from '#api/kind.ts';
import type { KubeObject, ObjectMeta } from '#api/object.ts';
import type { ApiResponse } from '#api/request.ts';
import { namespaces } from '#api/resource.ts';
import { conflict, modifiedConflict, notFoundStatus, success } from '#api/status.ts';
import { admitNamespaceDeletion } from '../admission/namespace-lifecycle.ts';
import { mutateByWebhooks, validateWrite } from '../admission/webhook/webhook-admission.ts';
import type { ResourceContext } from '../context.ts';
import { parseDeletion, type Deletion } from '../delete-options.ts';
import { matcherOf, parseListOptions } from '../list-options.ts';
import { mayGo, withMetadata } from '../metadata.ts';
import { presented, type Sendable } from '../presented.ts';
import { listResponse, objectResponse, statusResponse } from '../respond.ts';
import { StatusError } from '../status-error.ts';
import { StaleError } from '../storage/object-storage.ts';
import type { StoredObject } from '../storage/stored-object.ts';
import { scopeOf } from './list.ts';
import { holdsSpecFinalizers, removeObject, targetOf, type Target } from './update.ts';

/** The garbage collector takes these off when it has dealt with the dependents. */
const ORPHAN = 'orphan';
const FOREGROUND = 'foregroundDeletion';

/** Kinds that answer a DELETE with the object even when it is gone, for clients that go on with it. */
const SHOWS_DELETED: ReadonlySet<string> = new Set([
  'pods',
  'services',
  'serviceaccounts',
  'persistentvolumes',
  'persistentvolumeclaims',
  'resourcequotas',
  'podtemplates',
]);

export async function deleteOne(context: ResourceContext): Promise<ApiResponse> {
  const deletion = await parseDeletion(context.request);
  const target = targetOf(context);
  const { resource } = context.kind;
  if (resource.group === '' && resource.plural === namespaces.plural) admitNamespaceDeletion(target.name);
  const { object, gone } = await deleteObject(target, deletion);
  if (!gone || (resource.group === '' && SHOWS_DELETED.has(resource.plural))) return objectResponse(context, object);
  const { name, uid } = object.object.metadata;
  const group = resource.group === '' ? {} : { group: resource.group };
  return statusResponse(success({ name, ...group, kind: resource.plural, uid }));
}

export async function deleteCollection(context: ResourceContext): Promise<ApiResponse> {
  const deletion = await parseDeletion(context.request);
  const options = parseListOptions(context.kind, context.request.query, false);
  const { cache, server } = context;
  const matches = matcherOf(context.kind, options);
  const listed = [...cache.list(scopeOf(context))].filter(({ object }) => matches === undefined || matches(object));
  const base = targetOf(context);
  const deleted = await Promise.all(listed.map((stored) => deleteListed(base, stored, deletion)));
  const items = deleted.filter((item) => item !== undefined);
  return listResponse(context, items, { resourceVersion: String(server.storage.revision) });
}

async function deleteListed(base: Target, stored: StoredObject, deletion: Deletion): Promise<Sendable | undefined> {
  try {
    return (await deleteObject({ ...base, key: stored.key, name: stored.object.metadata.name }, deletion)).object;
  } catch (error) {
    // Somebody else was faster.
    if (error instanceof StatusError && error.status.reason === 'NotFound') return undefined;
    throw error;
  }
}

export interface Deleted {
  readonly object: Sendable;
  /** False when finalizers or a grace period keep the object. */
  readonly gone: boolean;
}

const ATTEMPTS = 5;

/** Deletes one object, or marks it as to be deleted where something has to happen first. */
export async function deleteObject(target: Target, deletion: Deletion): Promise<Deleted> {
  const { server, cache, kind, key, name } = target;
  return server.storage.exclusively(cache, key, async () => {
    for (let attempt = 1; ; attempt++) {
      const old = cache.get(key);
      if (old === undefined) throw new StatusError(notFoundStatus(kind.resource, name));
      checkPreconditions(kind, old.object, deletion);
      await askWebhooks(target, presented(kind, old.object), deletion.dryRun);
      try {
        return await deletePresent(target, old, deletion);
      } catch (error) {
        if (!(error instanceof StaleError)) throw error;
        if (attempt >= ATTEMPTS) throw new StatusError(modifiedConflict(kind.resource, name));
      }
    }
  });
}

async function askWebhooks({ server, kind, request, name }: Target, old: KubeObject, dryRun: boolean): Promise<void> {
  if (request === undefined) return;
  const { namespace } = old.metadata;
  const write = { server, kind, request, operation: 'DELETE', subresource: '', name, namespace, dryRun } as const;
  await mutateByWebhooks({ ...write, object: undefined, old });
  await validateWrite({ ...write, object: undefined, old });
}

function checkPreconditions(kind: KindDefinition, { metadata }: KubeObject, { uid, resourceVersion }: Deletion): void {
  if (uid !== undefined && uid !== metadata.uid) {
    const why = `the UID in the precondition (${uid}) does not match the UID in record (${metadata.uid})`;
    throw preconditionFailed(kind, metadata.name, `${why}. The object might have been deleted and then recreated`);
  }
  if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion) {
    const record = `the ResourceVersion in record (${metadata.resourceVersion})`;
    const why = `the ResourceVersion in the precondition (${resourceVersion}) does not match ${record}`;
    throw preconditionFailed(kind, metadata.name, `${why}. The object might have been modified`);
  }
}

/** Here the text names the kind, where it names the resource elsewhere. */
function preconditionFailed({ resource }: KindDefinition, name: string, why: string): StatusError {
  return new StatusError(conflict({ group: resource.group, plural: resource.kind }, name, why));
}

async function deletePresent(target: Target, old: StoredObject, deletion: Deletion): Promise<Deleted> {
  const { server, cache, kind } = target;
  const next = marked(kind, old.object, deletion, server.clock.now());
  if (mayGo(next) && !holdsSpecFinalizers(kind, next)) {
    if (deletion.dryRun) return { object: old, gone: true };
    const removed = await removeObject(target, old);
    if (kind.deletion.kind !== 'graceful') return { object: removed, gone: true };
    const { resourceVersion } = removed.object.metadata;
    return { object: { object: withMetadata(next, { resourceVersion }) }, gone: true };
  }
  if (deepEqual(next, old.object)) return { object: old, gone: false };
  if (deletion.dryRun) return { object: { object: next }, gone: false };
  return { object: await server.storage.put(cache, target.key, next, old.revision), gone: false };
}

/** The object with the marks of its coming deletion. */
function marked(kind: KindDefinition, object: KubeObject, deletion: Deletion, now: number): KubeObject {
  const { metadata } = object;
  const finalizers = finalizersFor(kind, object, deletion);
  const changes: Partial<ObjectMeta> = deepEqual(finalizers, metadata.finalizers ?? []) ? {} : { finalizers };
  const grace = kind.deletion.kind === 'graceful' ? kind.deletion.graceSeconds(object, deletion.graceSeconds) : 0;
  if (metadata.deletionTimestamp !== undefined) {
    const left = metadata.deletionGracePeriodSeconds ?? 0;
    // A second DELETE can shorten the time that is left, never lengthen it.
    if (left <= grace) return withMetadata(object, changes);
    const due = Date.parse(metadata.deletionTimestamp) - (left - grace) * 1_000;
    return withMetadata(object, { ...changes, deletionTimestamp: rfc3339(due), deletionGracePeriodSeconds: grace });
  }
  const deletionTimestamp = rfc3339(now + grace * 1_000);
  if (kind.deletion.kind === 'finalize') return terminating(withMetadata(object, { ...changes, deletionTimestamp }));
  const generation = metadata.generation === undefined ? {} : { generation: metadata.generation + 1 };
  return withMetadata(object, { ...changes, ...generation, deletionTimestamp, deletionGracePeriodSeconds: grace });
}

function terminating(object: KubeObject): KubeObject {
  const { status } = object as KubeObject & { readonly status?: object };
  return { ...object, status: { ...status, phase: 'Terminating' } } as KubeObject;
}

/** A kind may want something done before its objects go: the first DELETE asks for it. */
function withOwnFinalizer({ deletion }: KindDefinition, metadata: ObjectMeta): readonly string[] {
  const { finalizers = [], deletionTimestamp } = metadata;
  const own = deletion.kind === 'immediate' ? deletion.finalizer : undefined;
  return own === undefined || deletionTimestamp !== undefined || finalizers.includes(own)
    ? finalizers
    : [...finalizers, own];
}

/** Orphaning and deleting dependents first are done by the garbage collector, which is asked by a finalizer. */
function finalizersFor(kind: KindDefinition, { metadata }: KubeObject, deletion: Deletion): readonly string[] {
  const present = withOwnFinalizer(kind, metadata);
  const others = present.filter((name) => name !== ORPHAN && name !== FOREGROUND);
  switch (deletion.propagation) {
    case 'Orphan':
      return [...others, ORPHAN];
    case 'Foreground':
      return [...others, FOREGROUND];
    case 'Background':
      return others;
    case undefined:
      if (others.length < present.length) return present;
      return kind.defaultPropagation === 'Orphan' ? [...present, ORPHAN] : present;
  }
}
