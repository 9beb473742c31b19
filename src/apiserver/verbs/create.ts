import { randomSuffix } from '#base/names.ts';
import type { ManagedFields } from '#api/apply/managed-fields.ts';
import type { KindDefinition } from '#api/kind.ts';
import { invalidStatus } from '#api/field-error.ts';
import type { KubeObject } from '#api/object.ts';
import type { ApiResponse } from '#api/request.ts';
import { alreadyExists, badRequest, failure, generateNameConflict } from '#api/status.ts';
import { admitCreate } from '../admission/admit.ts';
import { allocateFor } from '../admission/allocate.ts';
import { checkGrant } from '../admission/grant.ts';
import { chargeQuotas } from '../admission/quota.ts';
import { hasMutatingWebhooks, mutateByWebhooks, validateWrite } from '../admission/webhook/webhook-admission.ts';
import type { Write } from '../admission/webhook/write.ts';
import { checkObject, decodeBody, identityOf } from '../body.ts';
import type { ResourceContext } from '../context.ts';
import { firstManagers, writerOf } from '../field-manager.ts';
import { stampNew, withMetadata } from '../metadata.ts';
import { persisted, type Sendable } from '../presented.ts';
import { objectResponse } from '../respond.ts';
import { StatusError } from '../status-error.ts';
import { StaleError } from '../storage/object-storage.ts';
import { parseWriteOptions } from '../write-options.ts';

export async function create(context: ResourceContext): Promise<ApiResponse> {
  const { kind, request } = context;
  const options = parseWriteOptions(request.query, 'CreateOptions');
  const identity = identityOf(kind);
  const { object, warnings } = checkObject(await decodeBody(request, identity.kind), identity, options.fieldValidation);
  const created = await createObject(context, object, options.dryRun);
  return objectResponse(context, created, 201, [...warnings, ...kind.warnings(created.object)]);
}

/** A generated name is tried anew so often when it is taken. */
const NAME_ATTEMPTS = 8;
/** What is allocated is chosen anew so often when another server was faster. */
const ALLOCATION_ATTEMPTS = 16;
/** Room for the five random characters in a name of at most 63. */
const MAX_GENERATED_PREFIX = 58;

/** Where a new object is to go, and who makes it. */
export type CreateContext = Pick<ResourceContext, 'server' | 'kind' | 'info' | 'request'>;

/** Takes a new object, whose fields have been checked, all the way into the store. `managed`: who owns it, if not the client. */
export async function createObject(
  context: CreateContext,
  input: KubeObject,
  dryRun: boolean,
  managed?: ManagedFields,
): Promise<Sendable> {
  const { server, kind, info, request } = context;
  const { namespace } = info;
  checkIncoming(kind, namespace, input);
  const complete = kind.defaults(input);
  checkGrant({ server, user: request.user, kind, object: complete, namespace }, undefined);
  const { name = '', generateName = '' } = input.metadata;
  const stamped = withMetadata(stampNew(complete, kind.resource.namespaced ? namespace : undefined, server.clock), {
    managedFields: managed ?? firstManagers(kind, complete, writerOf(context)),
  });
  if (name !== '' || generateName === '') return createNamed(context, stamped, dryRun, false);
  let candidate = '';
  for (let attempt = 0; attempt < NAME_ATTEMPTS; attempt++) {
    candidate = generateName.slice(0, MAX_GENERATED_PREFIX) + randomSuffix();
    try {
      return await createNamed(context, withMetadata(stamped, { name: candidate }), dryRun, true);
    } catch (error) {
      if (!(error instanceof StatusError) || error.status.reason !== 'AlreadyExists') throw error;
    }
  }
  throw new StatusError(generateNameConflict(kind.resource, candidate));
}

function checkIncoming(kind: KindDefinition, namespace: string | undefined, { metadata }: KubeObject): void {
  if (kind.resource.namespaced) {
    const sent = metadata.namespace ?? '';
    if (sent !== '' && sent !== namespace) {
      throw new StatusError(
        badRequest('the namespace of the provided object does not match the namespace sent on the request'),
      );
    }
  }
  if ((metadata.resourceVersion ?? '') !== '') {
    throw new StatusError(failure(500, 'resourceVersion should not be set on objects to be created'));
  }
}

function writeOf({ server, kind, request }: CreateContext, object: KubeObject, dryRun: boolean): Write {
  const { name = '', namespace } = object.metadata;
  const operation = 'CREATE';
  return { server, kind, request, operation, subresource: '', name, namespace, object, old: undefined, dryRun };
}

/** What webhooks may change, they see before it has what only the server gives. */
async function mutated(
  context: CreateContext,
  object: KubeObject,
  dryRun: boolean,
  isGenerated: boolean,
): Promise<KubeObject> {
  if (!hasMutatingWebhooks(context.server)) return object;
  const { uid, creationTimestamp, ...rest } = object.metadata;
  const { name, ...nameless } = rest;
  const seen = { ...object, metadata: isGenerated ? nameless : rest } as KubeObject;
  const changed = await mutateByWebhooks(writeOf(context, seen, dryRun));
  if (changed === undefined || changed === seen) return object;
  return withMetadata(changed, { uid, creationTimestamp, ...(isGenerated ? { name } : {}) });
}

async function createNamed(
  context: CreateContext,
  stamped: KubeObject,
  dryRun: boolean,
  isGenerated: boolean,
  attempt: number = 1,
): Promise<Sendable> {
  const { server, kind } = context;
  const { resource } = kind;
  const admitted = await admitCreate(server, kind, kind.prepareCreate(kind.defaults(stamped)), context.request.user);
  const prepared = await mutated(context, admitted, dryRun, isGenerated);
  const { name = '', namespace } = prepared.metadata;
  const key = namespace === undefined ? name : `${namespace}/${name}`;
  const cache = server.storage.cache(kind.storedAs ?? resource);
  if (name !== '' && cache.get(key) !== undefined) throw new StatusError(alreadyExists(resource, name));
  using reserved = allocateFor(server, kind, prepared, undefined, dryRun);
  const errors = kind.validateCreate(reserved.object);
  if (errors.length > 0) throw new StatusError(invalidStatus(resource, name, errors));
  await validateWrite(writeOf(context, reserved.object, dryRun));
  await chargeQuotas({ server, kind, object: reserved.object, dryRun });
  const object = persisted(kind, reserved.object);
  if (dryRun) return { object };
  try {
    const stored = await server.storage.put(cache, key, object, 0, reserved.beside);
    reserved.commit();
    return stored;
  } catch (error) {
    if (!(error instanceof StaleError)) throw error;
    if (error.key === cache.prefix + key) throw new StatusError(alreadyExists(resource, name));
    // An address that another server took meanwhile: by now that is known here.
    if (attempt >= ALLOCATION_ATTEMPTS) throw error;
    reserved[Symbol.dispose]();
    return createNamed(context, stamped, dryRun, isGenerated, attempt + 1);
  }
}
