import { type FieldError, invalid, invalidStatus } from '#api/field-error.ts';
import type { Writer } from '#api/apply/manager.ts';
import { deepEqual } from '#api/equal.ts';
import type { CertificateSigningRequest, Pod } from '#api/generated/types.ts';
import { validateDecision, withDecision } from '#api/kinds/certificate-signing-request.ts';
import type { KindDefinition } from '#api/kind.ts';
import type { KubeObject } from '#api/object.ts';
import { validateEphemeralContainers } from '#api/pod/ephemeral.ts';
import { validatePodResize, withResources } from '#api/pod/resize.ts';
import type { ApiRequest, ApiResponse, UserInfo } from '#api/request.ts';
import { badRequest, failure, modifiedConflict, notFoundStatus, uidConflict } from '#api/status.ts';
import { admitStatus, admitUpdate, completeUpdate } from '../admission/admit.ts';
import { allocateFor, besideDeletion, releaseOf, untouched } from '../admission/allocate.ts';
import { checkGrant } from '../admission/grant.ts';
import { checkLimits } from '../admission/limit-range.ts';
import { chargeQuotas } from '../admission/quota.ts';
import { mutateByWebhooks, validateWrite } from '../admission/webhook/webhook-admission.ts';
import type { Write } from '../admission/webhook/write.ts';
import { checkObject, decodeBody, identityOf } from '../body.ts';
import type { ResourceContext, ServerContext } from '../context.ts';
import { nextManagers, writerOf } from '../field-manager.ts';
import { mayGo, withMetadata } from '../metadata.ts';
import { persisted, presented, presentedText, type Sendable } from '../presented.ts';
import { objectResponse } from '../respond.ts';
import { StatusError } from '../status-error.ts';
import { StaleError } from '../storage/object-storage.ts';
import type { KindCache } from '../storage/kind-cache.ts';
import type { StoredObject } from '../storage/stored-object.ts';
import { parseWriteOptions } from '../write-options.ts';
import { createObject } from './create.ts';
import { scopeOf } from './list.ts';

/** Which part of the object a write is about. */
export type Part = 'main' | 'status' | 'finalize' | 'binding' | 'ephemeralcontainers' | 'resize' | 'approval';

export interface Target {
  readonly server: ServerContext;
  readonly kind: KindDefinition;
  readonly cache: KindCache;
  readonly key: string;
  readonly name: string;
  readonly user: UserInfo;
  /** Absent where the server writes by itself, which no webhook is asked about. */
  readonly request?: ApiRequest | undefined;
  /** As whom the fields that the write sets are owned. */
  readonly writer: Writer;
}

export function targetOf(context: ResourceContext): Target {
  const { server, kind, cache, info, request } = context;
  const name = info.name ?? '';
  return {
    server,
    kind,
    cache,
    key: scopeOf(context) + name,
    name,
    user: request.user,
    request,
    writer: writerOf(context),
  };
}

export async function update(context: ResourceContext, part: Part): Promise<ApiResponse> {
  const { kind, request } = context;
  const options = parseWriteOptions(request.query, 'UpdateOptions');
  const identity = identityOf(kind);
  const checked = checkObject(await decodeBody(request, identity.kind), identity, options.fieldValidation);
  const object = placed(context, checked.object);
  const target = targetOf(context);
  if (kind.createOnUpdate && part === 'main' && target.cache.get(target.key) === undefined) {
    const created = await createObject(context, withMetadata(object, { resourceVersion: '' }), options.dryRun);
    return objectResponse(context, created, 201, checked.warnings);
  }
  const old = target.cache.get(target.key)?.object;
  const updated = await modify(
    target,
    part,
    ({ object: present }) => sameObject(target, object, present),
    options.dryRun,
  );
  return objectResponse(context, updated, 200, [...checked.warnings, ...warningsOf(kind, part, updated.object, old)]);
}

/** What is written decides what there is to say of it. */
export function warningsOf(kind: KindDefinition, part: Part, object: KubeObject, old?: KubeObject): readonly string[] {
  if (part === 'main') return kind.warnings(object, old);
  return part === 'status' ? kind.statusWarnings(object) : [];
}

/** The body must mean the object that the path names; what it leaves out is filled in. */
function placed({ kind, info }: ResourceContext, object: KubeObject): KubeObject {
  const { name = '', namespace = '' } = object.metadata;
  if (name === '') {
    const text = `the name of the object (${info.name ?? ''} based on URL) was undeterminable: name must be provided`;
    throw new StatusError(badRequest(text));
  }
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
  change: (old: Sendable) => KubeObject | Promise<KubeObject>,
  dryRun: boolean = false,
): Promise<Sendable> {
  const { server, cache, kind, key, name } = target;
  return server.storage.exclusively(cache, key, async () => {
    for (let attempt = 1; ; attempt++) {
      const old = cache.get(key);
      if (old === undefined) throw new StatusError(notFoundStatus(kind.resource, name));
      const input = await change(presentedText(kind, old));
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

/** A replacement that was meant for another object; a patch that would make it one is not valid. */
function sameObject({ kind, key }: Target, object: KubeObject, present: KubeObject): KubeObject {
  const { uid = '', name } = object.metadata;
  if (uid === '' || uid === present.metadata.uid) return object;
  throw new StatusError(uidConflict(kind.resource, name, { key, wanted: uid, found: present.metadata.uid }));
}

/** Refuses what was meant for an earlier state of the object. */
function checkGuards(kind: KindDefinition, input: KubeObject, old: KubeObject): void {
  const { resourceVersion = '', name } = input.metadata;
  if (!/^\d*$/.test(resourceVersion)) {
    throw new StatusError(
      failure(500, `strconv.ParseUint: parsing ${JSON.stringify(resourceVersion)}: invalid syntax`),
    );
  }
  const isBlind = resourceVersion === '' || resourceVersion === '0';
  if (isBlind && !kind.unconditionalUpdate) {
    const { group, plural } = kind.resource;
    const error = invalid('metadata.resourceVersion', 0, 'must be specified for an update');
    throw new StatusError(invalidStatus({ group, kind: plural }, name, [error]));
  }
  if (isBlind || resourceVersion === old.metadata.resourceVersion) return;
  throw new StatusError(modifiedConflict(kind.resource, name));
}

async function replace(
  target: Target,
  part: Part,
  input: KubeObject,
  old: StoredObject,
  dryRun: boolean,
): Promise<Sendable> {
  const { server, kind, cache, key, name, user, writer } = target;
  const before = presented(kind, old.object);
  const complete = part === 'main' ? completeUpdate(kind, kind.defaults(input)) : input;
  const managed = nextManagers(kind, part, complete, before, writer);
  const managedFields = managed.length === 0 ? undefined : managed;
  const owned = withMetadata(complete, { managedFields });
  const changed = prepare(kind, part, await mutated(target, part, owned, before, dryRun), before);
  const prepared = admitStatus(server, kind, part, changed, before, user);
  const { namespace } = before.metadata;
  if (part === 'main') checkGrant({ server, user, kind, object: prepared, namespace }, before);
  using reserved = part === 'main' ? allocateFor(server, kind, prepared, before, dryRun) : untouched(prepared);
  const errors = validate(kind, part, reserved.object, before);
  if (errors.length > 0) throw new StatusError(invalidStatus(kind.resource, name, errors));
  if (part === 'main') admitUpdate(server, kind, reserved.object, before);
  if (part === 'resize') checkLimits(server, reserved.object as Pod);
  const write = writeOf(target, part, before, dryRun);
  if (write !== undefined) await validateWrite({ ...write, object: reserved.object });
  const next = withMetadata(reserved.object, { resourceVersion: before.metadata.resourceVersion, managedFields });
  if (deepEqual(next, before)) return old;
  if (part === 'main' || part === 'resize') await chargeQuotas({ server, kind, object: next, old: before, dryRun });
  const stored = persisted(kind, next);
  if (dryRun) return { object: stored };
  if (mayGo(next) && !holdsSpecFinalizers(kind, next)) {
    await removeObject(target, old);
    return { object: stored };
  }
  const written = await server.storage.put(cache, key, stored, old.revision, reserved.beside);
  reserved.commit();
  return written;
}

/** A binding makes something, the other parts change the object. Undefined where nobody is asked. */
function writeOf(
  { server, kind, request, name }: Target,
  part: Part,
  old: KubeObject,
  dryRun: boolean,
): Write | undefined {
  if (request === undefined) return undefined;
  const { namespace } = old.metadata;
  const operation = part === 'binding' ? 'CREATE' : 'UPDATE';
  const subresource = part === 'main' ? '' : part;
  return { server, kind, request, operation, subresource, name, namespace, object: undefined, old, dryRun };
}

async function mutated(
  target: Target,
  part: Part,
  object: KubeObject,
  old: KubeObject,
  dryRun: boolean,
): Promise<KubeObject> {
  const write = writeOf(target, part, old, dryRun);
  return write === undefined ? object : ((await mutateByWebhooks({ ...write, object })) ?? object);
}

function prepare(kind: KindDefinition, part: Part, input: KubeObject, old: KubeObject): KubeObject {
  switch (part) {
    case 'main':
      return kind.prepareUpdate(input, old);
    case 'status':
      return kind.prepareStatusUpdate(input, old);
    case 'binding':
      return input;
    case 'finalize':
      return { ...old, spec: { ...specOf(old), finalizers: specOf(input).finalizers } } as KubeObject;
    case 'ephemeralcontainers':
      return kind.prepareUpdate(kind.defaults(withEphemeralContainers(old, input)), old);
    case 'resize':
      return kind.prepareUpdate(kind.defaults(withResources(old as Pod, input as Pod)), old);
    case 'approval':
      return withDecision(old as CertificateSigningRequest, input as CertificateSigningRequest);
  }
}

function validate(kind: KindDefinition, part: Part, object: KubeObject, old: KubeObject): readonly FieldError[] {
  switch (part) {
    case 'main':
      return kind.validateUpdate(object, old);
    case 'status':
      return kind.validateStatusUpdate(object, old);
    case 'ephemeralcontainers':
      return validateEphemeralContainers(object as Pod, old as Pod);
    case 'resize':
      return validatePodResize(object as Pod, old as Pod);
    case 'approval':
      return validateDecision(object as CertificateSigningRequest, old as CertificateSigningRequest);
    case 'binding':
    case 'finalize':
      return [];
  }
}

function withEphemeralContainers(old: KubeObject, input: KubeObject): KubeObject {
  const { ephemeralContainers } = (input as Pod).spec;
  return { ...old, spec: { ...(old as Pod).spec, ephemeralContainers } } as KubeObject;
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
  const removed = await server.storage.delete(cache, object, besideDeletion(server, kind, object.object));
  releaseOf(server, kind, object.object);
  return removed;
}
