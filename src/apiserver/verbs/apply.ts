import { applyConfiguration, type Applied, type ApplyOptions } from '#api/apply/apply.ts';
import { applyConflict } from '#api/apply/conflict.ts';
import type { KubeObject, ObjectMeta, Status } from '#api/object.ts';
import { isObject, type JsonObject } from '#api/patch/json-value.ts';
import type { ApiRequest, ApiResponse } from '#api/request.ts';
import { apiVersionOf } from '#api/resource.ts';
import { badRequest, conflict, failure, notFoundStatus, undecodable } from '#api/status.ts';
import { addWarnings } from '../admission/webhook/warnings.ts';
import { mediaType } from '../body.ts';
import type { ResourceContext } from '../context.ts';
import { countedMembers, mergeTypeOf, writerOf } from '../field-manager.ts';
import { withMetadata } from '../metadata.ts';
import { objectResponse } from '../respond.ts';
import { StatusError } from '../status-error.ts';
import { parseWriteOptions } from '../write-options.ts';
import { createObject } from './create.ts';
import { checkPatched, decodePatch } from './patch-body.ts';
import { modify, type Part, type Target, targetOf, warningsOf } from './update.ts';

/** KEP-555: the client states what it wants to own, the server works out what that changes. */
export function isApply(request: ApiRequest): boolean {
  return mediaType(request.contentType) === 'application/apply-patch+yaml';
}

export async function apply(context: ResourceContext, part: Part): Promise<ApiResponse> {
  const { dryRun, fieldValidation, force } = parseWriteOptions(context.request.query, 'PatchOptions', true);
  const config = await readConfiguration(context);
  const target: Target = { ...targetOf(context), writer: writerOf(context, 'Apply') };
  const { kind } = context;
  const options = { force, counts: countedMembers(kind, part), type: mergeTypeOf(kind), writer: target.writer };
  const warnings: string[] = [];
  const change = ({ object }: { readonly object: KubeObject }): KubeObject => {
    const applied = laidOver(object, config, options);
    if (applied === object) return object;
    const checked = checkPatched(context, applied, [], fieldValidation);
    warnings.splice(0, warnings.length, ...checked.warnings);
    return checked.object;
  };
  const before = target.cache.get(target.key)?.object;
  if (before === undefined) {
    if (part !== 'main') throw new StatusError(notFoundStatus(kind.resource, target.name));
    return applyNew(context, config, change, dryRun);
  }
  const object = await modify(target, part, change, dryRun);
  return objectResponse(context, object, 200, [...warnings, ...warningsOf(kind, part, object.object, before)]);
}

/** Applies to an object; throws where others are in the way. */
export function laidOver(live: KubeObject, config: JsonObject, options: ApplyOptions): KubeObject {
  const applied = applyConfiguration(live, config, options);
  if (applied.kind !== 'applied') throw new StatusError(refusal(applied, live, config));
  return applied.object as unknown as KubeObject;
}

function refusal(
  applied: Exclude<Applied, { kind: 'applied' }>,
  { metadata, apiVersion, kind }: KubeObject,
  config: JsonObject,
): Status {
  if (applied.kind === 'conflicts') return applyConflict(applied.conflicts);
  // The namespace is told as the client wrote it.
  const { namespace = '' } = config['metadata'] as Partial<ObjectMeta>;
  const name = `${namespace}/${metadata.name}`;
  const type = apiVersion.includes('/') ? apiVersion : `/${apiVersion}`;
  const [only = ''] = applied.problems;
  const text = applied.problems.length === 1 ? only : `errors:\n  ${applied.problems.join('\n  ')}`;
  return failure(500, `failed to create typed patch object (${name}; ${type}, Kind=${kind}): ${text}`);
}

/** What is not there yet is made: an apply to an object that has nothing but its name. */
async function applyNew(
  context: ResourceContext,
  config: JsonObject,
  change: (old: { readonly object: KubeObject }) => KubeObject,
  dryRun: boolean,
): Promise<ApiResponse> {
  const { kind, info } = context;
  const { uid } = config['metadata'] as Partial<ObjectMeta>;
  if (uid !== undefined && uid !== '') {
    const why = `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`;
    throw new StatusError(conflict(kind.resource, info.name ?? '', why));
  }
  const { namespace, name = '' } = info;
  const empty = {
    apiVersion: apiVersionOf(kind.resource),
    kind: kind.resource.kind,
    metadata: namespace === undefined ? { name } : { name, namespace },
  } as KubeObject;
  const object = change({ object: empty });
  // A version that was wanted of an object that is not there is of no meaning.
  const fresh = withMetadata(object, { resourceVersion: '' });
  const created = await createObject(context, fresh, dryRun, object.metadata.managedFields);
  return objectResponse(context, created, 201, kind.warnings(created.object));
}

/** The configuration: an object of the kind and version that the path names. */
async function readConfiguration(context: ResourceContext): Promise<JsonObject> {
  const { value, duplicates, repeated = [] } = await decodePatch(context.request);
  const { resource } = context.kind;
  if (!isObject(value)) throw new StatusError(badRequest('error decoding YAML: the body is not an object'));
  const [duplicate] = duplicates;
  if (duplicate !== undefined && context.request.query['fieldValidation'] === 'Strict') {
    throw new StatusError(badRequest(`error strict decoding YAML: ${duplicate}`));
  }
  tellOfRepeated(context.request, repeated);
  const { apiVersion, kind, metadata = {} } = value;
  const wanted = apiVersionOf(resource);
  if (apiVersion === undefined && kind === undefined)
    throw new StatusError(badRequest('invalid object type: /, Kind='));
  if (typeof apiVersion !== 'string' || apiVersion === '') throw new StatusError(missing('apiVersion'));
  if (typeof kind !== 'string' || kind === '') throw new StatusError(missing('kind'));
  if (apiVersion !== wanted) {
    const why = `Specified patch version: ${apiVersion}, expected: ${wanted}`;
    throw new StatusError(badRequest(`Incorrect version specified in apply patch. ${why}`));
  }
  if (kind !== resource.kind) {
    throw new StatusError(undecodable({ version: resource.version, kind }, resource.kind, 'it is of another kind'));
  }
  if (!isObject(metadata)) throw new StatusError(badRequest('error decoding YAML: metadata is not an object'));
  checkMetadata(context, metadata);
  return { ...value, metadata };
}

/** Of a key that is there twice the last value counts: that is refused, or said. */
function tellOfRepeated(request: ApiRequest, repeated: readonly string[]): void {
  const mode = request.query['fieldValidation'];
  if (repeated.length === 0 || mode === 'Ignore') return;
  if (mode !== 'Strict') return addWarnings(request, repeated);
  const lines = repeated.map((text) => `\n  ${text}`).join('');
  const why = `error converting YAML to JSON: yaml: unmarshal errors:${lines}`;
  throw new StatusError(badRequest(`error strict decoding YAML: ${why}`));
}

function checkMetadata({ info, kind }: ResourceContext, metadata: Partial<ObjectMeta>): void {
  const { managedFields, name = info.name, namespace = info.namespace } = metadata;
  if (managedFields !== undefined && managedFields !== null) {
    throw new StatusError(badRequest('metadata.managedFields must be nil'));
  }
  if (name !== info.name) {
    throw new StatusError(
      badRequest(`the name of the object (${name ?? ''}) does not match the name on the URL (${info.name ?? ''})`),
    );
  }
  if (kind.resource.namespaced && namespace !== info.namespace) {
    throw new StatusError(
      badRequest('the namespace of the provided object does not match the namespace sent on the request'),
    );
  }
}

function missing(field: string): ReturnType<typeof badRequest> {
  const text = field === 'kind' ? "Object 'Kind' is missing in patch" : "Object 'apiVersion' is missing in patch";
  return badRequest(`error decoding YAML: ${text}`);
}
