import { errorMessage } from '#base/errors.ts';
import { type FieldValidation } from '#api/field-check.ts';
import { type KubeObject, type Status } from '#api/object.ts';
import { type ApiRequest, type ApiResponse } from '#api/request.ts';
import { PatchError } from '#api/patch/patch-error.ts';
import { badRequest, failure, unsupportedMediaType } from '#api/status.ts';
import { checkObject, decodeYaml, identityOf, mediaType } from '../body.ts';
import { type ResourceContext } from '../context.ts';
import { duplicateFields } from '../duplicate-fields.ts';
import { objectResponse } from '../respond.ts';
import { StatusError } from '../status-error.ts';
import { parseWriteOptions } from '../write-options.ts';
import { modify, targetOf, type Part } from './update.ts';

const PATCH_TYPES = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/apply-patch+yaml',
  'application/apply-patch+cbor',
  'application/strategic-merge-patch+json',
];

/** Applies to a document and gives a new one. */
export type Patcher = (document: unknown) => unknown;

/** The patch of a request, read and ready; `model` names the schema whose lists a strategic merge goes by. */
export async function readPatch(
  request: ApiRequest,
  model: string,
): Promise<{ apply: Patcher; duplicates: readonly string[] }> {
  const type = mediaType(request.contentType);
  if (type === 'application/apply-patch+yaml') {
    throw new StatusError(
      failure(415, 'server-side apply is not supported by this server yet, use client-side apply', {
        reason: 'UnsupportedMediaType',
      }),
    );
  }
  const { value, duplicates } = await decodePatch(request);
  switch (type) {
    case 'application/json-patch+json': {
      const { applyJsonPatch } = await import('#api/patch/json-patch.ts');
      return { apply: (document) => applyJsonPatch(document, value), duplicates };
    }
    case 'application/merge-patch+json': {
      const { applyMergePatch } = await import('#api/patch/merge-patch.ts');
      return { apply: (document) => applyMergePatch(document, value), duplicates };
    }
    case 'application/strategic-merge-patch+json': {
      const { applyStrategicMergePatch } = await import('#api/patch/strategic-merge.ts');
      return { apply: (document) => applyStrategicMergePatch(document, value, model), duplicates };
    }
    default:
      throw new StatusError(unsupportedMediaType(PATCH_TYPES));
  }
}

async function decodePatch({
  body,
  contentType,
}: ApiRequest): Promise<{ value: unknown; duplicates: readonly string[] }> {
  if (typeof body !== 'string') return { value: body, duplicates: [] };
  try {
    if (mediaType(contentType).endsWith('+yaml')) return await decodeYaml(body);
    return { value: JSON.parse(body), duplicates: duplicateFields(body) };
  } catch (error) {
    throw new StatusError(badRequest(`error decoding patch: ${errorMessage(error)}`));
  }
}

/** Runs a patcher; what it refuses is answered as it says. */
export function applyPatch(apply: Patcher, document: unknown): unknown {
  try {
    return apply(document);
  } catch (error) {
    if (error instanceof PatchError) throw new StatusError(patchStatus(error));
    throw error;
  }
}

function patchStatus(error: PatchError): Status {
  const reason = error.reason === '' ? {} : { reason: error.reason };
  return failure(error.httpStatus, error.message, reason);
}

export async function patch(context: ResourceContext, part: Part): Promise<ApiResponse> {
  const { kind, request } = context;
  const { dryRun, fieldValidation } = parseWriteOptions(request.query, 'PatchOptions');
  const { apply, duplicates } = await readPatch(request, kind.model);
  const target = targetOf(context);
  const warnings: string[] = [];
  const change = ({ object }: { readonly object: KubeObject }): KubeObject => {
    const checked = checkPatched(context, applyPatch(apply, object), duplicates, fieldValidation);
    warnings.splice(0, warnings.length, ...checked.warnings);
    return checked.object;
  };
  const before = target.cache.get(target.key)?.object;
  const patched = await modify(target, part, change, dryRun);
  return objectResponse(context, patched, 200, [...warnings, ...kind.warnings(patched.object, before)]);
}

function checkPatched(
  { kind, info }: ResourceContext,
  value: unknown,
  duplicates: readonly string[],
  mode: FieldValidation,
): { object: KubeObject; warnings: readonly string[] } {
  const checked = checkObject({ value, duplicates }, identityOf(kind), mode);
  const { name, namespace } = checked.object.metadata;
  if (name !== info.name) {
    throw new StatusError(
      badRequest(`the name of the object (${name}) does not match the name on the URL (${info.name ?? ''})`),
    );
  }
  if (kind.resource.namespaced && namespace !== info.namespace) {
    throw new StatusError(
      badRequest('the namespace of the provided object does not match the namespace sent on the request'),
    );
  }
  return checked;
}
