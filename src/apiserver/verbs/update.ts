import { type FieldError, invalidStatus } from '#api/field-error.ts';
import { deepEqual } from '#api/equal.ts';
import { type KindDefinition } from '#api/kind.ts';
import { type KubeObject } from '#api/object.ts';
import { type ApiResponse } from '#api/request.ts';
import { badRequest, modifiedConflict, notFoundStatus, uidConflict } from '#api/status.ts';
import { allocateFor, releaseOf, untouched } from '../admission/allocate.ts';
import { checkObject, decodeBody, identityOf } from '../body.ts';
import { type ResourceContext, type ServerContext } from '../context.ts';
import { mayGo, withMetadata, withoutManagedFields } from '../metadata.ts';
import { objectResponse, type Sendable } from '../respond.ts';
import { StatusError } from '../status-error.ts';
import { StaleError } from '../storage/object-storage.ts';
import { type KindCache } from '../storage/kind-cache.ts';
import { type StoredObject } from '../storage/stored-object.ts';
import { parseWriteOptions } from '../write-options.ts';
import { createObject } from './create.ts';
import { scopeOf } from './list.ts';

/** Which part of the object a write is about. */
export type Part = 'main' | 'status' | 'finalize' | 'binding';

export interface Target {
  readonly server: ServerContext;
  readonly kind: KindDefinition;
  readonly cache: KindCache;
  readonly key: string;
  readonly name: string;
}

export function targetOf(context: ResourceContext): Target {
  const { server, kind, cache, info } = context;
  const name = info.name ?? '';
  return { server, kind, cache, key: scopeOf(context) + name, name };
}

export async function update(context: ResourceContext, part: Part): Promise<ApiResponse> {
  const { kind, request, server, info } = context;
  const options = parseWriteOptions(request.query, 'UpdateOptions');
  const identity = identityOf(kind);
  const checked = checkObject(await decodeBody(request, identity.kind), identity, options.fieldValidation);
  const object = placed(context, checked.object);
  const target = targetOf(context);
  if (kind.createOnUpdate && part === 'main' && target.cache.get(target.key) === undefined) {
    const created = await createObject(
      server,
      kind,
      info.namespace,
      withMetadata(object, { resourceVersion: '' }),
      options.dryRun,
    );
    return objectResponse(context, created, 201, checked.warnings);
  }
  const old = target.cache.get(target.key)?.object;
  const updated = await modify(target, part, () => object, options.dryRun);
  return objectResponse(context, updated, 200, [...checked.warnings, ...kind.warnings(updated.object, old)]);
}

/** The body must mean the object that the path names; what it leaves out is filled in. */
function placed({ kind, info }: ResourceContext, object: KubeObject): KubeObject {
  const { name = '', namespace = '' } = object.metadata;
  if (name === '') throw new StatusError(badRequest('name must be provided'));
  if (name !== info.name) {
    const text = `the name of the object (${name}) does not match the name on the URL (${info.name ?? ''})`;
    throw new StatusError(badRequest(text));
  }
  if (!kind.resource.namespaced) return object;
  if (namespace !== '' && namespace !== info.namespace) {
    throw new StatusError(
      badRequest('the namespace of the provided object does not match the namespace sent on the request'),
    );
  }
  return withMetadata(object, { namespace: info.namespace });
}

/** A write is tried again so often when one of another server comes in between; a version that it names then fails it. */
const ATTEMPTS = 5;

/**
 * Reads, changes and writes one object, alone among the writers of this process. `change` makes the new object out of
 * the present one; when it holds a resourceVersion, that must be the present one's.
 */
export async function modify(
  target: Target,
  part: Part,
  change: (old: StoredObject) => KubeObject | Promise<KubeObject>,
  dryRun: boolean = false,
): Promise<Sendable> {
  const { server, cache, kind, key, name } = target;
  return server.storage.exclusively(cache, key, async () => {
    for (let attempt = 1; ; attempt++) {
      const old = cache.get(key);
      if (old === undefined) throw new StatusError(notFoundStatus(kind.resource, name));
      const input = await change(old);
      checkGuards(kind, input, old.object);
      try {
        return await replace(target, part, input, old, dryRun);
      } catch (error) {
        if (!(error instanceof StaleError)) throw error;
        if (attempt >= ATTEMPTS) throw new StatusError(modifiedConflict(kind.resource, name));
      }
    }
  });
}

/** Refuses what was meant for another object or for an earlier state of this one. */
function checkGuards(kind: KindDefinition, input: KubeObject, old: KubeObject): void {
  const { uid = '', resourceVersion = '', name } = input.metadata;
  if (uid !== '' && uid !== old.metadata.uid) {
    throw new StatusError(uidConflict(kind.resource, name, uid, old.metadata.uid));
  }
  if (resourceVersion === '' || resourceVersion === '0' || resourceVersion === old.metadata.resourceVersion) return;
  throw new StatusError(modifiedConflict(kind.resource, name));
}

async function replace(
  target: Target,
  part: Part,
  input: KubeObject,
  old: StoredObject,
  dryRun: boolean,
): Promise<Sendable> {
  const { server, kind, cache, key, name } = target;
  const prepared = prepare(kind, part, withoutManagedFields(input), old.object);
  using reserved = part === 'main' ? allocateFor(server, kind, prepared, old.object, dryRun) : untouched(prepared);
  const errors = validate(kind, part, reserved.object, old.object);
  if (errors.length > 0) throw new StatusError(invalidStatus(kind.resource, name, errors));
  const next = withMetadata(reserved.object, { resourceVersion: old.object.metadata.resourceVersion });
  if (deepEqual(next, old.object)) return old;
  if (dryRun) return { object: next };
  if (mayGo(next) && !holdsSpecFinalizers(kind, next)) {
    await removeObject(target, old);
    return { object: next };
  }
  const stored = await server.storage.put(cache, key, next, old.revision);
  reserved.commit();
  return stored;
}

function prepare(kind: KindDefinition, part: Part, input: KubeObject, old: KubeObject): KubeObject {
  switch (part) {
    case 'main':
      return kind.prepareUpdate(kind.defaults(input), old);
    case 'status':
      return kind.prepareStatusUpdate(input, old);
    case 'binding':
      return input;
    case 'finalize':
      return { ...old, spec: { ...specOf(old), finalizers: specOf(input).finalizers } } as KubeObject;
  }
}

function validate(kind: KindDefinition, part: Part, object: KubeObject, old: KubeObject): readonly FieldError[] {
  switch (part) {
    case 'main':
      return kind.validateUpdate(object, old);
    case 'status':
      return kind.validateStatusUpdate(object, old);
    case 'binding':
    case 'finalize':
      return [];
  }
}

interface FinalizedSpec {
  readonly finalizers?: readonly string[] | undefined;
}

function specOf(object: KubeObject): FinalizedSpec {
  return (object as KubeObject & { readonly spec?: FinalizedSpec }).spec ?? {};
}

/** A Namespace stays until its own finalizers, which are in its spec, are gone as well. */
export function holdsSpecFinalizers(kind: KindDefinition, object: KubeObject): boolean {
  return kind.deletion.kind === 'finalize' && (specOf(object).finalizers ?? []).length > 0;
}

/** Takes an object out of the store for good, and what it held back into the ranges. */
export async function removeObject({ server, kind, cache }: Target, object: StoredObject): Promise<StoredObject> {
  const removed = await server.storage.delete(cache, object);
  releaseOf(server, kind, object.object);
  return removed;
}
